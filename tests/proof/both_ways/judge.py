"""Judges a world with two sides that are written, from the ledgers of both. Each complaint names its promise."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from hub.models import Link, destination_key_of
from tests.proof import judge
from tests.proof.both_ways.world import FIELDS, BothWays, identity
from tests.simulator import Ledger, ThirdParty, ledger
from tests.simulator.ledger import HUB, PERSON

Place = tuple[str, str]  # (record, field)


def safety(world: BothWays) -> list[str]:
    """What must hold at every moment, on both sides."""
    told = list(world.broken)
    for here, other, counts in _sides(world):
        effects = here.store.ledger
        told += [f"I1 duplicated: {key}" for key in ledger.duplicated(effects)]
        told += [f"I9 out of order: {key}" for key in ledger.out_of_order(effects, counts)]
        if here.store.profile.sees_edits:
            told += [f"I8 overwritten unseen: {key}" for key in ledger.overwritten_unseen(effects)]
        told += _copies(effects, other.store.ledger)
        told += _echoes(here, other.store.ledger)
        told += _lost_edits(effects, other.store.ledger)
        told += _groundless_deletions(effects, other.store.ledger)
    return told + judge.books(world)


def agreement(world: BothWays) -> list[str]:
    """I12: what must hold once a quiet phase is over."""
    keys = judge.with_a_person(world)
    excused = {name for key in keys for name in _named(world, key)}
    told = safety(world)
    for party in (world.source, world.destination):
        standing = Counter(identity(row.data) for row in party.rows.values())
        told += [f"I1 {name} is there {number} times" for name, number in standing.items() if number > 1]
    for name in sorted(_names(world) - excused):
        told += _apart(world, name)
    return told + judge.at_rest(world, keys) + judge.still_writing(world)


def _sides(world: BothWays) -> Iterator[tuple[ThirdParty, ThirdParty, str]]:
    """(a side that is written, the other one, what counts the edits that come from there)."""
    yield world.destination, world.source, "rev"
    yield world.source, world.destination, "mark"


def _copies(effects: Ledger, others: Ledger) -> list[str]:
    """I11: records that the hub made of a record that it had made itself on the other side."""
    own = {effect.key for effect in others.by_hub() if effect.operation == "create"}
    made = {effect.reference for effect in effects.by_hub() if effect.operation == "create"}
    return [f"I11 made of a copy: {key}" for key in sorted(own & made)]


def _echoes(here: ThirdParty, others: Ledger) -> list[str]:
    """I11: fields that the hub changed more often than people did on the other side, or to what nobody entered."""
    entered: dict[Place, list[Any]] = defaultdict(list)
    for place, value, _ in _entries(others, PERSON):
        entered[place] += here.store.profile.normalise({place[1]: value}).values()
    written: Counter[Place] = Counter()
    told = []
    for place, value, before in _entries(here.store.ledger, HUB):
        written[place] += value != before
        if value not in entered[place]:
            told.append(f"I11 echo: {place} became {value!r}, which nobody entered")
    more = [place for place, number in written.items() if number > len(entered[place])]
    return told + [f"I11 written {written[place]} times: {place}" for place in more]


def _lost_edits(effects: Ledger, others: Ledger) -> list[str]:
    """I8: what a person entered and the hub wrote over, though it never came to the other side."""
    arrived = {(place, repr(value)) for by in (HUB, PERSON) for place, value, _ in _entries(others, by)}
    entered = {(place, repr(value)) for place, value, _ in _entries(effects, PERSON)}
    gone = {(place, repr(before)) for place, value, before in _entries(effects, HUB) if value != before}
    return [f"I8 lost an edit: {place} was {value}" for place, value in sorted((gone & entered) - arrived)]


def _groundless_deletions(effects: Ledger, others: Ledger) -> list[str]:
    """I14: deletions by the hub of records whose counterpart nobody ever deleted."""
    dropped = [effect for effect in others if effect.by == PERSON and effect.operation == "delete"]
    grounds = {effect.key for effect in dropped} | {effect.reference for effect in dropped if effect.reference}
    deleted = [effect for effect in effects.by_hub() if effect.operation == "delete"]
    there = [effect.key for effect in deleted if not {effect.key, effect.reference} & grounds]
    return [f"I14 deleted though it is there: {key}" for key in there]


def _entries(effects: Ledger, by: str) -> Iterator[tuple[Place, Any, Any]]:
    """(place, value, value before) of every field that people, or the hub, wrote on one side."""
    names = {effect.key: identity(effect.fields) for effect in effects if "name" in effect.fields}
    for effect in effects:
        for name, value in effect.fields.items() if effect.by == by else ():
            yield (names[effect.key], name), value, effect.replaced.get(name)


def _apart(world: BothWays, name: str) -> list[str]:
    """I12: how the two sides differ in this record, or from what people entered last."""
    wanted = world.wanted.get(name)
    told = []
    for side, party in (("source", world.source), ("destination", world.destination)):
        there = [row.data for row in party.rows.values() if identity(row.data) == name]
        kept = party.store.profile.normalise(wanted) if wanted else {}
        expected = [{field: kept.get(field) for field in FIELDS}] if wanted else []
        found = [{field: data.get(field) for field in FIELDS} for data in there]
        if found != expected:
            told.append(f"I12 lost at the {side}: {name} is {found}, wanted {expected}")
    return told


def _names(world: BothWays) -> set[str]:
    return {identity(row.data) for party in (world.source, world.destination) for row in party.rows.values()} | set(
        world.wanted
    )


def _named(world: BothWays, key: str) -> Iterator[str]:
    """What the record of this link is called on either side."""
    link = Link.objects.filter(mapping=world.mapping, source_key=key).first()
    there = destination_key_of(key) or (link.destination_key if link else None)
    for party, place in ((world.source, key), (world.destination, there)):
        if place in party.rows:
            yield identity(party.rows[place].data)
