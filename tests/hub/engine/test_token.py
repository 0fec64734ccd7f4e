"""When a token is used, renewed or waited for."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hub.engine import token
from hub.engine.token import Standing, Step, step

NOW = 1_000_000.0
times = st.floats(NOW - 10_000, NOW + 10_000)
standings = st.builds(
    Standing,
    has_access=st.booleans(),
    expires_at=times,
    renew_at=times,
    refreshing_since=st.none() | st.floats(NOW - 10_000, NOW),
    next_try_at=st.none() | times,
    needs_consent=st.booleans(),
)


class TestStep:
    @given(standings)
    def test_never_uses_a_token_that_has_ended_or_is_not_there(self, stands: Standing) -> None:
        if step(stands, NOW) is Step.USE:
            assert stands.has_access
            assert stands.expires_at > NOW
            assert not stands.needs_consent

    @given(standings)
    def test_lets_one_alone_renew_while_the_claim_lasts(self, stands: Standing) -> None:
        since = stands.refreshing_since
        if since is not None and NOW - since < token.LEASE:
            assert step(stands, NOW) is not Step.RENEW

    @given(standings, st.floats(0, 100_000))
    def test_does_not_wait_for_ever(self, stands: Standing, later: float) -> None:
        if step(stands, NOW) is Step.WAIT:
            assert step(stands, NOW + token.LEASE + later) is not Step.WAIT

    @given(standings)
    def test_asks_no_provider_before_it_is_time_to_try_again(self, stands: Standing) -> None:
        if stands.next_try_at is not None and stands.next_try_at > NOW and stands.refreshing_since is None:
            assert step(stands, NOW) is not Step.RENEW

    def test_prefers_the_new_token_and_goes_on_with_the_old_one_where_that_takes_long(self) -> None:
        good = Standing(has_access=True, expires_at=NOW + 60, renew_at=NOW - 1)

        assert step(good, NOW) is Step.RENEW
        assert step(replace(good, refreshing_since=NOW - 1), NOW) is Step.WAIT
        assert step(replace(good, refreshing_since=NOW - 3), NOW) is Step.USE
        assert step(replace(good, refreshing_since=NOW - 46), NOW) is Step.RENEW


class TestTimes:
    @given(st.floats(1, 365 * 86_400), st.floats(0, 1))
    def test_a_token_is_renewed_in_the_last_part_of_its_life(self, life: float, chance: float) -> None:
        at = token.renew_at(NOW, life, chance)
        margin = min(token.LONGEST_MARGIN, token.MARGIN * life)

        assert at > NOW
        assert NOW + life - margin * (1 + token.SPREAD) - 1e-3 <= at <= NOW + life - margin + 1e-3

    @given(st.integers(1, 100), st.booleans())
    def test_a_failure_is_waited_after_longer_each_time_and_bounded(self, failures: int, is_refused: bool) -> None:
        wait = token.wait_after(failures, is_refused=is_refused)

        assert token.FIRST_WAIT <= wait <= token.EXHAUSTED_WAIT
        assert wait <= token.wait_after(failures + 1, is_refused=is_refused)
