"""Rate limits hold for all workers together, whatever they lease and when (I20)."""

from hypothesis import given
from hypothesis import strategies as st

from hub.engine import limit

NOW = 1_800_000_000.0
ASKED = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 40)), min_size=1, max_size=60)


@given(st.integers(1, 50), ASKED)
def test_no_period_contains_more_than_its_limit(count: int, asked: list[tuple[float, int]]) -> None:
    buckets, now, sent = [limit.bucket("second", count, burst=None, now=NOW)], NOW, list[tuple[float, int]]()
    for seconds, wanted in asked:
        now += seconds
        given_, buckets = limit.lease(buckets, wanted, now)
        sent.append((now, given_))

    for begin, _ in sent:
        assert sum(n for at, n in sent if begin <= at < begin + 0.999) <= count


@given(st.integers(1, 50), st.integers(1, 100), ASKED)
def test_a_burst_goes_at_once_and_then_the_rate(count: int, burst: int, asked: list[tuple[float, int]]) -> None:
    buckets, now, sent = [limit.bucket("second", count, burst=burst, now=NOW)], NOW, 0
    for seconds, wanted in asked:
        now += seconds
        given_, buckets = limit.lease(buckets, wanted, now)
        sent += given_

        assert sent <= burst + count * (now - NOW) + 1e-6


@given(st.lists(st.tuples(st.sampled_from(["second", "minute", "day"]), st.integers(1, 10_000)), max_size=3))
def test_waiting_as_long_as_told_is_long_enough(limits: list[tuple[str, int]]) -> None:
    buckets = [limit.bucket(name, count, burst=None, now=NOW) for name, count in limits]
    for _ in range(5):
        _, buckets = limit.lease(buckets, 10_000, NOW)
    wait = limit.wait(buckets, NOW)

    assert limit.lease(buckets, 1, NOW + wait + 1e-6)[0] == 1


def test_what_was_not_used_comes_back_but_never_beyond_the_bucket() -> None:
    full = limit.bucket("minute", 100, burst=None, now=NOW)
    taken, [left] = limit.lease([full], 6, NOW)

    assert (taken, left.tokens) == (6, 4)
    assert limit.returned([left], 50) == [full]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    _, [empty] = limit.lease([limit.bucket("second", 10, burst=None, now=NOW)], 10, NOW)

    assert limit.lease([empty], 10, NOW - 3600)[0] == 0
