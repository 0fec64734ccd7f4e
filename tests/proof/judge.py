"""Judges a world from the third party's ledger and the hub's database. Each complaint names the promise it breaks."""

from collections import Counter
from typing import Any

from hub.engine.intent import IN_FLIGHT, UNRESOLVED, State
from hub.models import LIVE, Change, Lane, Link, LinkState, ReconciliationException, SyncRun
from tests.proof.world import World
from tests.simulator import ledger


def safety(world: World) -> list[str]:
    """What must hold at every moment, also in the middle of a storm."""
    effects = world.destination.store.ledger
    told = list(world.broken)
    told += [f"I1/I2 duplicated: {key}" for key in ledger.duplicated(effects)]
    told += [f"I9 out of order: {key}" for key in ledger.out_of_order(effects)]
    if world.profile.sees_edits:
        told += [f"I8 overwritten unseen: {key}" for key in ledger.overwritten_unseen(effects)]
    return told + _groundless_deletions(world) + books(world)


def _groundless_deletions(world: World) -> list[str]:
    """I14: deletions by the hub of records that nobody ever deleted at the source."""
    dropped = {effect.key for effect in world.source.store.ledger if effect.operation == "delete"}
    deleted = {effect.reference for effect in world.destination.store.ledger.by_hub() if effect.operation == "delete"}
    return [f"I14 deleted though it is there: {key}" for key in sorted(deleted - dropped)]


def books(world: World) -> list[str]:
    """I13: the counts of every run agree with its changes."""
    told = []
    held = _count(world, State.HELD)
    flying = _count(world, *IN_FLIGHT)
    for run in SyncRun.objects.filter(mapping=world.mapping, is_preview=False):
        parts = run.balance
        if run.received != sum(parts.values()) - run.received:
            told.append(f"I13 run {run.pk} does not balance: {parts}")
        if run.in_flight != flying[run.pk]:
            told.append(f"I13 run {run.pk} counts {run.in_flight} in flight, there are {flying[run.pk]}")
        if run.held < held[run.pk]:
            told.append(f"I13 run {run.pk} counts {run.held} held, there are {held[run.pk]}")
    return told


def _count(world: World, *states: State) -> Counter[int]:
    """How many changes of each run are in one of these states."""
    found = Change.objects.filter(mapping=world.mapping, state__in=[state.value for state in states])
    return Counter(found.values_list("run_id", flat=True))


def with_a_person(world: World) -> set[str]:
    """Records that somebody has been asked about."""
    found = ReconciliationException.objects.filter(mapping=world.mapping, state="open")
    return set(found.values_list("source_key", flat=True))


def agreement(world: World) -> list[str]:
    """I12: what must hold once a quiet phase is over."""
    excused = with_a_person(world)
    told = safety(world)
    wanted = {key: _wanted(world, row.data) for key, row in world.source.rows.items()}
    there = {row.reference: {name: row.data.get(name) for name in ("name", "city", "rev")} for row in _rows(world)}
    # A one-way mapping does not look at what people correct at the destination until the source changes again.
    for key in sorted((wanted.keys() | there.keys()) - excused - world.corrected):
        if wanted.get(key) != there.get(key):
            told.append(f"I12 lost: {key} is {there.get(key)}, wanted {wanted.get(key)}")
    return told + at_rest(world, excused) + _astray(world, excused) + still_writing(world)


def at_rest(world: World, excused: set[str]) -> list[str]:
    """R-02, I12: nothing is left open that nobody was asked about."""
    unresolved = Change.objects.filter(mapping=world.mapping, state__in=sorted(UNRESOLVED))
    told = [f"R-02 in doubt, nobody asked: {key}" for key in _keys(unresolved) - excused]
    open_ = Change.objects.filter(mapping=world.mapping, state__in=[State.READY, State.RETRY_WAIT, State.AUTH_HELD])
    told += [f"I12 never sent: {key}" for key in _keys(open_) - excused]
    told += [f"run {run.pk} is {run.state}" for run in SyncRun.objects.filter(mapping=world.mapping, state__in=LIVE)]
    if Lane.objects.filter(mapping=world.mapping, lease_until__isnull=False).exists():
        told.append("a lease was not given back")
    return told


def still_writing(world: World) -> list[str]:
    """I12: one more look at everything writes nothing, on either side."""
    ledgers = [party.store.ledger for party in (world.source, world.destination)]
    before = [len(effects) for effects in ledgers]
    world.run(full=True)
    more = [effect for effects, seen in zip(ledgers, before, strict=True) for effect in list(effects)[seen:]]
    return [f"I12 still writing: {more}"] if more else []


def _astray(world: World, excused: set[str]) -> list[str]:
    told = []
    for link in Link.objects.filter(mapping=world.mapping, state=LinkState.LINKED).exclude(source_key__in=excused):
        row = world.destination.rows.get(link.destination_key or "")
        if row is None or row.reference != link.source_key:
            told.append(f"I6 link {link} leads nowhere")
    return told


def _wanted(world: World, data: dict[str, Any]) -> dict[str, Any]:
    """A source record as the destination keeps it."""
    return world.profile.normalise({name: data.get(name) for name in ("name", "city", "rev")})


def _rows(world: World) -> list[Any]:
    return [row for row in world.destination.rows.values() if row.reference]


def _keys(changes: Any) -> set[str]:
    return set(changes.values_list("source_key", flat=True))
