"""What fails on the way of a run (records, answers, credentials, workers) is told, and nothing is lost or doubled."""

from typing import Literal

import pytest

from hub.models import (
    Attempt,
    Change,
    Hint,
    Integration,
    Link,
    ReconciliationException,
    RunState,
    SyncRun,
)
from hub.services import exception
from hub.services import run as runs
from tests.factories import UserFactory
from tests.hub.services.run.conftest import Pair

Verdict = Literal["happened", "not_happened", "stop"]


class TestBadRecord:
    def test_becomes_an_exception_and_the_rest_goes_on(self, pair: Pair) -> None:
        pair.fill()
        pair.destination.refuse = {"c3"}

        run = pair.run()

        assert (run.state, run.created, run.excepted) == (RunState.PARTIAL, 6, 1)
        assert ReconciliationException.objects.get().reason == "The name is too rude."

    def test_is_not_sent_again_until_something_changes(self, pair: Pair) -> None:
        pair.fill()
        pair.destination.refuse = {"c3"}
        pair.run()
        attempts = Attempt.objects.count()

        run = pair.run(full=True)

        assert (run.excepted, run.unchanged, Attempt.objects.count()) == (1, 6, attempts)

    def test_closes_its_exception_when_it_is_put_right(self, pair: Pair) -> None:
        pair.fill()
        pair.destination.refuse = {"c3"}
        pair.run()
        pair.destination.refuse = set()
        pair.source.put("c3", name="Polite")

        run = pair.run()

        assert (run.created, pair.open_exceptions()) == (1, [])

    def test_is_tried_again_when_a_person_asks(self, pair: Pair) -> None:
        pair.fill()
        pair.destination.refuse = {"c3"}
        pair.run()
        pair.destination.refuse = set()

        run = exception.retry(exception=ReconciliationException.objects.get(), by=UserFactory())
        pair.work()

        assert run is not None
        run.refresh_from_db()
        assert (run.created, pair.open_exceptions(), Hint.objects.count()) == (1, [], 0)

    def test_that_cannot_be_mapped_says_which_field(self, pair: Pair) -> None:
        pair.fill(2)
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
        pair.fill(2)
        pair.run()
        key = Link.objects.get(source_key="c1").destination_key
        pair.destination.put(key or "", city="Hamburg")
        pair.source.put("c1", city="Bonn")

        run = pair.run()

        assert (run.excepted, pair.there()["c1"]["city"]) == (1, "Hamburg")
        assert pair.open_exceptions() == [("c1", "conflict")]

    def test_with_a_persons_edit_of_another_field_is_merged(self, pair: Pair) -> None:
        pair.fill(2)
        pair.run()
        key = Link.objects.get(source_key="c1").destination_key
        pair.destination.put(key or "", name="Corrected by hand")
        pair.source.put("c1", city="Bonn")

        run = pair.run()

        assert (run.updated, run.excepted) == (1, 0)
        assert pair.there()["c1"] == {"name": "Corrected by hand", "city": "Bonn"}


class TestLostAnswer:
    def test_of_a_create_is_found_by_its_reference_and_not_repeated(self, pair: Pair) -> None:
        pair.fill(3)
        pair.destination.lose_answer = {"c1"}

        run = pair.run()

        assert (run.state, run.created, run.in_flight) == (RunState.SUCCEEDED, 3, 0)
        assert pair.destination.effects.count(("create", "c1")) == 1

    def test_of_an_update_is_read_back(self, pair: Pair) -> None:
        pair.fill(3)
        pair.run()
        pair.source.put("c1", city="Bonn")
        pair.destination.lose_answer = {"c1"}

        run = pair.run()

        assert (run.state, run.updated) == (RunState.SUCCEEDED, 1)
        assert pair.destination.effects.count(("update", "c1")) == 1

    def test_is_parked_where_nothing_can_tell(self, pair: Pair) -> None:
        from tests.simulator import NOTHING

        pair.destination.write = NOTHING
        pair.fill(3)
        pair.destination.lose_answer = {"c1"}

        run = pair.run()

        assert (run.state, run.created, run.in_flight) == (RunState.PARTIAL, 2, 1)
        assert pair.open_exceptions() == [("c1", "in_doubt")]
        assert pair.destination.effects.count(("create", "c1")) == 1

    @pytest.mark.parametrize(("verdict", "state", "created"), [("happened", "succeeded", 3), ("stop", "succeeded", 2)])
    def test_is_settled_by_a_persons_word(self, pair: Pair, verdict: Verdict, state: str, created: int) -> None:
        from tests.simulator import NOTHING

        pair.destination.write = NOTHING
        pair.fill(3)
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
        pair.fill(3)
        pair.destination.not_now = {"c1"}
        run = pair.run()
        assert (run.state, run.in_flight) == (RunState.PARTIAL, 1)
        pair.destination.not_now = set()
        Change.objects.filter(state="retry_wait").update(due_at=None)

        pair.work()

        run.refresh_from_db()
        assert (run.state, run.created, run.in_flight) == (RunState.SUCCEEDED, 3, 0)

    def test_of_a_write_is_not_tried_again_while_paused(self, pair: Pair) -> None:
        pair.fill(3)
        pair.destination.not_now = {"c1"}
        pair.run()
        pair.destination.not_now = set()
        Change.objects.filter(state="retry_wait").update(due_at=None)
        Integration.objects.update(is_paused=True)

        pair.work()

        assert "c1" not in pair.there()

    def test_of_a_write_is_not_sent_by_a_run_that_was_paused_while_it_waited(self, pair: Pair) -> None:
        pair.fill(3)
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
        pair.fill(3)
        pair.source.read_fails = 1

        run = pair.run()
        assert (run.state, run.due_at is not None) == (RunState.QUEUED, True)
        SyncRun.objects.update(due_at=None)
        pair.work()

        run.refresh_from_db()
        assert (run.state, run.created) == (RunState.SUCCEEDED, 3)

    def test_of_the_credentials_fails_the_run_and_loses_nothing(self, pair: Pair) -> None:
        pair.fill(3)
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
        pair.fill()
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
        pair.fill()
        pair.destination.kill_at = {"c4": "after"}
        run = pair.ask()
        pair.work_until_killed()

        pair.work("successor")

        run.refresh_from_db()
        assert (run.created, run.in_flight, pair.open_exceptions()) == (6, 1, [("c4", "in_doubt")])
        assert len(pair.destination.effects) == 7

    def test_cannot_say_anything_once_its_lease_went_to_another(self, pair: Pair) -> None:
        pair.fill(2)
        lane = runs.lane_of(pair.mapping)
        assert lane.claim("first")
        stale = type(lane).objects.get(pk=lane.pk)
        pair.expire()
        assert type(lane).objects.get(pk=lane.pk).claim("second")

        with pytest.raises(Exception, match="was lost"):
            stale.hold()
