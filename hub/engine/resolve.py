"""How a lost answer is settled, by what the destination offers. Never a guess: what cannot be told is parked.

Source: correctness paper 1.3, protocols by capability, explored exhaustively (lost requests, lost answers, delivery
delayed up to D). Three lessons rule here: idempotent is not reorder-safe; “not found” is not “did not happen” until D
has passed; reading just before a write narrows the race with a person and never closes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.sdk import Call, Fields, Operation, Record, WriteCapability

LANDING = 900  # D of a call that answers at once, in seconds
JOB_LANDING = 86_400  # D of a write that is taken for later


class Protocol(StrEnum):
    """What to do about a write whose answer was lost."""

    READ = "read"  # read the record by its key and compare
    FIND = "find"  # look it up by our reference
    RESEND = "resend"  # send the same again, harmless by key, reference or precondition
    PARK = "park"  # nothing can tell: a person decides


class Verdict(StrEnum):
    """What a look at the destination says of a write whose answer was lost."""

    HAPPENED = "happened"
    RESEND = "resend"  # not there yet: sending the same again is harmless, whatever becomes of the first
    ABSENT = "absent"  # proven: it did not happen and can no longer; it may be sent as a new request
    WAIT = "wait"  # it may still land: look again once it cannot
    CONFLICT = "conflict"
    SEVERAL = "several"  # several records carry our reference


@dataclass(frozen=True, slots=True)
class Doubt:
    """A write whose answer was lost: what it was, and when the hub last gave up on a request of it.

    `keyed_at` is when its idempotency key was first used, `precondition` the version it was conditional on. `step` is
    the last call done of a write in several calls. `has_answer`: the lost answer was an error of the server, which a
    key may have stored. `is_job`: it was taken for later.
    """

    operation: Operation
    fields: Fields
    before: Fields | None
    precondition: str | None
    lost_at: datetime
    keyed_at: datetime | None = None
    step: str = ""
    has_answer: bool = False
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """The protocol to follow, not before `due_at`."""

    protocol: Protocol
    due_at: datetime


def landed_at(doubt: Doubt, offered: WriteCapability, landing: int) -> datetime:
    """When no request of this doubt can take effect any more. `landing` is D of the connection, in seconds."""
    seconds = landing if offered.landing is None else offered.landing
    if offered.landing is None and (doubt.is_job or offered.asynchronous):
        seconds = max(landing, JOB_LANDING)
    return doubt.lost_at + timedelta(seconds=seconds)


def is_keyed(doubt: Doubt, offered: WriteCapability, landing: int, now: datetime) -> bool:
    """Whether the same key may be sent again: only while age < ttl − D, so that no request outlives the key.

    A key that stores errors says nothing new after one: it would give the same error for ever.
    """
    if offered.key is None or (doubt.has_answer and offered.key.stores_errors):
        return False
    late = landed_at(doubt, offered, landing) - doubt.lost_at
    return now - (doubt.keyed_at or doubt.lost_at) < timedelta(seconds=offered.key.ttl) - late


def is_conditional(doubt: Doubt, offered: WriteCapability) -> bool:
    """Whether a late copy is refused by the destination, because it names a version that is no more."""
    return bool(offered.conditional and offered.conditional.strong and doubt.precondition is not None)


def refuses_twice(offered: WriteCapability) -> bool:
    """Whether a second create of the same record makes no second record: refused, or merged into the first."""
    unique = offered.external_id and offered.external_id.unique
    return bool(unique or (offered.conditional and offered.conditional.create))


def choose(doubt: Doubt, offered: WriteCapability | None, landing: int, now: datetime) -> Step:
    """The protocol for this doubt; an answer from before its `due_at` could not be trusted."""
    if offered is None:
        return Step(Protocol.PARK, now)
    if doubt.step:
        return _choose_call(doubt, offered, landing, now)
    if doubt.operation is Operation.CREATE:
        return _choose_create(doubt, offered, landing, now)
    keyed = is_keyed(doubt, offered, landing, now)
    if not offered.read_back.by_key:
        return Step(Protocol.RESEND if keyed else Protocol.PARK, now)
    # A precondition or a key makes the late copy of a lost request harmless; else the read must wait it out.
    is_harmless = keyed or is_conditional(doubt, offered)
    return Step(Protocol.READ, now if is_harmless else landed_at(doubt, offered, landing))


def _choose_create(doubt: Doubt, offered: WriteCapability, landing: int, now: datetime) -> Step:
    can_find = offered.read_back.by_external_id
    if refuses_twice(offered):
        return Step(Protocol.FIND if can_find else Protocol.RESEND, now)
    if is_keyed(doubt, offered, landing, now):
        return Step(Protocol.RESEND, now)
    if can_find:
        lag = timedelta(seconds=offered.read_back.search_lag)
        return Step(Protocol.FIND, landed_at(doubt, offered, landing) + lag)
    return Step(Protocol.PARK, now)


def _choose_call(doubt: Doubt, offered: WriteCapability, landing: int, now: datetime) -> Step:
    """A later call of a write in several: the same call again under its own key, or once it cannot do harm."""
    if is_keyed(doubt, offered, landing, now):
        return Step(Protocol.RESEND, now)
    following = call_after(doubt.step, offered)
    if following is not None and following.repeatable:
        return Step(Protocol.RESEND, landed_at(doubt, offered, landing))
    return Step(Protocol.PARK, now)


def call_after(step: str, offered: WriteCapability) -> Call | None:
    """The call that follows `step` in a write in several calls; None when that was the last, or is unknown."""
    names = [call.name for call in offered.calls]
    place = names.index(step) + 1 if step in names else len(names)
    return offered.calls[place] if place < len(names) else None


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the destination: what was found, and what may still happen there.

    `is_final`: no request in doubt can land any more, so that an absence is proof. `is_harmless`: a late copy changes
    nothing, so that the same may be sent again before.
    """

    found: Sequence[Record]
    is_final: bool
    is_harmless: bool


def look(doubt: Doubt, offered: WriteCapability, landing: int, now: datetime, found: Sequence[Record]) -> Look:
    """What `found` is worth at `now`."""
    lag = offered.read_back.search_lag if doubt.operation is Operation.CREATE else 0
    is_final = now >= landed_at(doubt, offered, landing) + timedelta(seconds=lag)
    is_unique = doubt.operation is Operation.CREATE and refuses_twice(offered)
    is_harmless = is_unique or is_conditional(doubt, offered) or is_keyed(doubt, offered, landing, now)
    return Look(found, is_final, is_harmless)


def judge(doubt: Doubt, seen: Look) -> Verdict:
    """What became of the write, as far as this look can tell."""
    if doubt.operation is Operation.CREATE:
        if not seen.found:
            return _not_there(seen)
        return Verdict.HAPPENED if len(seen.found) == 1 else Verdict.SEVERAL
    present = seen.found[0] if seen.found and not seen.found[0].deleted else None
    if doubt.operation is Operation.DELETE:
        return _judge_delete(doubt, present, seen)
    return _judge_update(doubt, present, seen)


def _judge_update(doubt: Doubt, present: Record | None, seen: Look) -> Verdict:
    """Done, not done, or overtaken by somebody."""
    if present is None:
        return Verdict.CONFLICT
    if holds(present.data, doubt.fields):
        return Verdict.HAPPENED
    if doubt.precondition is not None:
        return _not_there(seen) if present.version == doubt.precondition else _overtaken(seen)
    is_untouched = doubt.before is not None and holds(present.data, _only(doubt.before, doubt.fields))
    return _not_there(seen) if is_untouched else _overtaken(seen)


def _judge_delete(doubt: Doubt, present: Record | None, seen: Look) -> Verdict:
    if present is None:
        return Verdict.HAPPENED
    if doubt.precondition is not None and present.version != doubt.precondition:
        return _overtaken(seen)
    return _not_there(seen)


def _not_there(seen: Look) -> Verdict:
    if seen.is_final:
        return Verdict.ABSENT
    return Verdict.RESEND if seen.is_harmless else Verdict.WAIT


def _overtaken(seen: Look) -> Verdict:
    """Somebody wrote meanwhile. As long as a late copy could still write over that, it is not the end of it."""
    return Verdict.CONFLICT if seen.is_final or seen.is_harmless else Verdict.WAIT


def endangers(doubt: Doubt, offered: WriteCapability, landing: int, now: datetime) -> datetime | None:
    """Until when a late copy of this settled doubt could undo a newer write of the record; None when it cannot.

    Source: lesson 1 of the exploration: the first copy of W1 may land after W2 was applied.
    """
    until = landed_at(doubt, offered, landing)
    if until <= now or is_conditional(doubt, offered) or is_keyed(doubt, offered, landing, until):
        return None
    return until


def must_wait(following: Operation, create: WriteCapability | None) -> bool:
    """Whether a write of this kind has to wait until a late copy of the record's lost create can no longer land.

    A create that is refused over an existing record cannot undo an update; it could bring a deleted record back.
    """
    if following is not Operation.UPDATE or create is None:
        return True
    return not refuses_twice(create) or bool(create.external_id and create.external_id.upsert)


def overtook(before: str | None, after: str | None, step: int | None) -> bool:
    """Whether the version rose by more than our own write explains: somebody wrote in between, perhaps a person.

    Source: correctness paper 1.3, lesson 3. Versions that are not numbers tell nothing.
    """
    if step is None or before is None or after is None:
        return False
    try:
        return int(after) - int(before) > step
    except ValueError:
        return False


def holds(image: Fields, fields: Fields) -> bool:
    """Whether `image` has every one of `fields`, compared as text where a system answers numbers as text."""
    missing = object()
    return all(_same(image.get(name, missing), value) for name, value in fields.items())


def _only(image: Fields, names: Fields) -> Fields:
    return {name: image[name] for name in names if name in image}


def _same(one: object, other: object) -> bool:
    return one == other or (one is not None and other is not None and str(one) == str(other))
