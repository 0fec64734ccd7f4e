"""Writes that are taken for later are asked about until they are done, refused, or too old to be believed."""

import pytest

from hub.engine.intent import State
from hub.models import Attempt, Change, RunState
from tests.hub.services.run.conftest import Pair
from tests.hub.services.run.special import LaterParty, give
from tests.simulator import SimulatedTime
from tests.simulator.profile import NOTHING, UNIQUE


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimulatedTime:
    passing = SimulatedTime()
    monkeypatch.setattr("hub.clock.now", passing.now)
    return passing


@pytest.fixture
def party(pair: Pair, time: SimulatedTime, monkeypatch: pytest.MonkeyPatch) -> LaterParty:
    """A destination that takes writes for later, and knows our reference."""
    later = LaterParty(write=UNIQUE, time=time)
    give(pair, monkeypatch, later)
    pair.source.put("c1", name="Anna", city="Kiel")
    return later


def change() -> Change:
    return Change.objects.get()


def test_is_asked_about_with_growing_pauses_until_it_is_done(
    pair: Pair, party: LaterParty, time: SimulatedTime
) -> None:
    run = pair.run()
    assert (run.state, run.in_flight, change().state, change().job) == (RunState.PARTIAL, 1, "accepted", "/jobs/1")
    due = []
    for _ in range(4):
        due.append((change().due_at - time.now()).total_seconds())  # type: ignore[operator]
        time.forward(due[-1] + 1)
        pair.work()
    party.work()
    time.forward(600)

    pair.work()

    run.refresh_from_db()
    assert (run.state, run.created, change().state) == (RunState.SUCCEEDED, 1, State.APPLIED)
    assert due == sorted(due)
    assert due[-1] > due[0]
    assert list(Attempt.objects.order_by("id").values_list("purpose", "answer")) == [
        ("write", "accepted"),
        ("poll", "applied"),
    ]


def test_that_is_refused_there_goes_to_a_person(pair: Pair, party: LaterParty, time: SimulatedTime) -> None:
    party.refuse = {"c1"}
    pair.run()
    party.work()
    time.forward(60)

    pair.work()

    assert (change().state, pair.open_exceptions()) == (State.REJECTED, [("c1", "refused")])


def test_stays_accepted_while_the_destination_cannot_be_asked(
    pair: Pair, party: LaterParty, time: SimulatedTime
) -> None:
    pair.run()
    party.silent = True
    time.forward(60)

    pair.work()

    assert change().state == State.ACCEPTED


def test_whose_job_is_not_known_any_more_is_looked_up_by_our_reference(
    pair: Pair, party: LaterParty, time: SimulatedTime
) -> None:
    pair.run()
    party.work()
    party.taken.clear()
    time.forward(60)
    pair.work()

    pair.work()

    assert (change().state, party.effects) == (State.APPLIED, [("create", "c1")])


def test_whose_job_was_lost_in_a_crash_is_looked_up_by_our_reference(
    pair: Pair, party: LaterParty, time: SimulatedTime
) -> None:
    party.kill_at = {"c1": "after"}
    pair.ask()
    pair.work_until_killed()
    party.work()

    pair.work("successor")

    assert (change().state, party.effects) == (State.APPLIED, [("create", "c1")])


def test_that_takes_longer_than_anything_may_is_a_persons_where_nothing_can_tell(
    pair: Pair, party: LaterParty, time: SimulatedTime
) -> None:
    party.write = NOTHING
    pair.run()
    time.forward(86_401)
    pair.work()

    pair.work()

    assert (change().state, pair.open_exceptions()) == (State.PARKED, [("c1", "in_doubt")])
