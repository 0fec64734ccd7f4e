"""How a lost answer is settled, by what the destination offers. Never a guess: what cannot be told is parked.

Source: write protocols by capability, explored exhaustively (lost requests, lost answers, late delivery).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.sdk import Fields, Operation, Record, WriteCapability

LANDING = 900


class Protocol(StrEnum):
    """What to do about a write whose answer was lost."""

    READ = "read"  # read the record by its key and compare
    FIND = "find"  # look it up by our reference
    RESEND = "resend"  # send the same again under the same idempotency key
    PARK = "park"  # nothing can tell: a person decides


class Verdict(StrEnum):
    """What a look at the destination says of a write whose answer was lost."""

    HAPPENED = "happened"
    RESEND = "resend"
    CONFLICT = "conflict"
    AMBIGUOUS = "several"  # several records carry our reference
    PARK = "park"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A write whose answer was lost: what it was and when it left."""

    operation: Operation
    fields: Fields
    before: Fields | None
    precondition: str | None
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """The protocol to follow, not before `due_at`."""

    protocol: Protocol
    due_at: datetime


def choose(doubt: Doubt, offered: WriteCapability | None, landing: int, now: datetime) -> Step:
    """The protocol for this doubt. `landing` (D) is in seconds; an answer may come too early to trust before it."""
    if offered is None:
        return Step(Protocol.PARK, now)
    wait = timedelta(seconds=offered.landing if offered.landing is not None else landing)
    if doubt.operation is Operation.CREATE:
        return _choose_create(doubt, offered, wait, now)
    if not offered.read_back.by_key:
        return Step(Protocol.PARK, now)
    # A precondition makes the late copy of a lost request harmless; without it the read must wait it out.
    due = now if offered.conditional and doubt.precondition is not None else doubt.sent_at + wait
    return Step(Protocol.READ, due)


def _choose_create(doubt: Doubt, offered: WriteCapability, wait: timedelta, now: datetime) -> Step:
    reference = offered.external_id
    if reference and reference.unique and offered.read_back.by_external_id:
        return Step(Protocol.FIND, now)
    if offered.conditional and offered.conditional.create and offered.read_back.by_external_id:
        return Step(Protocol.FIND, now)
    if offered.key and now - doubt.sent_at < timedelta(seconds=offered.key.ttl) - wait:
        return Step(Protocol.RESEND, now)
    if offered.read_back.by_external_id:
        lag = timedelta(seconds=offered.read_back.search_lag)
        return Step(Protocol.FIND, doubt.sent_at + wait + lag)
    return Step(Protocol.PARK, now)


def judge_create(found: list[Record]) -> Verdict:
    """What the records carrying our reference say of a create."""
    if not found:
        return Verdict.RESEND
    return Verdict.HAPPENED if len(found) == 1 else Verdict.AMBIGUOUS


def judge_update(doubt: Doubt, present: Record | None) -> Verdict:
    """What the record as it stands says of an update: done, not done, or overtaken by somebody."""
    if present is None or present.deleted:
        return Verdict.CONFLICT
    if _holds(present.data, doubt.fields):
        return Verdict.HAPPENED
    if doubt.precondition is not None:
        return Verdict.RESEND if present.version == doubt.precondition else Verdict.CONFLICT
    untouched = doubt.before is not None and _holds(present.data, _only(doubt.before, doubt.fields))
    return Verdict.RESEND if untouched else Verdict.CONFLICT


def judge_delete(doubt: Doubt, present: Record | None) -> Verdict:
    """What the record as it stands says of a deletion."""
    if present is None or present.deleted:
        return Verdict.HAPPENED
    if doubt.precondition is not None and present.version != doubt.precondition:
        return Verdict.CONFLICT
    return Verdict.RESEND


def _only(image: Fields, names: Fields) -> Fields:
    return {name: image[name] for name in names if name in image}


def _holds(image: Fields, fields: Fields) -> bool:
    """Whether `image` has every one of `fields`, compared as text where a system answers numbers as text."""
    missing = object()
    return all(_same(image.get(name, missing), value) for name, value in fields.items())


def _same(one: object, other: object) -> bool:
    return one == other or (one is not None and other is not None and str(one) == str(other))
