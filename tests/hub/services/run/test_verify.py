"""Where nothing can refuse a write to a record that changed meanwhile, what was written is read back."""

import pytest

from hub.engine.intent import State
from hub.models import Attempt, Change, ReconciliationException
from hub.services import sweep
from tests.hub.services.run.conftest import Pair
from tests.simulator import PROFILES, SimulatedTime


@pytest.fixture
def pair_read_back(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> tuple[Pair, SimulatedTime]:
    """A mapping that reads back after a minute, to a destination with a unique reference and nothing else."""
    time = SimulatedTime()
    monkeypatch.setattr("hub.clock.now", time.now)
    pair.destination.store.profile, pair.destination.store.now = PROFILES["unique"], time
    pair.mapping.verify_after = 60
    pair.mapping.save()
    pair.source.put("c1", name="Anna", city="Kiel")
    pair.run()
    return pair, time


def state() -> tuple[str, bool]:
    change = Change.objects.order_by("-id")[0]
    return change.state, change.verify_due is None


def test_is_verified_when_it_is_as_sent(pair_read_back: tuple[Pair, SimulatedTime]) -> None:
    pair, time = pair_read_back
    assert state() == (State.APPLIED, False)
    time.forward(61)
    assert sweep.sweep(time.now()) == 1

    pair.work()

    assert state() == (State.VERIFIED, True)
    assert list(Attempt.objects.order_by("id").values_list("purpose", flat=True)) == ["write", "verify"]


def test_becomes_a_question_that_only_a_person_closes_when_it_is_not(
    pair_read_back: tuple[Pair, SimulatedTime],
) -> None:
    pair, time = pair_read_back
    pair.destination.put(next(iter(pair.destination.rows)), city="Hamburg")
    time.forward(61)
    pair.work()

    pair.run(full=True)

    assert state() == (State.APPLIED, True)
    assert pair.open_exceptions() == [("c1", "not_kept")]
    assert "city" in ReconciliationException.objects.get().reason


def test_is_left_to_the_newer_write_of_the_record(pair_read_back: tuple[Pair, SimulatedTime]) -> None:
    pair, time = pair_read_back
    pair.source.put("c1", city="Bonn")
    pair.run()
    time.forward(61)

    pair.work()

    assert list(Change.objects.order_by("id").values_list("state", flat=True)) == [State.APPLIED, State.VERIFIED]
    assert pair.open_exceptions() == []


def test_needs_no_reading_back_where_stale_writes_are_refused(pair: Pair) -> None:
    pair.mapping.verify_after = 60
    pair.mapping.save()
    pair.source.put("c1", name="Anna", city="Kiel")
    pair.run()
    pair.source.put("c1", city="Bonn")

    pair.run()

    assert state() == (State.APPLIED, True)
