"""A run moves records and accounts for every one of them; a preview only tells what a run would do."""

import pytest

from hub.models import (
    Attempt,
    Change,
    Checkpoint,
    Link,
    Mapping,
    RunState,
    SyncRun,
    Trigger,
)
from hub.sdk import CursorKind
from hub.services import run as runs
from tests.factories import UserFactory
from tests.hub.services.run.conftest import BODY, Pair


class TestFirstRun:
    def test_creates_every_record_and_balances(self, pair: Pair) -> None:
        pair.fill()

        run = pair.run()

        assert (run.state, run.received, run.created) == (RunState.SUCCEEDED, 7, 7)
        assert pair.there()["c3"] == {"name": "Customer 3", "city": "Kiel"}
        assert set(pair.links().values()) == {"linked"}

    def test_records_an_attempt_for_every_change(self, pair: Pair) -> None:
        pair.fill(4)

        pair.run()

        assert Attempt.objects.filter(answer="applied", status=200).count() == 4

    def test_of_an_empty_source_succeeds(self, pair: Pair) -> None:
        run = pair.run()

        assert (run.state, run.received) == (RunState.SUCCEEDED, 0)


class TestSecondRun:
    def test_of_everything_changes_nothing(self, pair: Pair) -> None:
        pair.fill()
        pair.run()
        effects = list(pair.destination.effects)

        run = pair.run(full=True)

        assert (run.received, run.unchanged, run.applied) == (7, 7, 0)
        assert pair.destination.effects == effects

    def test_of_changes_only_reads_what_changed(self, pair: Pair) -> None:
        pair.fill()
        pair.run()
        pair.source.put("c2", city="Bonn")

        run = pair.run()

        assert (run.received, run.updated) == (1, 1)
        assert pair.there()["c2"]["city"] == "Bonn"

    def test_sends_only_the_changed_fields(self, pair: Pair) -> None:
        pair.fill()
        pair.run()
        pair.source.put("c2", city="Bonn")

        pair.run()

        assert Change.objects.latest("id").fields == {"city": "Bonn"}

    def test_notices_nothing_when_only_unmapped_fields_changed(self, pair: Pair) -> None:
        pair.fill()
        pair.run()
        pair.source.put("c2", phone="123")

        run = pair.run()

        assert (run.received, run.unchanged) == (1, 1)

    def test_resends_what_a_new_mapping_version_affects(self, pair: Pair) -> None:
        pair.fill()
        pair.run()
        name, city = [{"path": "name"}, {"case": "upper"}], [{"path": "city"}]
        body = {"fields": {"name": {"steps": name}, "city": {"steps": city}}}
        pair.activate(pair.mapping, body)

        run = pair.run(full=True)

        assert run.updated == 7
        assert pair.there()["c0"]["name"] == "CUSTOMER 0"


class TestDeletion:
    def test_by_tombstone_is_carried_out(self, pair: Pair) -> None:
        pair.fill()
        pair.run()
        pair.source.drop("c1")

        run = pair.run()

        assert (run.deleted, "c1" in pair.there(), pair.links()["c1"]) == (1, False, "gone")

    def test_by_absence_is_carried_out_after_a_complete_read(self, pair: Pair) -> None:
        pair.source.cursor = CursorKind.NONE
        pair.fill()
        pair.run(full=True)
        pair.source.drop("c1")

        run = pair.run(full=True)

        assert (run.deleted, run.unchanged, "c1" in pair.there()) == (1, 6, False)

    def test_of_everything_waits_for_approval(self, pair: Pair) -> None:
        pair.source.cursor = CursorKind.NONE
        pair.fill()
        pair.run(full=True)
        pair.source.rows.clear()

        run = pair.run(full=True)

        assert (run.state, run.held, len(pair.there())) == (RunState.WAITING, 7, 7)
        assert "All 7 known records are gone" in run.reason

    def test_is_sent_once_approved(self, pair: Pair) -> None:
        pair.source.cursor = CursorKind.NONE
        pair.fill()
        pair.run(full=True)
        pair.source.rows.clear()
        run = pair.run(full=True)

        runs.approve_held(run=run, by=UserFactory(), reason="The shop was closed.")
        pair.work()

        run.refresh_from_db()
        assert (run.state, run.deleted, run.held, len(pair.there())) == (RunState.SUCCEEDED, 7, 0, 0)

    def test_by_a_filter_that_lets_go_of_many_waits_too(self, pair: Pair) -> None:
        pair.fill(30)
        pair.run()
        pair.activate(pair.mapping, {**BODY, "filter": {"steps": [{"path": "city"}, {"equals": "Bonn"}]}})

        run = pair.run(full=True)

        assert (run.state, run.deleted + run.held) == (RunState.WAITING, 30)
        assert run.deleted <= 20
        assert len(pair.there()) >= 10

    def test_archives_when_the_policy_says_so(self, pair: Pair) -> None:
        pair.mapping.delete_policy, pair.mapping.archive_fields = "archive", {"active": False}
        pair.mapping.save()
        pair.fill()
        pair.run()
        pair.source.drop("c1")

        run = pair.run()

        assert (run.deleted, pair.there()["c1"]["active"], pair.links()["c1"]) == (1, False, "gone")

    def test_is_made_anew_when_a_deleted_record_returns(self, pair: Pair) -> None:
        pair.fill(2)
        pair.run()
        pair.source.drop("c1")
        pair.run()
        pair.source.put("c1", name="Back", city="Kiel")

        run = pair.run()

        assert (run.created, pair.there()["c1"], pair.links()["c1"]) == (1, {"name": "Back", "city": "Kiel"}, "linked")

    def test_is_taken_back_when_the_record_returns(self, pair: Pair) -> None:
        pair.mapping.delete_policy, pair.mapping.archive_fields = "archive", {"active": False}
        pair.mapping.save()
        pair.fill()
        pair.run()
        pair.source.drop("c1")
        pair.run()
        pair.source.put("c1", name="Back", city="Kiel")

        run = pair.run()

        assert (run.updated, pair.there()["c1"]) == (1, {"name": "Back", "city": "Kiel", "active": True})


class TestPreview:
    def test_tells_what_would_happen_and_writes_nothing(self, pair: Pair) -> None:
        pair.fill()

        run = pair.run(preview=True)

        assert (run.state, run.planned, run.received) == (RunState.SUCCEEDED, 7, 7)
        assert (pair.destination.effects, Link.objects.count()) == ([], 0)
        assert Change.objects.filter(state="planned").count() == 7

    def test_leaves_the_next_run_as_it_was(self, pair: Pair) -> None:
        pair.fill()
        pair.run(preview=True)

        assert pair.run().created == 7


class TestStopping:
    def test_a_paused_integration_refuses_a_run_and_says_why(self, pair: Pair) -> None:
        integration = pair.mapping.integration
        integration.is_paused, integration.paused_reason = True, "Stocktaking"
        integration.save()

        with pytest.raises(runs.PausedError, match="Stocktaking"):
            pair.ask()

    def test_a_second_run_of_a_mapping_is_refused_while_one_is_live(self, pair: Pair) -> None:
        pair.ask()

        with pytest.raises(runs.LiveRunError):
            pair.ask()

    def test_a_cancelled_queued_run_ends_at_once(self, pair: Pair) -> None:
        run = pair.ask()

        runs.cancel(run=run, by=UserFactory(), reason="wrong day")

        run.refresh_from_db()
        assert (run.state, "wrong day" in run.reason) == (RunState.CANCELLED, True)


class TestPreviewOfAnIntegration:
    def test_counts_on_what_it_would_create(self, pair: Pair) -> None:
        other = Mapping.objects.get(pk=pair.mapping.pk)
        other.pk, other.name, other.position, other.active_version = None, "details", 1, None
        other.save()
        body = {"fields": {"thing": {"steps": [{"path": "id"}], "reference": "things", "required": True}}}
        pair.activate(other, body)
        pair.source.put("c1", id="c1", name="Customer", city="Kiel")

        asked = runs.request_integration(integration=pair.mapping.integration, trigger=Trigger.PERSON, preview=True)
        for run in asked:
            runs.execute_here(run=run)

        assert [SyncRun.objects.get(pk=run.pk).planned for run in asked] == [1, 1]


class TestNewVersion:
    def test_activated_during_a_run_is_not_called_complete_by_it(self, pair: Pair) -> None:
        pair.fill(2)
        run = pair.ask()
        pair.activate(pair.mapping, BODY)

        pair.work()

        run.refresh_from_db()
        assert run.state == RunState.SUCCEEDED
        assert Checkpoint.objects.get().complete_at is None
