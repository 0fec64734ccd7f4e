"""Retries stay a tenth of the calls of a minute, and ten may always go (I20)."""

from hypothesis import given
from hypothesis import strategies as st

from hub.engine import budget, tally
from hub.engine.tally import Slot

NOW = 1_800_000_000.0


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 300), st.integers(0, 300)), max_size=40))
def test_no_grant_goes_beyond_the_budget_of_its_minute(steps: list[tuple[float, int, int]]) -> None:
    now, slots = NOW, list[Slot]()
    for seconds, calls, wanted in steps:
        now += seconds
        slots = tally.added(slots, now, Slot(now, calls=calls))
        window = tally.total(slots, now)
        granted = budget.granted(wanted, calls=window.calls, retries=window.retries)
        slots = tally.added(slots, now, Slot(now, retries=granted))

        assert granted <= wanted
        assert granted == 0 or window.retries + granted <= max(10, window.calls // 10)


def test_ten_go_where_nothing_else_does() -> None:
    assert budget.granted(500, calls=0, retries=0) == 10
    assert budget.granted(500, calls=1000, retries=0) == 100
    assert budget.granted(500, calls=1000, retries=100) == 0


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 9)), max_size=60))
def test_a_window_holds_a_minute_and_little_more(steps: list[tuple[float, int]]) -> None:
    now, slots, seen = NOW, list[Slot](), list[tuple[float, int]]()
    for seconds, calls in steps:
        now += seconds
        slots = tally.from_json(tally.to_json(tally.added(slots, now, Slot(now, calls=calls))))
        seen.append((now, calls))
        least = sum(count for at, count in seen if at > now - tally.WINDOW + tally.SLOT)
        most = sum(count for at, count in seen if at > now - tally.WINDOW - tally.SLOT)

        assert least <= tally.total(slots, now).calls <= most
        assert len(slots) <= tally.WINDOW / tally.SLOT + 1
