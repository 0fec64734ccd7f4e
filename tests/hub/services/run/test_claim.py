"""A person's word about a write in doubt is checked by reading before the hub relies on it."""

from dataclasses import replace

import pytest

from hub.engine.intent import State
from hub.models import AuditEvent, Change, Hint, Link, ReconciliationException
from hub.services import hint
from hub.services import run as runs
from hub.services.run.claim import Verdict
from tests.factories import UserFactory
from tests.hub.services.run.conftest import Pair
from tests.simulator import Fault, SimulatedTime
from tests.simulator.profile import LANDING, NOTHING

READABLE = replace(NOTHING, read_back=replace(NOTHING.read_back, by_key=True), landing=LANDING)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimulatedTime:
    passing = SimulatedTime()
    monkeypatch.setattr("hub.clock.now", passing.now)
    return passing


@pytest.fixture
def parked(pair: Pair, time: SimulatedTime) -> Pair:
    """A create whose answer was lost, at a destination that offers nothing to find out by; c2 went well."""
    pair.destination.store.now = time
    pair.destination.write = READABLE
    pair.source.put("c1", name="Anna", city="Kiel")
    pair.source.put("c2", name="Bert", city="Bonn")
    pair.destination.faults.order("c1", Fault.DROP_ANSWER)
    pair.run()
    return pair


def say(pair: Pair, verdict: Verdict, key: str | None = None) -> Change:
    """A person answers, and a worker acts on it."""
    change = Change.objects.get(source_key="c1")
    runs.resolve_in_doubt(change=change, by=UserFactory(), verdict=verdict, destination_key=key, reason="I looked")
    pair.work()
    change.refresh_from_db()
    return change


def key_of(pair: Pair, reference: str) -> str:
    return next(key for key, row in pair.destination.rows.items() if row.reference == reference)


class TestAnEditMeanwhile:
    def test_is_followed_once_the_write_in_doubt_is_settled(self, parked: Pair, time: SimulatedTime) -> None:
        """Without another run being asked for: it must not wait for tomorrow's."""
        parked.source.put("c1", name="Anna", city="Rome")
        hint.put(parked.mapping.pk, ["c1"], "webhook", time.now())
        time.forward(1)
        parked.work()
        assert parked.there()["c1"]["city"] == "Kiel"

        say(parked, "happened", key_of(parked, "c1"))
        time.forward(1)
        parked.work()

        assert parked.states()[-1] == ("c1", State.READY)  # a late copy of the first may still land
        time.forward(LANDING * 2)
        parked.work()
        assert parked.there()["c1"]["city"] == "Rome"
        assert not Hint.objects.exists()

    def test_is_followed_too_when_the_write_was_given_up(self, parked: Pair, time: SimulatedTime) -> None:
        parked.source.put("c1", name="Anna", city="Rome")
        hint.put(parked.mapping.pk, ["c1"], "webhook", time.now())
        time.forward(1)
        parked.work()

        say(parked, "stop")
        time.forward(1)
        parked.work()

        assert not Hint.objects.exists()
        assert parked.states()[-1][0] == "c1"
        assert len(parked.states()) == 3


class TestItHappened:
    def test_takes_the_record_as_it_is_with_its_version(self, parked: Pair) -> None:
        key = key_of(parked, "c1")
        parked.destination.put(key, city="Hamburg")

        change = say(parked, "happened", key)

        link = Link.objects.get(source_key="c1")
        assert (change.state, link.destination_key, link.destination_version) == (State.APPLIED, key, "2")
        assert parked.open_exceptions() == []
        assert AuditEvent.objects.get(action="change.happened").reason == "I looked"

    def test_is_refused_when_there_is_no_such_record(self, parked: Pair) -> None:
        change = say(parked, "happened", "T99")

        raised = ReconciliationException.objects.get()
        assert (change.state, raised.state) == (State.PARKED, "open")
        assert "there is no record T99" in raised.reason

    def test_is_refused_when_the_record_belongs_to_another(self, parked: Pair) -> None:
        change = say(parked, "happened", key_of(parked, "c2"))

        assert change.state == State.PARKED
        assert "belongs to c2 already" in ReconciliationException.objects.get().reason

    def test_needs_a_key(self, parked: Pair) -> None:
        with pytest.raises(runs.ControlError, match="Say which record"):
            say(parked, "happened")


class TestItDidNot:
    def test_is_sent_again_as_a_new_request_once_the_lost_one_cannot_land(
        self, parked: Pair, time: SimulatedTime
    ) -> None:
        parked.destination.rows.pop(key_of(parked, "c1"))
        early = say(parked, "not_happened").state
        time.forward(LANDING + 1)

        parked.work()

        change = Change.objects.get(source_key="c1")
        assert (early, change.state, change.key_gen) == (State.AMBIGUOUS, State.APPLIED, 1)
        assert parked.destination.effects.count(("create", "c1")) == 2
        assert parked.open_exceptions() == []

    def test_is_not_believed_where_a_look_tells_otherwise(self, parked: Pair, time: SimulatedTime) -> None:
        parked.destination.write = replace(
            READABLE, read_back=replace(READABLE.read_back, by_external_id=True), landing=LANDING
        )
        say(parked, "not_happened")
        time.forward(LANDING + 1)

        parked.work()

        assert Change.objects.get(source_key="c1").state == State.APPLIED
        assert parked.destination.effects.count(("create", "c1")) == 1


class TestStop:
    def test_gives_it_up_and_lets_nothing_newer_be_overtaken_by_it(self, parked: Pair, time: SimulatedTime) -> None:
        change = say(parked, "stop")
        parked.source.put("c1", city="Bonn")

        run = parked.run()

        waiting = Change.objects.get(source_key="c1", state=State.READY)
        assert (change.state, run.in_flight) == (State.CANCELLED, 1)
        assert waiting.due_at is not None
        time.forward(901)
        parked.work()
        waiting.refresh_from_db()
        assert waiting.state == State.APPLIED
