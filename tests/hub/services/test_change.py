"""A person lets a stuck record go on: tries the refused change again, skips it, or has the record read afresh."""

from collections.abc import Callable

import pytest

from hub import failpoint
from hub.engine.intent import State
from hub.models import AuditEvent, Change, Link, ReconciliationException, RunState, SyncRun
from hub.services import change as changes
from hub.services import exception as exceptions
from tests.factories import UserFactory
from tests.hub.services.run.conftest import Pair, pair
from tests.hub.services.run.test_transition import Feed, feed, walk, written

__all__ = ["feed", "pair"]  # fixtures
WHY = "The form was wrong."
Decision = Callable[..., None]


def decide(decision: Decision, key: str = "a") -> None:
    decision(change=Change.objects.filter(source_key=key).latest("id"), by=UserFactory(), reason=WHY)


def counts_add_up() -> bool:
    return all(run.received == sum(run.balance.values()) - run.received for run in SyncRun.objects.all())


@pytest.fixture
def stuck(pair: Pair, feed: Feed) -> Pair:
    """Four steps of one record, the first of which was refused."""
    pair.destination.refuse = {"a"}
    walk(feed, "a", "Kiel", "Ulm", "Bonn", "Jena")
    pair.run()
    pair.destination.refuse = set()
    return pair


@pytest.fixture
def went_back(pair: Pair, feed: Feed) -> Pair:
    """A record whose second step was refused, and whose third leads back to where it stands."""
    walk(feed, "a", "Kiel")
    pair.run()
    pair.destination.refuse = {"a"}
    walk(feed, "a", "Ulm")
    pair.run()
    walk(feed, "a", "Kiel")
    pair.run()
    pair.destination.refuse = set()
    return pair


def decide_first(decision: Decision) -> None:
    """Decide about what the record is stuck at."""
    decision(change=Change.objects.filter(state=State.REJECTED).earliest("id"), by=UserFactory(), reason=WHY)


class TestStuck:
    def test_is_told_with_what_waits(self, stuck: Pair) -> None:
        found = changes.stuck(Change.objects.latest("id"))

        assert found is not None
        assert (found.head.image["city"], found.waiting) == ("Kiel", 3)

    def test_is_not_what_goes_on(self, pair: Pair) -> None:
        pair.source.put("a", name="a", city="Kiel")
        pair.run()

        assert changes.stuck(Change.objects.get()) is None

    @pytest.mark.parametrize("decision", [changes.release, changes.skip, changes.supersede])
    def test_can_be_settled_once_only(self, stuck: Pair, decision: Decision) -> None:
        decide(decision)
        stuck.work()

        with pytest.raises(changes.NotStuckError):
            decide(decision)

    @pytest.mark.parametrize("decision", [changes.release, changes.skip, changes.supersede])
    def test_leaves_a_trace_of_who_decided_and_closes_the_exception(self, stuck: Pair, decision: Decision) -> None:
        decide(decision)

        event = AuditEvent.objects.latest("id")
        assert (event.action, event.reason) == (f"change.{event.action.split('.')[1]}", WHY)
        assert not ReconciliationException.objects.filter(state="open").exists()
        assert counts_add_up()


class TestRelease:
    def test_writes_every_step_in_order(self, stuck: Pair) -> None:
        decide(changes.release)
        stuck.work()

        run = SyncRun.objects.get()
        assert written(stuck, "a") == ["Kiel", "Ulm", "Bonn", "Jena"]
        assert (run.state, run.created, run.updated, run.held) == (RunState.SUCCEEDED, 1, 3, 0)

    def test_holds_the_others_again_when_it_is_refused_again(self, stuck: Pair) -> None:
        stuck.destination.refuse = {"a"}

        decide(changes.release)
        stuck.work()

        assert [state for _, state in stuck.states()] == [State.REJECTED, State.HELD, State.HELD, State.HELD]
        assert stuck.open_exceptions() == [("a", "refused")]
        assert counts_add_up()

    def test_goes_under_a_new_idempotency_key(self, stuck: Pair) -> None:
        before = Change.objects.earliest("id").idempotency_key

        decide(changes.release)

        assert Change.objects.earliest("id").idempotency_key != before

    def test_after_a_conflict_writes_upon_the_record_as_it_is_there(self, pair: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel")
        pair.run()
        (there,) = pair.destination.rows
        pair.destination.put(there, city="corrected")
        walk(feed, "a", "Ulm", "Bonn")
        pair.run()

        decide(changes.release)
        pair.work()

        assert written(pair, "a") == ["Kiel", "Ulm", "Bonn"]
        assert pair.open_exceptions() == []

    def test_makes_a_record_anew_that_is_gone_there(self, pair: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel")
        pair.run()
        pair.destination.drop(next(iter(pair.destination.rows)))
        walk(feed, "a", "Ulm")
        pair.run()

        decide(changes.release)
        pair.work()

        assert pair.there()["a"] == {"name": "a", "city": "Ulm"}

    def test_of_the_first_step_lets_a_later_page_change_what_it_made(self, pair: Pair, feed: Feed) -> None:
        pair.mapping.page_size = 1
        pair.mapping.save()
        pair.destination.refuse = {"a"}
        walk(feed, "a", "Kiel", "Ulm")
        pair.run()
        pair.destination.refuse = set()

        decide_first(changes.release)
        pair.work()

        assert written(pair, "a") == ["Kiel", "Ulm"]
        assert pair.open_exceptions() == []

    def test_is_followed_by_the_step_back_to_where_the_record_stood(self, went_back: Pair) -> None:
        decide_first(changes.release)
        went_back.work()

        assert written(went_back, "a") == ["Kiel", "Ulm", "Kiel"]
        assert counts_add_up()

    def test_sends_what_differs_from_what_is_there_by_then(self, pair: Pair, feed: Feed) -> None:
        """Also where no version tells that the step before it was given up."""
        feed.step("a", name="one", city="Kiel")
        pair.run()
        pair.destination.refuse = {"a"}
        feed.step("a", name="one", city="Ulm")
        pair.run()
        feed.step("a", name="two", city="Bonn")
        feed.step("a", name="two", city="Jena")
        pair.run()
        pair.destination.refuse = set()
        decide_first(changes.release)
        failpoint.arm("sending.committed", lambda: pair.destination.refuse.add("a") if self._is_second(pair) else None)
        pair.work()
        failpoint.disarm()
        pair.destination.refuse = set()
        Link.objects.update(destination_version=None)

        decide_first(changes.skip)
        pair.work()

        assert pair.there()["a"] == {"name": "two", "city": "Jena"}

    def _is_second(self, pair: Pair) -> bool:
        return Change.objects.filter(state=State.SENDING, image__city="Bonn").exists()


class TestSkip:
    def test_leaves_nothing_to_send_of_the_step_back_to_where_the_record_stands(self, went_back: Pair) -> None:
        decide_first(changes.skip)
        went_back.work()

        states = [state for _, state in went_back.states()]
        assert (written(went_back, "a"), states) == (["Kiel"], [State.APPLIED, State.CANCELLED, State.SUPERSEDED])
        assert counts_add_up()

    def test_goes_on_with_the_next_step(self, stuck: Pair) -> None:
        decide(changes.skip)
        stuck.work()

        run = SyncRun.objects.get()
        assert written(stuck, "a") == ["Ulm", "Bonn", "Jena"]
        assert (run.state, run.excluded, run.excepted) == (RunState.SUCCEEDED, 1, 0)

    def test_of_a_state_leaves_the_record_alone_until_it_changes(self, pair: Pair) -> None:
        pair.destination.refuse = {"a"}
        pair.source.put("a", name="a", city="Kiel")
        pair.run()

        decide(changes.skip)
        again = pair.run(full=True)
        pair.destination.refuse = set()
        pair.source.put("a", city="Ulm")
        changed = pair.run()

        assert (again.excluded, again.excepted, changed.created) == (1, 0, 1)


class TestSupersede:
    def test_drops_all_and_writes_what_the_source_has_now(self, stuck: Pair) -> None:
        decide(changes.supersede)
        stuck.work()

        states = [state for _, state in stuck.states()]
        assert states == [State.CANCELLED, *[State.SUPERSEDED] * 3, State.APPLIED]
        assert written(stuck, "a") == ["Jena"]
        assert counts_add_up()


def test_a_fact_that_changed_can_be_kept_as_it_was(pair: Pair) -> None:
    pair.mapping.semantics = "fact"
    pair.mapping.save()
    pair.source.put("1", name="paid", city="Kiel")
    pair.run()
    pair.source.put("1", city="Bonn")
    pair.run()

    exceptions.keep_fact(exception=ReconciliationException.objects.get(), by=UserFactory(), reason=WHY)
    run = pair.run(full=True)

    assert (run.unchanged, run.excepted, pair.open_exceptions()) == (1, 0, [])
