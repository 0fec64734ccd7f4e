"""A write in several calls has a recovery point after each: it goes on after the last call known to be done."""

from dataclasses import replace

import pytest

from hub.engine.intent import State
from hub.models import Change, Link
from hub.sdk import Key
from tests.hub.services.run.conftest import Pair
from tests.hub.services.run.special import CallsParty, give
from tests.simulator import SimulatedTime
from tests.simulator.profile import UNIQUE

ALL = ["header", "lines", "activate"]
KEYED = replace(UNIQUE, key=Key(), landing=60)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimulatedTime:
    passing = SimulatedTime()
    monkeypatch.setattr("hub.clock.now", passing.now)
    return passing


@pytest.fixture
def party(pair: Pair, time: SimulatedTime, monkeypatch: pytest.MonkeyPatch) -> CallsParty:
    """A destination whose creates take three calls, each with a key of its own."""
    calls = CallsParty(write=KEYED, time=time)
    give(pair, monkeypatch, calls)
    pair.source.put("c1", name="Anna", city="Kiel")
    return calls


def called(party: CallsParty) -> list[str]:
    return [name for name, _ in party.calls]


def finish(pair: Pair, time: SimulatedTime) -> None:
    for _ in range(5):
        time.forward(200)
        pair.work("successor")


def test_makes_each_call_once(pair: Pair, party: CallsParty) -> None:
    run = pair.run()

    assert (run.created, called(party), Change.objects.get().step) == (1, ALL, "lines")
    assert Link.objects.get().step == ""


@pytest.mark.parametrize("killed_after", ALL)
def test_goes_on_after_a_crash_behind_any_call(
    pair: Pair, party: CallsParty, time: SimulatedTime, killed_after: str
) -> None:
    """I2 for each call: crash point 14."""
    party.kill_after = killed_after
    pair.ask()
    pair.work_until_killed()

    finish(pair, time)

    assert called(party) == ALL
    assert Change.objects.get().state == State.APPLIED
    assert len(party.rows) == 1


@pytest.mark.parametrize("lost", ALL)
@pytest.mark.parametrize("arrives", [True, False])
def test_goes_on_after_silence_at_any_call(
    pair: Pair, party: CallsParty, time: SimulatedTime, lost: str, *, arrives: bool
) -> None:
    (party.lose if arrives else party.drop_call).add(lost)
    pair.run()

    finish(pair, time)

    assert called(party) == ALL
    assert Change.objects.get().state == State.APPLIED


def test_that_was_refused_half_way_goes_on_there_once_corrected(
    pair: Pair, party: CallsParty, time: SimulatedTime
) -> None:
    party.refuse_call = {"lines"}
    pair.run()
    assert (pair.open_exceptions(), Link.objects.get().step) == ([("c1", "refused")], "header")
    party.refuse_call = set()
    pair.source.put("c1", city="Bonn")

    run = pair.run()

    assert (run.created, called(party), len(party.rows)) == (1, ALL, 1)


def test_that_may_not_be_made_twice_is_a_persons_where_no_key_protects_it(
    pair: Pair, party: CallsParty, time: SimulatedTime
) -> None:
    party.write = replace(UNIQUE, landing=60)
    party.lose = {"lines"}
    pair.run()

    finish(pair, time)

    assert called(party) == ["header", "lines"]
    assert pair.open_exceptions() == [("c1", "in_doubt")]


def test_that_may_be_repeated_waits_until_the_first_cannot_land(
    pair: Pair, party: CallsParty, time: SimulatedTime
) -> None:
    party.write = replace(UNIQUE, landing=60)
    party.drop_call = {"activate"}
    pair.run()
    time.forward(30)
    pair.work()
    early = called(party)

    finish(pair, time)

    assert (early, called(party)) == (["header", "lines"], ALL)
