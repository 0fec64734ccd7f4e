"""TRANSITION: a step that cannot be mapped keeps its place, holds its record's later steps, and is never lost."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from hub import clock
from hub.engine import verbatim
from hub.engine.intent import State
from hub.models import AuditEvent, Change, Hint, Link, ReconciliationException, Replay, RunState
from hub.models.link import LinkSet
from hub.sdk import Fault, Page, Record
from hub.services import change as changes
from hub.services import hint, replay
from tests.factories import UserFactory
from tests.hub.services.run.coded import WHY, counts_add_up, head, learn, states, steps
from tests.hub.services.run.conftest import Pair
from tests.hub.services.run.test_transition import Feed, feed, walk, written

__all__ = ["feed", "steps"]  # fixtures


class TestStepThatCannotBeMapped:
    @pytest.mark.parametrize(("page_size", "slices"), [(1, 1), (50, 1), (2, 4)])
    def test_holds_the_later_steps_of_its_record_and_none_of_others(
        self, steps: Pair, feed: Feed, page_size: int, slices: int
    ) -> None:
        steps.mapping.page_size, steps.mapping.slices = page_size, slices
        steps.mapping.save()
        walk(feed, "a", "Kiel", "XX", "Ulm", "Bonn")
        walk(feed, "b", "Kiel", "Ulm")

        run = steps.run()

        assert (written(steps, "a"), written(steps, "b")) == (["Kiel"], ["Kiel", "Ulm"])
        assert states() == [State.APPLIED, State.REJECTED, State.HELD, State.HELD]
        assert steps.open_exceptions() == [("a", "unmapped")]
        assert (run.state, run.received, run.excepted, run.held) == (RunState.PARTIAL, 6, 1, 2)
        assert counts_add_up()

    def test_holds_the_steps_of_later_runs_too(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX")
        steps.run()
        walk(feed, "a", "Ulm")
        steps.run()
        walk(feed, "a", "Bonn")

        run = steps.run()

        assert (written(steps, "a"), states()) == ([], [State.REJECTED, State.HELD, State.HELD])
        assert (run.held, steps.open_exceptions()) == (1, [("a", "unmapped")])
        assert counts_add_up()

    def test_holds_a_step_that_a_hint_brings(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX")
        steps.run()
        feed.put("a", city="Ulm")
        hint.put(steps.mapping.pk, ["a"], "somebody called", clock.now())

        steps.run()

        assert (written(steps, "a"), states()) == ([], [State.REJECTED, State.HELD])
        assert not Hint.objects.exists()

    def test_is_kept_as_it_was_read_whatever_the_source_says_now(self, steps: Pair, feed: Feed) -> None:
        feed.step("a", name="a", city="XX", amount=Decimal("1.50"), note="a\0b")
        feed.put("a", city="Ulm")

        steps.run()

        kept = verbatim.read(head().kept or "")
        assert kept == Record("a", {"name": "a", "city": "XX", "amount": Decimal("1.50"), "note": "a\0b"}, "0")

    def test_may_be_several_in_a_row_with_one_exception_at_a_time(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "XX", "YY", "Ulm")
        steps.run()
        learn(steps, "XX")

        steps.run()

        assert written(steps, "a") == ["Kiel", "XX"]
        assert states() == [State.APPLIED, State.APPLIED, State.REJECTED, State.HELD]
        (asked,) = ReconciliationException.objects.filter(state="open")
        assert (asked.change_id, "YY" in asked.reason) == (head().pk, True)
        assert counts_add_up()

    def test_is_the_same_step_when_it_is_read_again(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX")
        steps.run()

        steps.run(full=True)
        walk(feed, "a", "Ulm")
        steps.run(full=True)

        assert states() == [State.REJECTED, State.HELD]
        assert counts_add_up()

    def test_does_not_let_the_record_go_back_to_where_it_stands(self, steps: Pair, feed: Feed) -> None:
        """The last step looks as if nothing had to be written, and would be lost if the one before it is sent later."""
        walk(feed, "a", "Kiel")
        steps.run()
        walk(feed, "a", "XX")
        steps.run()
        walk(feed, "a", "Kiel")
        steps.run()
        learn(steps, "XX")

        run = steps.run()

        assert written(steps, "a") == ["Kiel", "XX", "Kiel"]
        assert (run.state, steps.open_exceptions(), counts_add_up()) == (RunState.SUCCEEDED, [], True)

    def test_waits_behind_one_that_was_refused(self, steps: Pair, feed: Feed) -> None:
        steps.destination.refuse = {"a"}
        walk(feed, "a", "Kiel", "XX", "Ulm")
        steps.run()
        waiting = (states(), steps.open_exceptions())
        steps.destination.refuse = set()

        changes.release(change=Change.objects.earliest("id"), by=UserFactory(), reason=WHY)
        steps.work()

        assert waiting == ([State.REJECTED, State.HELD, State.HELD], [("a", "refused")])
        assert (written(steps, "a"), states()) == (["Kiel"], [State.APPLIED, State.REJECTED, State.HELD])
        assert steps.open_exceptions() == [("a", "unmapped")]
        assert counts_add_up()

    def test_holds_the_end_of_its_record(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX")
        feed.end("a")
        walk(feed, "a", "Ulm")
        steps.run()
        learn(steps, "XX")

        steps.run()

        assert written(steps, "a") == ["XX", "delete", "Ulm"]
        assert counts_add_up()

    def test_is_only_counted_by_a_preview(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "XX", "Ulm")

        run = steps.run(preview=True)

        assert (run.planned, run.excepted) == (2, 1)
        assert not Change.objects.filter(kept__isnull=False).exists()

    def test_stops_the_run_when_all_fail_for_one_reason(self, steps: Pair, feed: Feed) -> None:
        steps.mapping.page_size = 60
        steps.mapping.save()
        for number in range(120):
            walk(feed, f"k{number}", "XX")

        run = steps.run()

        assert (run.state, run.received) == (RunState.FAILED, 60)

    def test_is_not_overtaken_when_it_is_let_go_on_while_a_page_is_sorted(
        self, steps: Pair, feed: Feed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        walk(feed, "a", "XX")
        steps.run()
        learn(steps, "XX")
        walk(feed, "a", "Ulm")
        monkeypatch.setattr("hub.services.run.filled.again", lambda flow: None)
        for_page = LinkSet.for_page

        def let_go_on(links: LinkSet, *given: Any) -> Any:
            monkeypatch.setattr(LinkSet, "for_page", for_page)
            changes.map_anew(change=head(), by=UserFactory())
            return for_page(links, *given)

        monkeypatch.setattr(LinkSet, "for_page", let_go_on)

        steps.run()

        assert written(steps, "a") == ["XX", "Ulm"]

    def test_keeps_its_place_when_a_replay_reads_the_record(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX", "Ulm")
        steps.run()
        asked = replay.draft(replay=Replay(mapping=steps.mapping, states=["refused"], reason=WHY), by=None)
        replay.start(replay=asked, by=None)
        replay.go_on(clock.now())

        steps.work()

        assert (written(steps, "a"), head().pk) == ([], Change.objects.earliest("id").pk)
        assert counts_add_up()


class TestStepThatCannotBeRead:
    @pytest.fixture
    def broken(self, steps: Pair, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        """The next page has a record of which only the key can be read."""
        read = feed.read

        def once(*given: Any) -> Page:
            monkeypatch.setattr(feed, "read", read)
            page = read(*given)
            return Page(page.records, page.cursor, done=page.done, faults=[Fault("line 7", "no city", "a")])

        return lambda: monkeypatch.setattr(feed, "read", once)

    def test_holds_the_later_steps_of_its_record(self, steps: Pair, feed: Feed, broken: Callable[[], None]) -> None:
        broken()
        walk(feed, "a", "Ulm")
        walk(feed, "b", "Kiel")

        steps.run()

        assert (written(steps, "a"), written(steps, "b")) == ([], ["Kiel"])
        assert (states(), steps.open_exceptions()) == ([State.REJECTED, State.HELD], [("a", "unreadable")])
        assert counts_add_up()

    def test_is_skipped_because_nobody_knows_what_it_said(
        self, steps: Pair, feed: Feed, broken: Callable[[], None]
    ) -> None:
        broken()
        walk(feed, "a", "Ulm", "Bonn")
        steps.run()

        with pytest.raises(changes.NotStuckError):
            changes.map_anew(change=head(), by=UserFactory())
        changes.skip(change=head(), by=UserFactory(), reason=WHY)
        steps.work()

        assert (written(steps, "a"), steps.open_exceptions(), counts_add_up()) == (["Ulm", "Bonn"], [], True)


class TestSkip:
    def test_leaves_the_step_out_with_a_reason_and_frees_the_later_ones(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "XX", "Ulm")
        run = steps.run()

        changes.skip(change=head(), by=UserFactory(), reason=WHY)
        steps.work()

        run.refresh_from_db()
        left_out = Change.objects.order_by("id")[1]
        assert written(steps, "a") == ["Kiel", "Ulm"]
        assert (left_out.state, WHY in left_out.message, left_out.kept is not None) == (State.CANCELLED, True, True)
        assert AuditEvent.objects.get(action="change.skipped").reason == WHY
        assert (run.state, run.excluded, steps.open_exceptions()) == (RunState.SUCCEEDED, 1, [])

    def test_of_the_first_step_lets_the_next_one_make_the_record(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX", "Ulm", "Bonn")
        steps.run()

        changes.skip(change=head(), by=UserFactory(), reason=WHY)
        steps.work()

        assert written(steps, "a") == ["Ulm", "Bonn"]

    def test_leaves_a_removal_behind_it_nothing_to_remove(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX")
        feed.end("a")
        run = steps.run()

        changes.skip(change=head(), by=UserFactory(), reason=WHY)
        steps.work()

        run.refresh_from_db()
        assert (written(steps, "a"), run.state, run.excluded) == ([], RunState.SUCCEEDED, 2)

    def test_start_afresh_gives_up_all_and_reads_the_record(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX", "YY", "Ulm")
        steps.run()

        changes.supersede(change=head(), by=UserFactory(), reason=WHY)
        steps.work()

        assert written(steps, "a") == ["Ulm"]
        assert (steps.open_exceptions(), counts_add_up()) == ([], True)


def test_links_of_kept_steps_do_not_say_that_the_record_is_there(steps: Pair, feed: Feed) -> None:
    walk(feed, "a", "XX")

    steps.run(full=True)

    assert (Link.objects.get().state, steps.there()) == ("pending", {})
