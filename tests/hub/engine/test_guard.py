"""Guards stop a run before it does too much, and let ordinary days pass (I15)."""

from hub.engine import guard
from hub.engine.guard import DeletionLimit

LIMIT = DeletionLimit(count=20, share=0.02)


class TestDeletions:
    def test_of_a_handful_pass(self) -> None:
        assert guard.deletions_need_approval(5, 50, LIMIT) == ""

    def test_of_a_small_share_of_many_pass(self) -> None:
        assert guard.deletions_need_approval(100, 10_000, LIMIT) == ""

    def test_above_both_limits_need_approval(self) -> None:
        assert "need approval" in guard.deletions_need_approval(300, 10_000, LIMIT)

    def test_of_everything_always_need_approval(self) -> None:
        assert "Look whether the source is whole" in guard.deletions_need_approval(3, 3, LIMIT)

    def test_of_the_only_record_pass(self) -> None:
        assert guard.deletions_need_approval(1, 1, LIMIT) == ""


class TestSameFailure:
    def test_stops_when_it_is_both_many_and_a_share(self) -> None:
        assert guard.same_failure_stops(51, 1000)

    def test_goes_on_when_it_is_few_or_a_small_share(self) -> None:
        assert not guard.same_failure_stops(50, 60)
        assert not guard.same_failure_stops(51, 2000)
