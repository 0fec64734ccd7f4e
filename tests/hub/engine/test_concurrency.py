"""What is in flight grows by one, halves at congestion, and never goes beyond its limit (I20)."""

from hypothesis import given
from hypothesis import strategies as st

from hub.engine import concurrency
from hub.engine.concurrency import Window

LATENCY = st.none() | st.floats(0, 30)
WINDOWS = st.builds(Window, st.integers(0, 500), st.integers(0, 64), st.booleans(), LATENCY)


class TestAdjusted:
    @given(st.integers(1, 64), st.integers(1, 64), WINDOWS, LATENCY)
    def test_stays_between_one_and_the_most(self, width: int, most: int, window: Window, usual: float | None) -> None:
        assert 1 <= concurrency.adjusted(min(width, most), most, window, usual) <= most

    def test_grows_by_one_where_it_was_used_up(self) -> None:
        assert concurrency.adjusted(4, 16, Window(answers=40, most_in_flight=4), None) == 5
        assert concurrency.adjusted(4, 16, Window(answers=40, most_in_flight=3), None) == 4

    def test_halves_when_asked_for_less_and_when_answers_take_twice_as_long(self) -> None:
        assert concurrency.adjusted(8, 16, Window(answers=40, most_in_flight=8, is_congested=True), None) == 4
        assert concurrency.adjusted(8, 16, Window(answers=40, most_in_flight=8, latency=0.5), 0.2) == 4

    def test_takes_a_doubled_latency_of_milliseconds_for_noise(self) -> None:
        assert concurrency.adjusted(8, 16, Window(answers=40, most_in_flight=8, latency=0.02), 0.005) == 9

    def test_comes_back_from_an_outage_one_by_one(self) -> None:
        width = concurrency.AFTER_AN_OUTAGE
        for _ in range(7):
            width = concurrency.adjusted(width, 32, Window(answers=10, most_in_flight=width), None)

        assert width == 8


class TestShare:
    @given(
        st.integers(1, 64),
        st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=40),
        st.integers(0, 9),
    )
    def test_all_shares_together_stay_within_the_width(
        self, width: int, steps: list[tuple[str, bool]], turn: int
    ) -> None:
        held: dict[str, int] = {}
        for number, (worker, leaves) in enumerate(steps):
            if leaves:
                held.pop(worker, None)
            else:
                held[worker] = concurrency.share(width, held, worker, turn + number // 5)

            assert sum(held.values()) <= width

    def test_becomes_even_as_workers_come_again(self) -> None:
        held: dict[str, int] = {}
        for worker in "abcabc":
            held[worker] = concurrency.share(10, held, worker)

        assert sorted(held.values()) == [3, 3, 3]

    def test_is_there_at_once_for_one_who_comes(self) -> None:
        held = {"a": concurrency.share(8, {}, "a")}

        assert (held["a"], concurrency.share(8, held, "b")) == (7, 1)

    def test_a_width_of_one_goes_round(self) -> None:
        held = {"a": 1, "b": 0}
        held["a"] = concurrency.share(1, held, "a", turn=1)
        held["b"] = concurrency.share(1, held, "b", turn=1)

        assert held == {"a": 0, "b": 1}
