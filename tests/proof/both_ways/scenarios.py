"""Lives of a small integration that goes both ways."""

from collections.abc import Callable
from functools import partial
from typing import Any

from hub.sdk import Change as Order
from hub.sdk import CursorKind
from tests.proof.both_ways import judge
from tests.proof.both_ways.world import BothWays
from tests.proof.scenarios import Scenario
from tests.simulator import Fault, ThirdParty


def _agreed(world: BothWays) -> None:
    """Records of either origin, on both sides."""
    world.edit_there("d1")
    world.run()


def _edits(world: BothWays) -> None:
    """Whatever people do: on one side, on both in different fields, in one field alike, and in one field apart."""
    world.edit("c0", city="Bonn")
    world.edit_there("c1", city="Jena")
    world.edit("c2", city="Ulm")
    world.edit_there("c2", street="Am Graben")
    world.edit("c3", city="Trier")
    world.edit_there("c3", city="Trier")
    world.edit("c5", city="Bonn")
    world.edit_there("c5", city="Jena")
    world.edit("new")
    world.edit_there("d2")
    world.drop("c4")
    world.drop_there("d1")
    world.run()


def _lost(world: BothWays) -> None:
    """Answers of both sides are lost: of new records, that might be taken for the other side's own, and of edits."""
    world.edit("c0", city="Bonn")
    world.edit_there("c1", city="Jena")
    world.edit("new")
    world.edit_there("d2")
    world.drop("c4")
    world.destination.faults.order("c0", Fault.DROP_ANSWER)
    world.destination.faults.order("new", Fault.DROP_ANSWER)
    world.source.faults.order("d2", Fault.LATE, 40.0)
    world.source.faults.order(world.key_of(world.destination, "c1") or "", Fault.DROP_ANSWER)
    world.run()
    for seconds in (31, 170):
        world.pass_time(seconds)
        world.ring_all()
        world.work()


def _once(party: ThirdParty, edit: Callable[[], None]) -> None:
    """Somebody edits while the first write is on its way to this side."""
    check = party.on_request

    def edits(order: Order) -> None:
        party.on_request = check
        edit()
        check(order)

    party.on_request = edits


def _meanwhile(world: BothWays) -> None:
    """Somebody edits the very field that the hub is about to write, once on each side."""
    world.edit_there("c1", city="Jena")
    _once(world.source, partial(world.edit, "c1", city="Ulm"))
    world.run()
    world.edit("c2", city="Bonn")
    _once(world.destination, partial(world.edit_there, "c2", city="Trier"))
    world.run()


def _in_a_form_of_its_own(world: BothWays) -> None:
    """One side keeps names in capitals, which is nobody's edit."""
    world.edit("c0", city="Bonn")
    world.edit_there("c1", city="Jena")
    world.edit("late")
    world.run()
    world.run(full=True)


def _life(profile: str, during: Callable[[BothWays], None], asks: set[str] | None = None, **world: Any) -> Scenario:
    return Scenario(
        profile, during, _agreed, frozenset(asks or ()), world, made=BothWays, agreement=judge.agreement
    )  # fmt: skip


SCENARIOS = {
    "both ways": _life("conditional", _edits, {"c5"}),
    "both ways, lost answers": _life("conditional", _lost, cursor=CursorKind.NONE),
    "both ways, edited meanwhile": _life("conditional", _meanwhile, {"c1", "c2"}),
    "both ways, a form of its own": _life("normalising", _in_a_form_of_its_own),
}
