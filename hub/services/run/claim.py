"""A person's word about a write whose outcome nothing can tell: kept with the change, and checked by a worker."""

from collections.abc import Sequence
from typing import Any, Literal

from django.db import transaction

from hub import clock
from hub.engine import resolve
from hub.engine.intent import State
from hub.models import Change, ExceptionKind, Link, User
from hub.sdk import Answer, Operation, Outcome, Record, SilenceError, TransientError, WriteCapability
from hub.services import audit, hint
from hub.services.run import books, doubt, raised
from hub.services.run.control import ControlError
from hub.services.run.doubt import Found
from hub.services.run.flow import Flow
from hub.services.run.lane import ring_for

Verdict = Literal["happened", "not_happened", "stop"]


@transaction.atomic
def resolve_in_doubt(
    *, change: Change, by: User, verdict: Verdict, destination_key: str | None = None, reason: str = ""
) -> None:
    """Take a person's word for what became of a write. A worker reads the record before the hub relies on it.

    Raises ControlError when the change is not in doubt, or when a create is said to have happened without saying as
    which record.
    """
    change = Change.objects.select_for_update(of=("self",)).select_related("run", "mapping", "link").get(pk=change.pk)
    if change.state != State.PARKED:
        raise ControlError("This change is not in doubt any more.")
    key = destination_key or change.key_there
    if verdict == "happened" and not key:
        raise ControlError("Say which record it became: its key at the destination is needed.")
    audit.record(actor=by, action=f"change.{verdict}", subject=change, detail={"destination_key": key}, reason=reason)
    if verdict == "stop":
        _stop(change, by)
        return
    claim = {"verdict": verdict, "key": key, "by": str(by)}
    Change.objects.filter(pk=change.pk).update(state=State.PROBING.value, claim=claim, due_at=clock.now())
    ring_for(change.mapping, [change.source_key])


def _stop(change: Change, by: User) -> None:
    """Give it up. If it lands after all, nothing newer of the record is sent before it could have."""
    now = clock.now()
    Change.objects.filter(pk=change.pk).update(state=State.CANCELLED.value, ended_at=now, due_at=None)
    seconds = max(change.mapping.destination.landing_seconds, change.mapping.source.landing_seconds)
    until = resolve.landed_at(doubt.of(change), WriteCapability(), seconds)
    Link.objects.filter(pk=change.link_id or 0).update(quiet_until=until)
    books.add(change.run_id, in_flight=-1, excluded=1)
    raised.settle(
        mapping_id=change.mapping_id, keys=[change.source_key], resolution=f"{by}: given up.", now=now,
        kinds=(ExceptionKind.IN_DOUBT,),
    )  # fmt: skip
    books.reopen({change.run_id}, now)
    hint.wake(change.mapping_id, [change.source_key], now)
    ring_for(change.mapping, [change.source_key])


def settle(flow: Flow, changes: Sequence[Change]) -> list[Change]:
    """Check each person's word and act on it; returns the changes that are to be sent again."""
    if not changes:
        return []
    doubt.take_up(flow, changes, clock.now())
    found = Found()
    for change in changes:
        try:
            (_it_happened if _verdict(change) == "happened" else _it_did_not)(flow, change, found)
        except (TransientError, SilenceError):
            found.later.append((change, clock.now() + doubt.LOOK_AGAIN))
    _note_absent(flow, found.absent)
    return doubt.conclude(flow, found)


def _verdict(change: Change) -> str:
    return str(_claim(change)["verdict"])


def _claim(change: Change) -> dict[str, Any]:
    return change.claim or {"verdict": "", "key": None, "by": ""}


def _it_happened(flow: Flow, change: Change, found: Found) -> None:
    """Read the record the person means, and take it as it is, with its version; refuse what is not so."""
    end, key = flow.end(change.side), str(_claim(change)["key"])
    offered = end.offers.of(change.operation) or WriteCapability()
    if not offered.read_back.by_key:
        unread = Outcome(str(change.pk), Answer.APPLIED, key=key, code="claimed", message="On a person's word.")
        found.told.append((change, unread))
        return
    present = next((one for one in end.system.fetch(end.stream, [key]) if not one.deleted), None)
    refusal = _contradiction(flow, change, key, present)
    if refusal:
        found.parked.append((change, doubt.question(flow, change, refusal, [present] if present else [])))
    else:
        found.told.append((change, doubt.told(change, resolve.Verdict.HAPPENED, present)))


def _contradiction(flow: Flow, change: Change, key: str, present: Record | None) -> str:
    """Why what is there does not bear out that it happened; empty when it does."""
    said = f"{_claim(change)['by']} said that it happened, but"
    if change.operation == Operation.DELETE:
        return f"{said} the record {key} is still there." if present else ""
    if present is None:
        return f"{said} there is no record {key} there."
    if change.operation == Operation.UPDATE and not resolve.holds(present.data, change.fields):
        other = [name for name in change.fields if not resolve.holds(present.data, {name: change.fields[name]})]
        return f"{said} the record {key} has other values in {', '.join(sorted(other))} than were sent."
    taken = Link.objects.filter(mapping=flow.mapping, destination_key=key).exclude(pk=change.link_id or 0).first()
    if change.side == "destination" and taken is not None:
        return f"{said} the record {key} belongs to {taken.source_key} already."
    return ""


def _it_did_not(flow: Flow, change: Change, found: Found) -> None:
    """Look once more where that is possible, once nothing can land any more; then it is a new request."""
    end, waiting = flow.end(change.side), doubt.of(change)
    offered = end.offers.of(change.operation) or WriteCapability()
    until = resolve.landed_at(waiting, offered, end.landing)
    if until > clock.now():
        found.later.append((change, until))
    elif _can_look(change, offered):
        doubt.judge(flow, change, doubt.look_up(flow, [change])[change.pk], found)
    else:
        found.absent.append(change)


def _can_look(change: Change, offered: WriteCapability) -> bool:
    if change.operation == Operation.CREATE:
        return offered.read_back.by_external_id
    return offered.read_back.by_key


def _note_absent(flow: Flow, changes: Sequence[Change]) -> None:
    for change in changes:
        raised.settle(
            mapping_id=flow.mapping.pk, keys=[change.source_key], now=clock.now(),
            resolution=f"{_claim(change)['by']}: it did not happen. Sent again.", kinds=(ExceptionKind.IN_DOUBT,),
        )  # fmt: skip
