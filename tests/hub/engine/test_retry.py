"""Retries wait with full jitter, honour what the other side asked for, and end."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.engine import retry

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class TestDecide:
    @given(st.integers(0, 7), st.floats(0, 1))
    def test_waits_within_the_spread(self, tries: int, chance: float) -> None:
        decision = retry.decide(tries=tries, most=8, now=NOW, chance=chance)

        assert decision.due_at is not None
        assert timedelta(seconds=1) <= decision.due_at - NOW <= timedelta(seconds=1 + 5 * 2**tries)

    def test_never_comes_before_the_other_side_allows(self) -> None:
        decision = retry.decide(tries=0, most=8, now=NOW, chance=0.0, retry_after=120)

        assert decision.due_at == NOW + timedelta(seconds=120)

    def test_ends(self) -> None:
        assert not retry.decide(tries=8, most=8, now=NOW, chance=0.5).retry
