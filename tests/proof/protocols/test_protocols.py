"""Which write protocols are safe, found by exploring everything that can happen (correctness paper 1.3, annex A).

The table below is the reason why the hub settles lost answers as it does. `pytest -s` prints the bad stories.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.proof.protocols import creating, updating
from tests.proof.protocols.creating import NEVER, TTL, Ages, D, Move, Target
from tests.proof.protocols.explorer import Finding, explore

DUPLICATE, STALE, EDIT_LOST = "duplicate", "stale value wins", "human edit lost"


def resend(ages: Ages) -> Move:
    return Move.SEND


def resend_while_keyed(ages: Ages) -> Move:
    return Move.SEND if ages.keyed < TTL - D else Move.PARK


def probe(ages: Ages) -> Move:
    return Move.PROBE


def wait_and_probe(ages: Ages) -> Move:
    return Move.PROBE if ages.lost > D else Move.WAIT


def park(ages: Ages) -> Move:
    return Move.PARK


@dataclass(frozen=True)
class Row:
    """One line of the table: a protocol, and the evils that can happen with landing bounded by D and unbounded."""

    bounded: frozenset[str]
    unbounded: frozenset[str]


def row(bounded: str, unbounded: str) -> Row:
    return Row(_set(bounded), _set(unbounded))


def _set(told: str) -> frozenset[str]:
    return frozenset(filter(None, told.split(", ")))


CREATES: dict[str, tuple[Callable[[int], creating.Model], Row]] = {
    "send, then record": (
        lambda late: creating.Model(resend, Target.ANYTHING, late, logs_first=False),
        row(DUPLICATE, DUPLICATE),
    ),
    "key, resend for ever": (lambda late: creating.Model(resend, Target.KEY, late), row(DUPLICATE, DUPLICATE)),
    "key, resend while age < ttl - D": (
        lambda late: creating.Model(resend_while_keyed, Target.KEY, late),
        row("", DUPLICATE),
    ),
    "unique reference": (lambda late: creating.Model(resend, Target.UNIQUE, late), row("", "")),
    "marker, probe at once": (lambda late: creating.Model(probe, Target.ANYTHING, late), row(DUPLICATE, DUPLICATE)),
    "marker, wait D, probe": (lambda late: creating.Model(wait_and_probe, Target.ANYTHING, late), row("", DUPLICATE)),
    "nothing, park": (lambda late: creating.Model(park, Target.ANYTHING, late), row("", "")),
}
BOTH = f"{STALE}, {EDIT_LOST}"
UPDATES: dict[str, tuple[updating.Model, Row]] = {
    "blind, go on": (updating.Model(), row(BOTH, BOTH)),
    "read before": (updating.Model(reads_first=True), row(BOTH, BOTH)),
    "read before, wait D after silence": (updating.Model(reads_first=True, waits=True), row(EDIT_LOST, BOTH)),
    "key": (updating.Model(by_key=True), row(EDIT_LOST, EDIT_LOST)),
    "conditional, adopt if equal": (updating.Model(conditional=True), row("", "")),
}


@pytest.mark.parametrize("name", CREATES)
@pytest.mark.parametrize("late", [D, NEVER], ids=["bounded", "unbounded"])
def test_a_create_by_this_protocol_has_just_these_evils(name: str, late: int) -> None:
    """I1."""
    build, expected = CREATES[name]

    found = explore(creating.Create(), build(late).steps, creating.evils)

    _tell(name, late, found)
    assert set(found.stories) == (expected.bounded if late == D else expected.unbounded)


@pytest.mark.parametrize("name", UPDATES)
@pytest.mark.parametrize("late", [D, NEVER], ids=["bounded", "unbounded"])
def test_two_updates_by_this_protocol_have_just_these_evils(name: str, late: int) -> None:
    """I8, I9."""
    model, expected = UPDATES[name]

    found = explore(updating.Update(), model._replace(late=late).steps, updating.evils)

    _tell(name, late, found)
    assert set(found.stories) == (expected.bounded if late == D else expected.unbounded)


def _tell(name: str, late: int, found: Finding[creating.Create] | Finding[updating.Update]) -> None:
    """The shortest bad stories, for people who read along."""
    said = [f"{name}, {'bounded' if late == D else 'unbounded'}: {found.states:,} states"]
    said += [f"  {evil}: {' → '.join(story)}" for evil, story in found.stories.items()]
    sys.stdout.write("\n".join(["", *said, ""]))
