"""Lives in which the surroundings change in the middle: clocks that differ, tokens that end, records of a new shape."""

from collections.abc import Callable
from itertools import count
from typing import Any

from hub.sdk import Change as Order
from hub.sdk import CursorKind
from hub.services import credential
from tests.factories import CredentialFactory
from tests.proof.scenarios import Part, Scenario
from tests.proof.world import World
from tests.simulator import Fault
from tests.simulator.profile import TTL

WRONG = 600.0  # seconds
KEYS = ("c0", "c1", "c2", "c3", "c4", "c5")


# --- clocks -----------------------------------------------------------------------------------------------


def _by_two_hosts(first: float, second: float) -> Part:
    """One worker loses answers to requests that land late; another one, by another clock, looks into that."""

    def during(world: World) -> None:
        world.destination.faults.order_all(["c1", "c4"], Fault.LATE, 40.0)
        world.ahead = first
        world.run()
        world.ahead = second
        for seconds in (0, 50, 170):
            world.pass_time(seconds)
            world.ring_all()
            world.work("another host")
        world.ahead = 0.0

    return during


def _key_of_a_fast_host(world: World) -> None:
    """A key is noted as younger than it is, and is forgotten there before the next look at the lost answer."""
    world.destination.faults.order("c1", Fault.DROP_ANSWER)
    world.ahead = WRONG
    world.run()
    world.ahead = 0.0
    for seconds in (TTL + 50, 60):
        world.pass_time(seconds)
        world.ring_all()
        world.work()


def _supplier_is(seconds: float) -> Part:
    """What is stamped by a clock that differs from ours is edited again and again, also in long transactions."""

    def during(world: World) -> None:
        world.source.reader.skew = seconds
        for number, key in enumerate(KEYS):
            world.edit(key, city=f"Place {number}")
            commit = world.source.put_slowly("c0", city=f"Slow {number}") if number % 2 else lambda: None
            world.run()
            world.pass_time(2)
            commit()
            world.run()
            world.pass_time(7)

    return during


def _at_the(nth: int, act: Callable[[], Any]) -> Callable[..., None]:
    """Something that happens the `nth` time it is come by."""
    visits = count(1)

    def passes(*_: Any) -> None:
        if next(visits) == nth:
            act()

    return passes


def _between_pages(world: World, change: Callable[[], Any]) -> None:
    """A run in the middle of which the source changes; it has changed also when the run never came so far."""
    world.source.between_pages = _at_the(1, change)
    world.run()
    world.source.between_pages = lambda: None
    change()


# --- tokens -----------------------------------------------------------------------------------------------


def _with_tokens(world: World) -> None:
    """Both systems ask for a token, and the hub has one for each."""
    world.run()
    for party, connection in ((world.source, world.mapping.source), (world.destination, world.mapping.destination)):
        party.tokens = {"first"}
        connection.credential = CredentialFactory(origins=[])
        connection.save()
    _enter(world, "first")
    for key in KEYS:
        world.edit(key, city="Bonn")


def _enter(world: World, token: str) -> None:
    for connection in (world.mapping.source, world.mapping.destination):
        if connection.credential:
            credential.set_values(credential=connection.credential, values={"token": token}, by=None)


def _new_token(world: World) -> None:
    """Somebody enters the token that the supplier has given out instead."""
    _enter(world, "second")
    for _ in range(2):
        world.pass_time(400)
        world.run()
        world.ring_all()
        world.work()


def _token_ends_while_writing(world: World) -> None:
    """In the middle of a page the destination takes another token only; one answer was lost just before."""
    check, ends = world.destination.on_request, _at_the(3, lambda: _swap(world))

    def on_request(order: Order) -> None:
        check(order)
        ends()

    world.destination.on_request = on_request
    world.destination.faults.order("c1", Fault.DROP_ANSWER)
    world.run()
    _swap(world)
    _new_token(world)


def _token_ends_while_reading(world: World) -> None:
    """Between two pages the source takes another token only; the destination still takes both."""
    world.destination.tokens = {"first", "second"}
    _between_pages(world, lambda: _swap(world, both=False))
    _new_token(world)


def _swap(world: World, *, both: bool = True) -> None:
    for party in (world.source, world.destination) if both else (world.source,):
        party.tokens = {"second"}


# --- shapes -----------------------------------------------------------------------------------------------


def _shape(name: str = "name", city: str = "city", *codes: str) -> dict[str, Any]:
    """A mapping that reads these fields and knows these codes."""
    return {
        "fields": {
            "name": {"steps": [{"path": name}], "required": True},
            "city": {"steps": [{"path": city}, {"lookup": {"map": "cities"}}]},
            "rev": {"steps": [{"path": "rev"}, {"integer": True}]},
        },
        "value_maps": {"cities": {code: code for code in ("Kiel", "Bonn", *codes)}},
    }


def _renamed(world: World) -> None:
    """Between two pages two fields get other names: a required one, and one that may be missing."""
    _edit_all(world)
    renamed = {"name": "title", "city": "town"}
    _between_pages(world, lambda: world.source.reader.renamed.update(renamed))
    _note_emptied(world)
    world.activate(_shape("title", "town"))
    _read_everything(world)


def _removed(world: World) -> None:
    """Between two pages a field that may be missing is gone, and comes back when the supplier has been told."""
    _edit_all(world)
    _between_pages(world, lambda: world.source.reader.renamed.update(city="withheld"))
    _note_emptied(world)
    world.source.reader.renamed.clear()
    _read_everything(world)


def _retyped(world: World) -> None:
    """Between two pages a number becomes an object, and a code comes that nobody has told of."""
    _edit_all(world)
    world.edit("c5", city="Lahti")
    _between_pages(world, lambda: world.source.reader.retyped.update(rev=lambda rev: {"is": rev}))
    _note_emptied(world)
    world.source.reader.retyped.clear()
    _read_everything(world)
    world.activate(_shape("name", "city", "Lahti"))


def _read_everything(world: World) -> None:
    """A full read, once a run that a dead worker left behind has been ended by another one."""
    world.expire()
    world.ring_all()
    world.work("successor")
    world.run(full=True)


def _edit_all(world: World) -> None:
    for key in KEYS:
        world.edit(key, city="Bonn")


def _note_emptied(world: World) -> None:
    """A value that the supplier no longer sends is not one that somebody has emptied."""
    emptied = [effect.reference for effect in world.destination.store.ledger if None in effect.fields.values()]
    world.broken += [f"emptied for the supplier's silence: {key}" for key in emptied]


def _once(world: World) -> None:
    world.activate(_shape())
    world.run()


STAMPS = {"cursor": CursorKind.TIMESTAMP}
SCENES = {
    "another host is fast": Scenario("marker", _by_two_hosts(0.0, WRONG)),
    "the first host was slow": Scenario("marker", _by_two_hosts(-WRONG, 0.0)),
    "a fast host and a key": Scenario("key", _key_of_a_fast_host, asks=None),
    "a supplier is fast": Scenario("conditional", _supplier_is(WRONG), world=STAMPS),
    "a supplier is slow": Scenario("conditional", _supplier_is(-WRONG), world=STAMPS),
    "a token ends while writing": Scenario("unique", _token_ends_while_writing, _with_tokens),
    "a token ends while reading": Scenario("conditional", _token_ends_while_reading, _with_tokens),
    "fields are renamed": Scenario("conditional", _renamed, _once),
    "a field is removed": Scenario("conditional", _removed, _once),
    "a field is retyped, a code is new": Scenario("conditional", _retyped, _once),
}
