"""Retries wait with full jitter, honour what the other side asked for, and end."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.engine import retry

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class TestDecide:
    @given(st.integers(0, 7), st.floats(0, 1), st.booleans())
    def test_waits_within_the_spread(self, tries: int, chance: float, is_busy: bool) -> None:
        decision = retry.decide(tries=tries, now=NOW, chance=chance, is_busy=is_busy)

        assert decision.due_at is not None
        assert timedelta() <= decision.due_at - NOW <= timedelta(seconds=retry.spread(tries, is_busy=is_busy))

    def test_spreads_from_two_seconds_to_a_quarter_of_an_hour(self) -> None:
        assert [retry.spread(tries) for tries in range(10)] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900]

    def test_is_short_for_a_lock(self) -> None:
        assert max(retry.spread(tries, is_busy=True) for tries in range(50)) == 30

    @given(st.integers(0, 7), st.floats(0, 1), st.floats(0, 86_400))
    def test_never_comes_before_the_other_side_allows(self, tries: int, chance: float, asked: float) -> None:
        decision = retry.decide(tries=tries, now=NOW, chance=chance, retry_after=asked)

        assert decision.due_at is not None
        assert decision.due_at - NOW >= timedelta(seconds=asked) - timedelta(microseconds=1)

    def test_believes_no_wait_of_years(self) -> None:
        decision = retry.decide(tries=0, now=NOW, chance=0.0, retry_after=1e12)

        assert decision.due_at == NOW + timedelta(days=7)

    def test_ends_after_eight_tries(self) -> None:
        assert retry.decide(tries=7, now=NOW, chance=0.5).retry
        assert not retry.decide(tries=8, now=NOW, chance=0.5).retry

    def test_ends_after_a_day_of_tries_but_not_after_a_day_of_waiting_for_others(self) -> None:
        long_ago = NOW - timedelta(hours=25)

        assert not retry.decide(tries=3, now=NOW, chance=0.5, first_at=long_ago).retry
        assert retry.decide(tries=1, now=NOW, chance=0.5, first_at=long_ago).retry
        assert retry.decide(tries=3, now=NOW, chance=0.5, first_at=NOW - timedelta(hours=23)).retry
