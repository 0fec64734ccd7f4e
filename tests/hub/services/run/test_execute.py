"""A run moves records, accounts for every one of them, and survives whatever happens to its worker."""

from typing import Literal

import pytest

from hub.models import (
    Attempt,
    Change,
    Checkpoint,
    Hint,
    Integration,
    Link,
    Mapping,
    ReconciliationException,
    RunState,
    SyncRun,
    Trigger,
)
from hub.sdk import CursorKind
from hub.services import exception
from hub.services import run as runs
from tests.factories import UserFactory
from tests.hub.services.run.conftest import BODY, Pair

Verdict = Literal["happened", "not_happened", "stop"]


def fill(pair: Pair, count: int = 7) -> None:
    for number in range(count):
        pair.source.put(f"c{number}", name=f"Customer {number}", city="Kiel")


class TestFirstRun:
    def test_creates_every_record_and_balances(self, pair: Pair) -> None:
        fill(pair)

        run = pair.run()

        assert (run.state, run.received, run.created) == (RunState.SUCCEEDED, 7, 7)
        assert pair.there()["c3"] == {"name": "Customer 3", "city": "Kiel"}
        assert set(pair.links().values()) == {"linked"}

    def test_records_an_attempt_for_every_change(self, pair: Pair) -> None:
        fill(pair, 4)

        pair.run()

        assert Attempt.objects.filter(answer="applied", status=200).count() == 4

    def test_of_an_empty_source_succeeds(self, pair: Pair) -> None:
        run = pair.run()

        assert (run.state, run.received) == (RunState.SUCCEEDED, 0)


class TestSecondRun:
    def test_of_everything_changes_nothing(self, pair: Pair) -> None:
        fill(pair)
        pair.run()
        effects = list(pair.destination.effects)

        run = pair.run(full=True)

        assert (run.received, run.unchanged, run.applied) == (7, 7, 0)
        assert pair.destination.effects == effects

    def test_of_changes_only_reads_what_changed(self, pair: Pair) -> None:
        fill(pair)
        pair.run()
        pair.source.put("c2", city="Bonn")

        run = pair.run()

        assert (run.received, run.updated) == (1, 1)
        assert pair.there()["c2"]["city"] == "Bonn"

    def test_sends_only_the_changed_fields(self, pair: Pair) -> None:
        fill(pair)
        pair.run()
        pair.source.put("c2", city="Bonn")

        pair.run()

        assert Change.objects.latest("id").fields == {"city": "Bonn"}

    def test_notices_nothing_when_only_unmapped_fields_changed(self, pair: Pair) -> None:
        fill(pair)
        pair.run()
        pair.source.put("c2", phone="123")

        run = pair.run()

        assert (run.received, run.unchanged) == (1, 1)

    def test_resends_what_a_new_mapping_version_affects(self, pair: Pair) -> None:
        fill(pair)
        pair.run()
        name, city = [{"path": "name"}, {"case": "upper"}], [{"path": "city"}]
        body = {"fields": {"name": {"steps": name}, "city": {"steps": city}}}
        pair.activate(pair.mapping, body)

        run = pair.run(full=True)

        assert run.updated == 7
        assert pair.there()["c0"]["name"] == "CUSTOMER 0"


class TestDeletion:
    def test_by_tombstone_is_carried_out(self, pair: Pair) -> None:
        fill(pair)
        pair.run()
        pair.source.drop("c1")

        run = pair.run()

        assert (run.deleted, "c1" in pair.there(), pair.links()["c1"]) == (1, False, "gone")

    def test_by_absence_is_carried_out_after_a_complete_read(self, pair: Pair) -> None:
        pair.source.cursor = CursorKind.NONE
        fill(pair)
        pair.run(full=True)
        pair.source.drop("c1")

        run = pair.run(full=True)

        assert (run.deleted, run.unchanged, "c1" in pair.there()) == (1, 6, False)

    def test_of_everything_waits_for_approval(self, pair: Pair) -> None:
        pair.source.cursor = CursorKind.NONE
        fill(pair)
        pair.run(full=True)
        pair.source.rows.clear()

        run = pair.run(full=True)

        assert (run.state, run.held, len(pair.there())) == (RunState.WAITING, 7, 7)
        assert "All 7 known records are gone" in run.reason

    def test_is_sent_once_approved(self, pair: Pair) -> None:
        pair.source.cursor = CursorKind.NONE
        fill(pair)
        pair.run(full=True)
        pair.source.rows.clear()
        run = pair.run(full=True)

        runs.approve_held(run=run, by=UserFactory(), reason="The shop was closed.")
        pair.work()

        run.refresh_from_db()
        assert (run.state, run.deleted, run.held, len(pair.there())) == (RunState.SUCCEEDED, 7, 0, 0)

    def test_by_a_filter_that_lets_go_of_many_waits_too(self, pair: Pair) -> None:
        fill(pair, 30)
        pair.run()
        pair.activate(pair.mapping, {**BODY, "filter": {"steps": [{"path": "city"}, {"equals": "Bonn"}]}})

        run = pair.run(full=True)

        assert (run.state, run.deleted + run.held) == (RunState.WAITING, 30)
        assert run.deleted <= 20
        assert len(pair.there()) >= 10

    def test_archives_when_the_policy_says_so(self, pair: Pair) -> None:
        pair.mapping.delete_policy, pair.mapping.archive_fields = "archive", {"active": False}
        pair.mapping.save()
        fill(pair)
        pair.run()
        pair.source.drop("c1")

        run = pair.run()

        assert (run.deleted, pair.there()["c1"]["active"], pair.links()["c1"]) == (1, False, "gone")

    def test_is_made_anew_when_a_deleted_record_returns(self, pair: Pair) -> None:
        fill(pair, 2)
        pair.run()
        pair.source.drop("c1")
        pair.run()
        pair.source.put("c1", name="Back", city="Kiel")

        run = pair.run()

        assert (run.created, pair.there()["c1"], pair.links()["c1"]) == (1, {"name": "Back", "city": "Kiel"}, "linked")

    def test_is_taken_back_when_the_record_returns(self, pair: Pair) -> None:
        pair.mapping.delete_policy, pair.mapping.archive_fields = "archive", {"active": False}
        pair.mapping.save()
        fill(pair)
        pair.run()
        pair.source.drop("c1")
        pair.run()
        pair.source.put("c1", name="Back", city="Kiel")

        run = pair.run()

        assert (run.updated, pair.there()["c1"]) == (1, {"name": "Back", "city": "Kiel", "active": True})


class TestBadRecord:
    def test_becomes_an_exception_and_the_rest_goes_on(self, pair: Pair) -> None:
        fill(pair)
        pair.destination.refuse = {"c3"}

        run = pair.run()

        assert (run.state, run.created, run.excepted) == (RunState.PARTIAL, 6, 1)
        assert ReconciliationException.objects.get().reason == "The name is too rude."

    def test_is_not_sent_again_until_something_changes(self, pair: Pair) -> None:
        fill(pair)
        pair.destination.refuse = {"c3"}
        pair.run()
        attempts = Attempt.objects.count()

        run = pair.run(full=True)

        assert (run.excepted, run.unchanged, Attempt.objects.count()) == (1, 6, attempts)

    def test_closes_its_exception_when_it_is_put_right(self, pair: Pair) -> None:
        fill(pair)
        pair.destination.refuse = {"c3"}
        pair.run()
        pair.destination.refuse = set()
        pair.source.put("c3", name="Polite")

        run = pair.run()

        assert (run.created, pair.open_exceptions()) == (1, [])

    def test_is_tried_again_when_a_person_asks(self, pair: Pair) -> None:
        fill(pair)
        pair.destination.refuse = {"c3"}
        pair.run()
        pair.destination.refuse = set()

        run = exception.retry(exception=ReconciliationException.objects.get(), by=UserFactory())
        pair.work()

        assert run is not None
        run.refresh_from_db()
        assert (run.created, pair.open_exceptions(), Hint.objects.count()) == (1, [], 0)

    def test_that_cannot_be_mapped_says_which_field(self, pair: Pair) -> None:
        fill(pair, 2)
        pair.source.put("bad", city="Kiel")

        run = pair.run()

        raised = ReconciliationException.objects.get()
        assert (run.created, run.excepted, raised.field, raised.source_key) == (2, 1, "name", "bad")

    def test_repeated_too_often_stops_the_run(self, pair: Pair) -> None:
        for number in range(60):
            pair.source.put(f"c{number}", city="Kiel")

        run = pair.run()

        assert (run.state, run.reason_code) == (RunState.FAILED, "fatal")


class TestConflict:
    def test_with_a_persons_edit_of_the_same_field_is_never_overwritten(self, pair: Pair) -> None:
        fill(pair, 2)
        pair.run()
        key = Link.objects.get(source_key="c1").destination_key
        pair.destination.put(key or "", city="Hamburg")
        pair.source.put("c1", city="Bonn")

        run = pair.run()

        assert (run.excepted, pair.there()["c1"]["city"]) == (1, "Hamburg")
        assert pair.open_exceptions() == [("c1", "conflict")]

    def test_with_a_persons_edit_of_another_field_is_merged(self, pair: Pair) -> None:
        fill(pair, 2)
        pair.run()
        key = Link.objects.get(source_key="c1").destination_key
        pair.destination.put(key or "", name="Corrected by hand")
        pair.source.put("c1", city="Bonn")

        run = pair.run()

        assert (run.updated, run.excepted) == (1, 0)
        assert pair.there()["c1"] == {"name": "Corrected by hand", "city": "Bonn"}


class TestLostAnswer:
    def test_of_a_create_is_found_by_its_reference_and_not_repeated(self, pair: Pair) -> None:
        fill(pair, 3)
        pair.destination.lose_answer = {"c1"}

        run = pair.run()

        assert (run.state, run.created, run.in_flight) == (RunState.SUCCEEDED, 3, 0)
        assert pair.destination.effects.count(("create", "c1")) == 1

    def test_of_an_update_is_read_back(self, pair: Pair) -> None:
        fill(pair, 3)
        pair.run()
        pair.source.put("c1", city="Bonn")
        pair.destination.lose_answer = {"c1"}

        run = pair.run()

        assert (run.state, run.updated) == (RunState.SUCCEEDED, 1)
        assert pair.destination.effects.count(("update", "c1")) == 1

    def test_is_parked_where_nothing_can_tell(self, pair: Pair) -> None:
        from tests.simulator import NOTHING

        pair.destination.write = NOTHING
        fill(pair, 3)
        pair.destination.lose_answer = {"c1"}

        run = pair.run()

        assert (run.state, run.created, run.in_flight) == (RunState.PARTIAL, 2, 1)
        assert pair.open_exceptions() == [("c1", "in_doubt")]
        assert pair.destination.effects.count(("create", "c1")) == 1

    @pytest.mark.parametrize(("verdict", "state", "created"), [("happened", "succeeded", 3), ("stop", "succeeded", 2)])
    def test_is_settled_by_a_persons_word(self, pair: Pair, verdict: Verdict, state: str, created: int) -> None:
        from tests.simulator import NOTHING

        pair.destination.write = NOTHING
        fill(pair, 3)
        pair.destination.lose_answer = {"c1"}
        run = pair.run()

        runs.resolve_in_doubt(
            change=Change.objects.get(state="parked"),
            by=UserFactory(),
            verdict=verdict,
            destination_key="T2",
        )
        pair.work()

        run.refresh_from_db()
        assert (run.state, run.created, pair.open_exceptions()) == (state, created, [])


class TestPassingFailure:
    def test_of_a_write_is_tried_again_later(self, pair: Pair) -> None:
        fill(pair, 3)
        pair.destination.not_now = {"c1"}
        run = pair.run()
        assert (run.state, run.in_flight) == (RunState.PARTIAL, 1)
        pair.destination.not_now = set()
        Change.objects.filter(state="retry_wait").update(due_at=None)

        pair.work()

        run.refresh_from_db()
        assert (run.state, run.created, run.in_flight) == (RunState.SUCCEEDED, 3, 0)

    def test_of_a_write_is_not_tried_again_while_paused(self, pair: Pair) -> None:
        fill(pair, 3)
        pair.destination.not_now = {"c1"}
        pair.run()
        pair.destination.not_now = set()
        Change.objects.filter(state="retry_wait").update(due_at=None)
        Integration.objects.update(is_paused=True)

        pair.work()

        assert "c1" not in pair.there()

    def test_of_a_write_is_not_sent_by_a_run_that_was_paused_while_it_waited(self, pair: Pair) -> None:
        fill(pair, 3)
        pair.destination.not_now = {"c1"}
        pair.run()
        pair.destination.not_now = set()
        Change.objects.filter(state="retry_wait").update(due_at=None)
        run = pair.ask()
        Integration.objects.update(is_paused=True)

        pair.work()

        run.refresh_from_db()
        assert (run.state, run.reason_code, "c1" in pair.there()) == (RunState.QUEUED, "paused", False)

    def test_of_a_read_puts_the_run_back_in_the_queue(self, pair: Pair) -> None:
        fill(pair, 3)
        pair.source.read_fails = 1

        run = pair.run()
        assert (run.state, run.due_at is not None) == (RunState.QUEUED, True)
        SyncRun.objects.update(due_at=None)
        pair.work()

        run.refresh_from_db()
        assert (run.state, run.created) == (RunState.SUCCEEDED, 3)

    def test_of_the_credentials_fails_the_run_and_loses_nothing(self, pair: Pair) -> None:
        fill(pair, 3)
        pair.destination.auth_fails = True
        run = pair.run()
        assert (run.state, run.reason_code, run.in_flight) == (RunState.FAILED, "auth", 3)
        pair.destination.auth_fails = False

        again = pair.run()

        assert (again.state, len(pair.there())) == (RunState.SUCCEEDED, 3)


class TestKilledWorker:
    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("victim", ["c0", "c2", "c3", "c6"])
    def test_is_taken_over_without_loss_or_duplicate(self, pair: Pair, when: str, victim: str) -> None:
        fill(pair)
        pair.destination.kill_at = {victim: when}
        run = pair.ask()
        pair.work_until_killed()

        pair.work("successor")

        run.refresh_from_db()
        assert (run.state, run.received, run.created, run.in_flight) == (RunState.SUCCEEDED, 7, 7, 0)
        assert sorted(pair.destination.effects) == [("create", f"c{number}") for number in range(7)]

    def test_leaves_at_most_one_question_where_nothing_can_tell(self, pair: Pair) -> None:
        from tests.simulator import NOTHING

        pair.destination.write = NOTHING
        fill(pair)
        pair.destination.kill_at = {"c4": "after"}
        run = pair.ask()
        pair.work_until_killed()

        pair.work("successor")

        run.refresh_from_db()
        assert (run.created, run.in_flight, pair.open_exceptions()) == (6, 1, [("c4", "in_doubt")])
        assert len(pair.destination.effects) == 7

    def test_cannot_say_anything_once_its_lease_went_to_another(self, pair: Pair) -> None:
        fill(pair, 2)
        lane = runs.lane_of(pair.mapping)
        assert lane.claim("first")
        stale = type(lane).objects.get(pk=lane.pk)
        pair.expire()
        assert type(lane).objects.get(pk=lane.pk).claim("second")

        with pytest.raises(Exception, match="was lost"):
            stale.hold()


class TestPreview:
    def test_tells_what_would_happen_and_writes_nothing(self, pair: Pair) -> None:
        fill(pair)

        run = pair.run(preview=True)

        assert (run.state, run.planned, run.received) == (RunState.SUCCEEDED, 7, 7)
        assert (pair.destination.effects, Link.objects.count()) == ([], 0)
        assert Change.objects.filter(state="planned").count() == 7

    def test_leaves_the_next_run_as_it_was(self, pair: Pair) -> None:
        fill(pair)
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
        fill(pair, 2)
        run = pair.ask()
        pair.activate(pair.mapping, BODY)

        pair.work()

        run.refresh_from_db()
        assert run.state == RunState.SUCCEEDED
        assert Checkpoint.objects.get().complete_at is None
