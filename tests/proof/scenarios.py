"""Lives of a small integration, each of which the crash matrix breaks at every point it comes to."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hub.models import Change, Hint, Replay, SyncRun
from hub.sdk import CursorKind
from hub.services import change, replay
from hub.services import run as runs
from tests.factories import UserFactory
from tests.proof import judge
from tests.proof.death import SimulatedBugError
from tests.proof.world import World
from tests.simulator import PROFILES, Fault, KilledError
from tests.simulator.profile import TTL

Part = Callable[[Any], Any]


def _nothing(world: World) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """`before` happens in peace; `during` is what is broken. `asks`: the records a person is asked about.

    None: of any, because nothing there can settle what a dead worker left.
    """

    profile: str
    during: Part
    before: Part = _nothing
    asks: frozenset[str] | None = frozenset()
    world: dict[str, Any] = field(default_factory=dict)
    made: Callable[..., World] = World
    agreement: Callable[[Any], list[str]] = judge.agreement

    def begin(self) -> World:
        """A world of its own, prepared."""
        world = self.made(PROFILES[self.profile], **self.world)
        world.fill()
        self.before(world)
        return world


def _once(world: World) -> None:
    world.run()


def _by_offset(world: World) -> None:
    world.source.reader.by_offset = True
    world.run()


def _some_edits(world: World) -> None:
    world.edit("c1", city="Bonn")
    world.edit("c5", city="Ulm")
    world.edit("new")
    world.run()


def _some_deletions(world: World) -> None:
    world.source.drop("c1")
    world.source.drop("c4")
    world.run()


def _absence(world: World) -> None:
    _some_deletions(world)
    world.run(full=True)


def _cannot_be_asked(world: World) -> None:
    world.source.fetches = False
    world.run()


def _lost(fault: Fault) -> Part:
    def during(world: World) -> None:
        world.destination.faults.order_all(["c1", "c4"], fault)
        world.run()
        for seconds in (31, 170):
            world.pass_time(seconds)
            world.ring_all()
            world.work()

    return during


def _lost_update(fault: Fault) -> Part:
    def during(world: World) -> None:
        world.edit("c1", city="Bonn")
        world.edit("c4", city="Bonn")
        _lost(fault)(world)

    return during


def _corrections(world: World) -> None:
    world.correct("c1", city="Jena")
    world.correct("c2", phone="110")
    world.edit("c1", city="Bonn")
    world.edit("c2", city="Bonn")
    world.run()


def _hints(world: World) -> None:
    world.edit("c1", city="Bonn")
    now = world.time.now()
    Hint.objects.bulk_create(Hint(mapping=world.mapping, source_key=key, since=now) for key in ("c1", "c2"))
    world.run()


def _waits_for_approval(world: World) -> None:
    world.mapping.max_deletions = 1
    world.mapping.save()
    _some_deletions(world)
    run = SyncRun.objects.filter(mapping=world.mapping).latest("id")
    if run.changes.filter(state="held").exists():
        runs.approve_held(run=run, by=UserFactory(), reason="They are gone.")
    world.work()


def _wait_for_jobs(world: World) -> None:
    world.run()
    for _ in range(3):
        world.pass_time(120)
        world.ring_all()
        world.work()


def _read_back(world: World) -> None:
    """Where nothing could have refused the write, it is read back; meanwhile somebody corrected one of the records."""
    _some_edits(world)
    world.correct("c1", phone="110")
    for _ in range(2):
        world.pass_time(1000)
        world.ring_all()
        world.work()


def _replayed(world: World) -> None:
    """What was refused is replayed; the scheduler asks for its batches until all are done."""
    asked = replay.draft(replay=Replay(mapping=world.mapping, states=["refused"], reason="It was right."), by=None)
    replay.start(replay=asked, by=None)
    for _ in range(4):
        world.pass_time(120)
        with suppress(KilledError, SimulatedBugError):
            replay.go_on(world.time.now())
        world.ring_all()
        world.work()


def _refused(world: World) -> None:
    world.destination.refuse = {"c2"}
    world.run()


def _refused_once(world: World) -> None:
    _refused(world)
    world.destination.refuse = set()


def _in_order(world: World) -> None:
    """A chain of states: the first is refused, the following ones wait behind it until a person releases it."""
    world.edit("c1", city="Bonn")
    world.destination.refuse = {"c1"}
    world.run()
    world.edit("c1", city="Ulm")
    world.run()
    world.destination.refuse = set()
    for head in Change.objects.filter(mapping=world.mapping, source_key="c1", state="rejected"):
        change.release(change=head, by=UserFactory(), reason="It may.")
    world.work()


def _superseded(world: World) -> None:
    world.edit("c1", city="Bonn")
    world.destination.not_now = {"c1"}
    world.run()
    world.destination.not_now = set()
    world.edit("c1", city="Ulm")
    world.run()


def _forgotten_key(world: World) -> None:
    """The answer is lost, and the destination stays silent until it has forgotten the key."""
    world.destination.faults.order("c1", Fault.DROP_ANSWER)
    for _ in range(20):
        world.destination.faults.order("c1", Fault.DROP_REQUEST)
    world.run()
    for _ in range(4):
        world.pass_time(TTL / 3)
        world.ring_all()
        world.work()
    world.destination.faults.clear()


def _late_copy(world: World) -> None:
    """An update is lost on its way, a newer edit comes, and only then does the first request arrive."""
    world.edit("c1", city="Bonn")
    world.destination.faults.order("c1", Fault.LATE, 40.0)
    world.run()
    world.edit("c1", city="Ulm")
    world.run()
    for _ in range(3):
        world.pass_time(50)
        world.ring_all()
        world.work()


def _shifting_pages(world: World) -> None:
    """While pages are read newest first, a record moves up past the reader: it is on no page at all."""

    def moves() -> None:
        world.source.put("c0", city="Ulm")

    for _ in range(3):
        world.source.between_pages = moves
        world.run(full=True)
    world.source.between_pages = lambda: None


SCENARIOS = {
    "first load": Scenario("conditional", _once),
    "first load of a batch": Scenario("atomic-batch", _once),
    "update": Scenario("conditional", _some_edits, _once),
    "update where nothing is conditional": Scenario("key", _some_edits, _once),
    "deletion": Scenario("conditional", _some_deletions, _once),
    "absence": Scenario("conditional", _absence, _once, world={"cursor": CursorKind.NONE}),
    "absence twice": Scenario("conditional", _absence, _cannot_be_asked, world={"cursor": CursorKind.NONE}),
    "correction by hand": Scenario("conditional", _corrections, _once, asks=frozenset({"c1", "c2"})),
    "lost answers, unique reference": Scenario("unique", _lost(Fault.DROP_ANSWER)),
    "lost requests, unique reference": Scenario("unique", _lost(Fault.DROP_REQUEST)),
    "lost answers, key": Scenario("key", _lost(Fault.DROP_ANSWER)),
    "lost answers, marker": Scenario("marker", _lost(Fault.LATE)),
    "lost answers, nothing": Scenario("nothing", _lost(Fault.DROP_ANSWER), asks=None),
    "lost updates": Scenario("conditional", _lost_update(Fault.DROP_ANSWER), _once),
    "lost updates that land late": Scenario("unique", _lost_update(Fault.LATE), _once),
    "batch answered in part": Scenario("batch", _lost(Fault.PARTIAL)),
    "come back later": Scenario("conditional", _lost(Fault.TOO_MANY)),
    "hints": Scenario("conditional", _hints, _once),
    "approval": Scenario("conditional", _waits_for_approval, _once),
    "refusal": Scenario("conditional", _refused),
    "lost requests, marker": Scenario("marker", _lost(Fault.DROP_REQUEST)),
    "forgotten key": Scenario("key", _forgotten_key, asks=frozenset({"c1"})),
    "late copy": Scenario("unique", _late_copy, _once),
    "shifting pages": Scenario("conditional", _shifting_pages, _by_offset, world={"cursor": CursorKind.NONE}),
    "several calls": Scenario("several-calls", _lost(Fault.DROP_ANSWER)),
    "jobs": Scenario("jobs", _wait_for_jobs),
    "read back": Scenario("unique", _read_back, _once, world={"verify_after": 60}),
    "replay": Scenario("conditional", _replayed, _refused_once),
    "in order": Scenario("conditional", _in_order, _once, world={"semantics": "transition"}),
    "superseded": Scenario("conditional", _superseded, _once),
}
