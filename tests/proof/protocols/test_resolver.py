"""The hub's own resolver inside the model: what it chooses for each capability is what exploring shows to be safe."""

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from hub.engine import resolve
from hub.engine.resolve import Doubt, Protocol, Verdict
from hub.sdk import ConditionalWrite, ExternalId, Key, Operation, ReadBack, WriteCapability
from tests.proof.protocols import creating
from tests.proof.protocols.creating import NEVER, TTL, Ages, D, Decide, Move, Target
from tests.proof.protocols.explorer import explore

TICK = 100  # seconds
LANDING = D * TICK + 1  # the model lets a request land at the very end of its last tick
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
KEY = Key(ttl=TTL * TICK)
FINDS, READS = ReadBack(by_external_id=True), ReadBack()
MARKER, UNIQUE = ExternalId("reference", unique=False), ExternalId("reference")

CREATES = {
    "unique reference": (WriteCapability(external_id=UNIQUE, read_back=FINDS), Target.UNIQUE),
    "unique reference that cannot be searched": (WriteCapability(external_id=UNIQUE), Target.UNIQUE),
    "conditional create": (WriteCapability(conditional=ConditionalWrite(create=True), read_back=FINDS), Target.UNIQUE),
    "key": (WriteCapability(key=KEY), Target.KEY),
    "key and marker": (WriteCapability(key=KEY, external_id=MARKER, read_back=FINDS), Target.KEY),
    "marker": (WriteCapability(external_id=MARKER, read_back=FINDS), Target.ANYTHING),
    "nothing": (WriteCapability(read_back=READS), Target.ANYTHING),
}


def by_the_hub(offered: WriteCapability) -> Decide:
    """What `hub.engine.resolve` decides at these ages: it counts from giving up, the model, harder, from sending."""

    @cache
    def decide(ages: Ages) -> Move:
        doubt = Doubt(
            Operation.CREATE, {}, None, None,
            lost_at=NOW - timedelta(seconds=ages.lost * TICK),
            keyed_at=NOW - timedelta(seconds=ages.keyed * TICK),
        )  # fmt: skip
        step = resolve.choose(doubt, offered, LANDING, NOW)
        if step.due_at > NOW:
            return Move.WAIT
        if step.protocol is Protocol.FIND:
            absent = resolve.judge(doubt, resolve.look(doubt, offered, LANDING, NOW, []))
            return Move.WAIT if absent is Verdict.WAIT else Move.PROBE
        return Move.SEND if step.protocol is Protocol.RESEND else Move.PARK

    return decide


@pytest.mark.parametrize("name", CREATES)
def test_never_makes_a_second_record_as_long_as_requests_land_within_d(name: str) -> None:
    """I1, R-02."""
    offered, target = CREATES[name]

    found = explore(creating.Create(), creating.Model(by_the_hub(offered), target).steps, creating.evils)

    assert found.stories == {}


@pytest.mark.parametrize("name", ["unique reference", "conditional create", "nothing"])
def test_never_makes_a_second_record_however_late_a_request_lands(name: str) -> None:
    """I1: where the destination refuses it, or where nothing is sent twice."""
    offered, target = CREATES[name]

    found = explore(creating.Create(), creating.Model(by_the_hub(offered), target, NEVER).steps, creating.evils)

    assert found.stories == {}


@pytest.mark.parametrize(
    ("offered", "precondition", "waits"),
    [
        (WriteCapability(conditional=ConditionalWrite()), "7", 0),
        (WriteCapability(conditional=ConditionalWrite()), None, LANDING),
        (WriteCapability(), "7", LANDING),
        (WriteCapability(key=KEY), None, 0),
    ],
    ids=["conditional", "conditional without a version", "nothing", "key"],
)
def test_reads_after_a_lost_update_once_no_copy_of_it_can_do_harm(
    offered: WriteCapability, precondition: str | None, waits: int
) -> None:
    """I9: “conditional, adopt if equal”, “key”, and otherwise “wait D after silence”."""
    doubt = Doubt(Operation.UPDATE, {"city": "Bonn"}, {"city": "Kiel"}, precondition, lost_at=NOW, keyed_at=NOW)

    step = resolve.choose(doubt, offered, LANDING, NOW)

    assert step == resolve.Step(Protocol.READ, NOW + timedelta(seconds=waits))
