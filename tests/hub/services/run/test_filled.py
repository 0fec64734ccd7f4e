"""A kept step has its turn: after a correction, when somebody asks, when its reference is linked."""

import pytest

from hub import clock, failpoint
from hub.engine.intent import State
from hub.engine.lane import slice_of
from hub.models import AuditEvent, Change, Hint, Mapping, ReconciliationException, RunState, SyncRun, Trigger
from hub.services import change as changes
from hub.services import exception as exceptions
from hub.services import run as runs
from tests.factories import LinkFactory, UserFactory
from tests.hub.services.run.coded import TOWNS, WHY, all_runs, coded, counts_add_up, head, learn, states, steps
from tests.hub.services.run.conftest import Pair
from tests.hub.services.run.test_transition import Feed, feed, walk, written
from tests.simulator import KilledError

__all__ = ["feed", "steps"]  # fixtures


class TestCorrectedMapping:
    def test_lets_the_next_run_take_the_kept_step_first_then_those_behind_it(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "XX", "Ulm")
        steps.run()
        learn(steps, "XX")
        walk(feed, "a", "Bonn")

        run = steps.run()

        assert written(steps, "a") == ["Kiel", "XX", "Ulm", "Bonn"]
        assert (run.state, steps.open_exceptions()) == (RunState.SUCCEEDED, [])
        assert all(run.state == RunState.SUCCEEDED for run in all_runs())
        assert counts_add_up()

    def test_sends_each_step_upon_the_one_before_it(self, steps: Pair, feed: Feed) -> None:
        """What has to be sent is found out when the turn comes: only the fields that differ from what is there then."""
        feed.step("a", name="one", city="Kiel")
        feed.step("a", name="two", city="XX")
        feed.step("a", name="two", city="Kiel")
        feed.step("a", name="one", city="Kiel")
        steps.run()
        learn(steps, "XX")

        steps.run()

        sent = [effect.fields for effect in steps.destination.store.ledger.by_hub()]
        assert sent[1:] == [{"name": "two", "city": "XX"}, {"city": "Kiel"}, {"name": "one"}]
        assert Change.objects.latest("id").before == {"name": "two", "city": "Kiel"}

    def test_leaves_nothing_to_send_of_a_step_that_leads_nowhere_by_then(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "XX", "Kiel")
        steps.run()

        changes.skip(change=head(), by=UserFactory(), reason=WHY)
        steps.work()

        assert (written(steps, "a"), states()) == (["Kiel"], [State.APPLIED, State.CANCELLED, State.SUPERSEDED])
        assert counts_add_up()

    def test_that_leaves_the_step_out_frees_the_later_ones(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "XX", "Ulm")
        steps.run()
        body = coded(*TOWNS) | {"filter": {"steps": [{"path": "city"}, {"equals": "Ulm"}]}}
        steps.mapping.delete_policy = "ignore"
        steps.mapping.save()
        steps.activate(steps.mapping, body)
        steps.run()

        assert (written(steps, "a"), states()) == (["Kiel", "Ulm"], [State.APPLIED, State.SUPERSEDED, State.APPLIED])
        assert (steps.open_exceptions(), counts_add_up()) == ([], True)

    def test_leaves_a_removal_too_many_to_an_approval(self, steps: Pair, feed: Feed) -> None:
        """I15: the guard counts what is planned only when its turn comes like everything else."""
        steps.mapping.max_deletions, steps.mapping.max_deletion_share = 0, "0.000"
        steps.mapping.save()
        walk(feed, "a", "Kiel", "XX")
        feed.end("a")
        walk(feed, "a", "Ulm")
        run = steps.run()
        learn(steps, "XX")
        steps.run()
        waiting = (written(steps, "a"), states()[2])

        runs.approve_held(run=run, by=UserFactory(), reason=WHY)
        steps.work()

        assert waiting == (["Kiel", "XX"], State.HELD)
        assert (written(steps, "a"), counts_add_up()) == (["Kiel", "XX", "delete", "Ulm"], True)

    def test_asks_what_becomes_of_a_record_that_is_gone_behind_it(self, steps: Pair, feed: Feed) -> None:
        steps.mapping.delete_policy = "exception"
        steps.mapping.save()
        walk(feed, "a", "XX")
        feed.end("a")
        steps.run()
        learn(steps, "XX")

        steps.run()

        assert (written(steps, "a"), steps.open_exceptions()) == (["XX"], [("a", "deletion")])
        assert counts_add_up()

    def test_lets_every_lane_go_on(self, steps: Pair, feed: Feed) -> None:
        steps.mapping.slices = 4
        steps.mapping.save()
        for key in "abcdef":
            walk(feed, key, "Kiel", "XX", "Ulm")
        steps.run()
        learn(steps, "XX")

        run = steps.run()

        assert [written(steps, key) for key in "abcdef"] == [["Kiel", "XX", "Ulm"]] * 6
        assert (run.state, steps.open_exceptions(), counts_add_up()) == (RunState.SUCCEEDED, [], True)

    def test_finds_the_record_as_another_lane_has_made_it_meanwhile(self, steps: Pair, feed: Feed) -> None:
        """The first step is sent by another worker before the second, of the same page, is kept."""
        steps.mapping.slices = 4
        steps.mapping.save()
        walk(feed, "a", "Kiel", "XX")

        def others() -> None:
            for number in range(1, 4):
                runs.drain(lane_id=runs.lane_of(steps.mapping, number).pk, owner="other")

        failpoint.arm("intend.committed", others)
        steps.run()
        failpoint.disarm()
        learn(steps, "XX")

        steps.run()

        assert slice_of("a", 4) != 0
        assert written(steps, "a") == ["Kiel", "XX"]
        assert [one.operation for one in Change.objects.order_by("id")] == ["create", "update"]


class TestTryAgain:
    def test_maps_the_kept_step_with_the_version_active_now_without_a_run(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "XX", "Ulm")
        run = steps.run()
        learn(steps, "XX")

        changes.map_anew(
            change=head(),
            by=UserFactory(),
        )
        steps.work()

        run.refresh_from_db()
        assert written(steps, "a") == ["Kiel", "XX", "Ulm"]
        assert (run.state, run.created, run.updated) == (RunState.SUCCEEDED, 1, 2)
        assert Change.objects.order_by("id")[1].version == Mapping.objects.get(pk=steps.mapping.pk).active_version
        assert (ReconciliationException.objects.get().state, SyncRun.objects.count()) == ("resolved", 1)
        assert AuditEvent.objects.filter(action="change.mapped_anew").count() == 1

    def test_leaves_the_exception_open_and_says_so_when_it_still_cannot_be_mapped(
        self, steps: Pair, feed: Feed
    ) -> None:
        walk(feed, "a", "Kiel", "XX", "Ulm")
        steps.run()

        changes.map_anew(change=head(), by=UserFactory())
        steps.work()

        (asked,) = ReconciliationException.objects.all()
        assert (asked.state, asked.occurrences, "it still cannot be mapped" in asked.reason) == ("open", 2, True)
        assert states() == [State.APPLIED, State.REJECTED, State.HELD]
        assert counts_add_up()

    def test_tells_another_reason_as_another_exception(self, steps: Pair, feed: Feed) -> None:
        feed.step("a", name="a", city="XX")
        steps.run()
        body = coded(*TOWNS, "XX")
        body["fields"]["name"]["steps"] = [{"path": "title"}]
        steps.activate(steps.mapping, body)

        changes.map_anew(change=head(), by=UserFactory())
        steps.work()

        told = ReconciliationException.objects.order_by("id").values_list("field", "state", "change_id")
        assert list(told) == [("city", "resolved", head().pk), ("name", "open", head().pk)]

    def test_is_refused_for_what_is_not_kept(self, pair: Pair, feed: Feed) -> None:
        pair.destination.refuse = {"a"}
        walk(feed, "a", "Kiel")
        pair.run()

        with pytest.raises(changes.NotStuckError):
            changes.map_anew(change=Change.objects.get(), by=UserFactory())

    def test_is_the_only_way_to_send_a_kept_step(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX")
        steps.run()

        with pytest.raises(changes.NotStuckError):
            changes.release(change=head(), by=UserFactory(), reason=WHY)

    def test_of_another_exception_of_the_record_does_not_let_later_steps_pass(self, steps: Pair, feed: Feed) -> None:
        walk(feed, "a", "XX")
        run = steps.run()
        other = ReconciliationException.objects.create(
            integration=steps.mapping.integration, mapping=steps.mapping, kind="deletion", source_key="a",
            fingerprint="other", opened_at=clock.now(), seen_at=clock.now(), first_run=run,
        )  # fmt: skip
        walk(feed, "a", "Ulm")

        exceptions.retry(exception=other, by=UserFactory())
        steps.work()

        assert (written(steps, "a"), states()[0]) == ([], State.REJECTED)


class TestReferenceThatIsNotLinkedYet:
    @pytest.fixture
    def details(self, steps: Pair) -> Mapping:
        """A second mapping, whose records must refer to linked ones of the first."""
        other = Mapping.objects.get(pk=steps.mapping.pk)
        other.pk, other.name, other.position, other.active_version = None, "details", 1, None
        other.source_stream = "things"
        other.save()
        thing = {"steps": [{"path": "thing"}], "reference": "things", "required": True}
        city = {"steps": [{"path": "city"}]}
        steps.activate(other, {"fields": {"thing": thing, "city": city}})
        return other

    def test_is_tried_again_by_the_next_run_in_order(self, steps: Pair, feed: Feed, details: Mapping) -> None:
        feed.step("d", name="d", city="Kiel", thing="a")
        feed.step("d", name="d", city="Ulm", thing="a")
        self._run(details)
        self._run(details)
        before = (states("d"), steps.open_exceptions())
        LinkFactory(mapping=steps.mapping, source_key="a", destination_key="T9", state="linked")

        self._run(details)

        assert before == ([State.REJECTED, State.HELD], [("d", "reference")])
        assert written(steps, "d") == ["Kiel", "Ulm"]
        assert (steps.open_exceptions(), counts_add_up()) == ([], True)
        assert not Hint.objects.exists()

    def _run(self, mapping: Mapping) -> SyncRun:
        run = runs.request(mapping=mapping, trigger=Trigger.PERSON)
        runs.drain(lane_id=runs.lane_of(mapping).pk, owner="worker")
        run.refresh_from_db()
        return run


class TestCrash:
    REMAPPED = ("again.before_commit", "again.committed", "fill.before_commit", "fill.committed")
    POINTS = ("keep.before_commit", "keep.committed", "fill.before_commit", "fill.committed", "page.before_commit",
              "behind.before_commit", "behind.committed")  # fmt: skip

    @pytest.mark.parametrize("point", POINTS)
    def test_while_it_is_kept_neither_loses_nor_doubles_it(self, steps: Pair, feed: Feed, point: str) -> None:
        steps.mapping.page_size = 2
        steps.mapping.save()
        walk(feed, "a", "XX", "Ulm", "Kiel", "YY")
        run = steps.ask()

        self.crash(steps, point)
        steps.work()

        run.refresh_from_db()
        assert states() == [State.REJECTED, State.HELD, State.HELD, State.HELD]
        assert (run.received, run.state, steps.open_exceptions()) == (4, RunState.PARTIAL, [("a", "unmapped")])
        assert counts_add_up()

    @pytest.mark.parametrize("point", REMAPPED)
    def test_while_it_is_mapped_anew_sends_each_step_once(self, steps: Pair, feed: Feed, point: str) -> None:
        walk(feed, "a", "Kiel", "XX", "Ulm")
        steps.run()
        learn(steps, "XX")
        steps.ask()

        self.crash(steps, point)
        steps.work()

        assert written(steps, "a") == ["Kiel", "XX", "Ulm"]
        assert (steps.open_exceptions(), counts_add_up()) == ([], True)

    def crash(self, steps: Pair, point: str) -> None:
        def die() -> None:
            failpoint.disarm()
            raise KilledError(point)

        failpoint.arm(point, die)
        try:
            steps.work_until_killed()
        finally:
            failpoint.disarm()
