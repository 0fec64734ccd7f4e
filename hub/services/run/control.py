"""What people can do with runs and changes: cancel, approve, discard, and answer what is in doubt."""

from typing import Literal

from django.db import transaction
from django.db.models import QuerySet

from hub import clock, queue
from hub.engine.intent import State
from hub.models import (
    Change,
    ExceptionState,
    Link,
    LinkState,
    ReconciliationException,
    RunState,
    SyncRun,
    User,
)
from hub.services import audit
from hub.services.run import books
from hub.services.run.request import RequestError, lane_of


class ControlError(RequestError):
    """What was asked does not fit how the run or change stands now."""

    code = "control"


@transaction.atomic
def cancel(*, run: SyncRun, by: User | None, reason: str) -> None:
    """Stop a run before its next page; a queued one ends at once. Raises ControlError when it has ended."""
    run = SyncRun.objects.select_for_update().get(pk=run.pk)
    if not run.is_live:
        raise ControlError(f"The run has {run.get_state_display()} already.")
    run.cancel_asked = True
    if run.state == RunState.QUEUED:
        run.state, run.ended_at = RunState.CANCELLED, clock.now()
        run.reason, run.reason_code = f"Cancelled by {by or 'the hub'}: {reason}"[:1000], "stopped"
    run.save(update_fields=["cancel_asked", "state", "ended_at", "reason", "reason_code"])
    audit.record(actor=by, action="run.cancel", subject=run, reason=reason)


@transaction.atomic
def approve_held(*, run: SyncRun, by: User, reason: str) -> int:
    """Release the changes of a run that wait for approval; returns how many. They are sent at once."""
    released = _held(run).update(state=State.READY.value, due_at=None, message="", code="approved")
    books.add(run.pk, held=-released, in_flight=released)
    audit.record(actor=by, action="run.approve", subject=run, detail={"changes": released}, reason=reason)
    books.reopen({run.pk}, clock.now())
    queue.ring(lane_of(run.mapping).pk)
    return released


@transaction.atomic
def discard_held(*, run: SyncRun, by: User, reason: str) -> int:
    """Drop the changes of a run that wait for approval; returns how many. The next full run finds them again."""
    dropped = _held(run).update(state=State.CANCELLED.value, ended_at=clock.now(), message=reason[:2000])
    books.add(run.pk, held=-dropped, excluded=dropped)
    audit.record(actor=by, action="run.discard", subject=run, detail={"changes": dropped}, reason=reason)
    books.reopen({run.pk}, clock.now())
    return dropped


@transaction.atomic
def resolve_in_doubt(
    *,
    change: Change,
    by: User,
    verdict: Literal["happened", "not_happened", "stop"],
    destination_key: str | None = None,
) -> None:
    """A person's answer to a write whose outcome nothing can tell. Raises ControlError when it is not in doubt."""
    change = Change.objects.select_for_update(of=("self",)).select_related("run", "mapping", "link").get(pk=change.pk)
    if change.state != State.PARKED:
        raise ControlError("This change is not in doubt any more.")
    answers = {"happened": _it_happened, "not_happened": _it_did_not, "stop": _stop}
    answers[verdict](change, destination_key)
    audit.record(actor=by, action=f"change.{verdict}", subject=change, detail={"destination_key": destination_key})
    ReconciliationException.objects.filter(change_id=change.pk, state=ExceptionState.OPEN).update(
        state=ExceptionState.RESOLVED, resolved_at=clock.now(), resolution=f"{by}: {verdict.replace('_', ' ')}"
    )
    books.reopen({change.run_id}, clock.now())


def _it_happened(change: Change, destination_key: str | None) -> None:
    """Link the record the person names; the next run reads it and goes on from there."""
    key = destination_key or change.destination_key
    if not key or change.link_id is None:
        raise ControlError("Say which record it became: its key at the destination is needed.")
    now = clock.now()
    _close(change, State.APPLIED, books.applied_as(change))
    Link.objects.filter(pk=change.link_id).update(
        destination_key=key, state=LinkState.LINKED, digest=change.digest, source_digest="", updated_at=now
    )


def _it_did_not(change: Change, _: str | None) -> None:
    """Send it again, as a new request."""
    change.state, change.key_gen, change.due_at = State.READY.value, change.key_gen + 1, None
    change.save(update_fields=["state", "key_gen", "due_at"])
    queue.ring(lane_of(change.mapping).pk)


def _stop(change: Change, _: str | None) -> None:
    _close(change, State.CANCELLED, "excluded")


def _close(change: Change, state: State, count: str) -> None:
    change.state, change.ended_at, change.due_at = state.value, clock.now(), None
    change.save(update_fields=["state", "ended_at", "due_at"])
    books.add(change.run_id, in_flight=-1, **{count: 1})


def _held(run: SyncRun) -> QuerySet[Change]:
    return Change.objects.filter(run=run, state=State.HELD.value)
