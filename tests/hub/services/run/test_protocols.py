"""Every profile of destination, every operation, every fault: nothing twice, nothing lost, nothing in a wrong order."""

from dataclasses import replace
from typing import Any

import pytest

from hub.engine.intent import OPEN, State
from hub.engine.resolve import refuses_twice
from hub.models import Change, ReconciliationException
from tests.hub.services.run.conftest import Pair
from tests.simulator import PROFILES, Fault, SimulatedTime
from tests.simulator.ledger import duplicated, out_of_order
from tests.simulator.profile import LANDING

BODY = {"fields": {"name": {"steps": [{"path": "name"}]}, "rev": {"steps": [{"path": "rev"}]}}}
FAULTS = {
    "request-lost": (Fault.DROP_REQUEST, 0.0),
    "answer-lost": (Fault.DROP_ANSWER, 0.0),
    "lands-before-d": (Fault.LATE, LANDING / 2),
    "delivered-twice": (Fault.TWICE, LANDING / 2),
    "500-before": (Fault.ERROR_BEFORE, 0.0),
    "500-after": (Fault.ERROR_AFTER, 0.0),
    "at-work": (Fault.DRIP, 1.0),
    "truncated": (Fault.TRUNCATED, 0.0),
    "too-many": (Fault.TOO_MANY, 3.0),
}
SENDINGS = [name for name in PROFILES if name not in {"normalising", "lenient", "atomic-batch"}]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimulatedTime:
    """The hub and both systems read one clock, which only the test moves."""
    passing = SimulatedTime()
    monkeypatch.setattr("hub.clock.now", passing.now)
    return passing


@pytest.fixture
def there(pair: Pair, time: SimulatedTime, request: pytest.FixtureRequest) -> Pair:
    """The pair, with a destination of the asked profile."""
    for party in (pair.source, pair.destination):
        party.store.now = time
    pair.destination.store.profile = PROFILES[request.param]
    pair.activate(pair.mapping, BODY)
    pair.mapping.page_size = 50
    pair.mapping.max_deletions, pair.mapping.max_deletion_share = 50, 1
    pair.mapping.save()
    return pair


def settle(pair: Pair, time: SimulatedTime, most: int = 60) -> None:
    """Let workers and time do their part until nothing moves any more."""
    for _ in range(most):
        pair.work()
        waiting = Change.objects.filter(state__in=sorted(OPEN - {State.PARKED}))
        if not waiting.exists() and not pair.destination.store.underway:
            return
        due = waiting.exclude(due_at=None).order_by("due_at").values_list("due_at", flat=True).first()
        wait(pair, time, (due - time.now()).total_seconds() if due else 5.0)


def wait(pair: Pair, time: SimulatedTime, seconds: float) -> None:
    """Let time pass, second by second, so that what is underway arrives when it arrives."""
    until = time.seconds + max(1.0, seconds)
    while time.seconds < until:
        time.forward(min(1.0, until - time.seconds))
        pair.destination.store.land()


def write(pair: Pair, operation: str, key: str, rev: int) -> None:
    """What somebody does at the source."""
    if operation == "delete" and rev == 2:
        pair.source.drop(key)
    else:
        pair.source.put(key, name=f"{key} {rev}", rev=rev)


def refuses_a_copy(pair: Pair) -> bool:
    """Whether a copy of an answered create, which the hub cannot know of, makes no second record there."""
    return pair.destination.write.key is not None or refuses_twice(pair.destination.write)


def wanted(pair: Pair) -> dict[str, Any]:
    """Both sides, for a message that shows what differs."""
    source = {key: row.data for key, row in pair.source.rows.items()}
    return {key: (source.get(key), pair.there().get(key)) for key in {*source, *pair.there()}}


@pytest.mark.parametrize("there", SENDINGS, indirect=True)
@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_of_a_fault_leaves_each_record_as_wanted_once_and_in_order(
    there: Pair, time: SimulatedTime, operation: str
) -> None:
    """I1, I9, I12: judged by the destination's own ledger. What nothing can tell is a person's (I13)."""
    write(there, "create", "bystander", 1)
    if operation != "create":
        for key in FAULTS:
            write(there, "create", key, 1)
        there.run()
        settle(there, time)
    for key, (fault, delay) in FAULTS.items():
        write(there, operation, key, 2)
        if fault is not Fault.TWICE or operation != "create" or refuses_a_copy(there):
            there.destination.faults.order(key, fault, delay)

    there.run()
    settle(there, time)
    wait(there, time, LANDING * 2)

    parked = set(Change.objects.filter(state=State.PARKED).values_list("source_key", flat=True))
    effects = list(there.destination.store.ledger)
    assert duplicated(effects) == []
    assert out_of_order(effects) == []
    assert {key: sides for key, sides in wanted(there).items() if sides[0] != sides[1] and key not in parked} == {}
    assert not parked or not there.destination.store.profile.settles
    assert not ReconciliationException.objects.filter(state="open").exclude(source_key__in=parked).exists()


@pytest.mark.parametrize("there", SENDINGS, indirect=True)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_newer_value_is_never_undone_by_a_late_copy_of_an_older_one(
    there: Pair, time: SimulatedTime, operation: str
) -> None:
    """I9: the newer write waits until the older one can no longer land, unless versions or keys are compared."""
    if operation == "update":
        for key in FAULTS:
            write(there, "create", key, 1)
        there.run()
        settle(there, time)
    for key, (fault, delay) in FAULTS.items():
        write(there, operation, key, 2)
        if fault is not Fault.TWICE:  # a copy that nobody knows of, of an answered write, cannot be waited out
            there.destination.faults.order(key, fault, delay)
    there.run()
    for key in FAULTS:
        write(there, operation, key, 3)

    there.run()
    settle(there, time)
    wait(there, time, LANDING * 2)
    there.run()
    settle(there, time)

    parked = set(Change.objects.filter(state=State.PARKED).values_list("source_key", flat=True))
    effects = list(there.destination.store.ledger)
    assert duplicated(effects) == []
    assert out_of_order(effects) == []
    assert {key: sides for key, sides in wanted(there).items() if sides[0] != sides[1] and key not in parked} == {}


@pytest.mark.parametrize("there", ["conditional", "unique"], indirect=True)
def test_a_create_that_lands_after_any_bound_makes_no_second_record(there: Pair, time: SimulatedTime) -> None:
    """I1: where the destination refuses a second one, even an unbounded delay is harmless."""
    write(there, "create", "c1", 1)
    there.destination.faults.order("c1", Fault.LATE, LANDING * 20)

    there.run()
    settle(there, time)
    wait(there, time, LANDING * 30)

    assert duplicated(there.destination.store.ledger) == []
    assert there.there()["c1"]["rev"] == 1


@pytest.mark.parametrize("there", ["key-storing-errors"], indirect=True)
def test_a_key_is_renewed_only_after_a_definitive_refusal(there: Pair, time: SimulatedTime) -> None:
    """A stored refusal would be given again for ever under the old key."""
    there.destination.refuse = {"c1"}
    write(there, "create", "c1", 1)
    there.run()
    there.destination.refuse = set()
    first = Change.objects.get()

    write(there, "create", "c1", 2)
    there.run()
    write(there, "create", "c1", 1)
    there.run()

    keys = list(Change.objects.order_by("id").values_list("key_gen", "idempotency_key"))
    assert keys[0] == (0, first.idempotency_key)
    assert keys[1][0] == 1
    assert len({key for _, key in keys}) == 3
    assert there.there()["c1"]["rev"] == 1


@pytest.mark.parametrize("there", ["key"], indirect=True)
def test_a_key_is_not_renewed_by_silence(there: Pair, time: SimulatedTime) -> None:
    write(there, "create", "c1", 1)
    there.destination.faults.order("c1", Fault.DROP_ANSWER)
    there.destination.faults.order("c1", Fault.ERROR_BEFORE)

    there.run()
    settle(there, time)

    change = Change.objects.get()
    assert (change.state, change.key_gen, change.tries) == (State.APPLIED, 0, 3)


@pytest.mark.parametrize("there", ["key"], indirect=True)
def test_a_key_is_not_sent_again_once_a_request_could_outlive_it(there: Pair, time: SimulatedTime) -> None:
    """Source: the exploration; a retry in flight that outlives its key is a duplicate."""
    write(there, "create", "c1", 1)
    for _ in range(3):
        there.destination.faults.order("c1", Fault.DROP_REQUEST)
    there.run()
    time.forward(600)

    settle(there, time)

    assert Change.objects.get().state == State.PARKED
    assert there.destination.effects == []


@pytest.mark.parametrize("there", ["marker"], indirect=True)
def test_a_search_is_not_believed_before_the_request_can_no_longer_land(there: Pair, time: SimulatedTime) -> None:
    write(there, "create", "c1", 1)
    there.destination.faults.order("c1", Fault.LATE, LANDING - 1)
    there.run()

    change = Change.objects.get()

    assert change.state == State.AMBIGUOUS
    assert change.due_at is not None
    assert (change.due_at - time.now()).total_seconds() == LANDING + 30
    settle(there, time)
    assert there.destination.effects == [("create", "c1")]


@pytest.mark.parametrize("there", ["conditional"], indirect=True)
def test_a_false_precondition_before_our_own_lost_write_is_adopted(there: Pair, time: SimulatedTime) -> None:
    """A 412 after silence needs a read, not a conclusion."""
    write(there, "create", "c1", 1)
    there.run()
    write(there, "update", "c1", 2)
    there.destination.faults.order("c1", Fault.LATE, 0.5)
    there.run()
    settle(there, time)

    assert there.open_exceptions() == []
    assert there.there()["c1"]["rev"] == 2
    assert there.destination.effects.count(("update", "c1")) == 1


@pytest.mark.parametrize("there", ["unique"], indirect=True)
def test_a_foreign_write_that_the_version_shows_is_reported(there: Pair, time: SimulatedTime) -> None:
    """I8: where nothing can refuse the write, the breach is an exception with evidence, closed by a person only."""
    profile = there.destination.store.profile
    there.destination.store.profile = replace(profile, write=replace(profile.write, version_step=1))
    write(there, "create", "c1", 1)
    there.run()
    key = next(iter(there.destination.rows))
    there.destination.put(key, name="hers")
    write(there, "update", "c1", 2)

    there.run()
    there.run(full=True)

    raised = ReconciliationException.objects.get()
    assert (raised.kind, raised.state) == ("overwrite", "open")
    assert (raised.evidence["version_before"], raised.evidence["version_after"]) == ("1", "3")
