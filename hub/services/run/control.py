"""What people can do with runs: cancel them, and approve or discard what they hold back."""

from django.db import transaction
from django.db.models import QuerySet

from hub import clock
from hub.engine.intent import State
from hub.models import Change, RunState, SyncRun, User
from hub.services import audit
from hub.services.run import books, life
from hub.services.run.lane import ring, ring_all
from hub.services.run.request import RequestError


class ControlError(RequestError):
    """What was asked does not fit how the run or change stands now."""

    code = "control"


@transaction.atomic
def cancel(*, run: SyncRun, by: User | None, reason: str) -> None:
    """Stop a run before its next page; one that waits ends at once. Raises ControlError when it has ended."""
    run = SyncRun.objects.select_for_update().get(pk=run.pk)
    if not run.is_live:
        raise ControlError(f"The run has {run.get_state_display()} already.")
    run.cancel_asked = True
    run.save(update_fields=["cancel_asked"])
    if run.state == RunState.QUEUED:
        life.end(run, RunState.CANCELLED, "stopped", f"Cancelled by {by or 'the hub'}: {reason}")
    ring(run.mapping_id, [0])  # a run whose lanes are being drained has no worker of its own to see it
    audit.record(actor=by, action="run.cancel", subject=run, reason=reason)


@transaction.atomic
def approve_held(*, run: SyncRun, by: User, reason: str) -> int:
    """Release the changes of a run that wait for approval; returns how many. They are sent at once."""
    released = _held(run).update(state=State.READY.value, due_at=None, message="", code="approved")
    books.add(run.pk, held=-released, in_flight=released)
    audit.record(actor=by, action="run.approve", subject=run, detail={"changes": released}, reason=reason)
    books.reopen({run.pk}, clock.now())
    ring_all(run.mapping)
    return released


@transaction.atomic
def discard_held(*, run: SyncRun, by: User, reason: str) -> int:
    """Drop the changes of a run that wait for approval; returns how many. The next full run finds them again."""
    dropped = _held(run).update(state=State.CANCELLED.value, ended_at=clock.now(), message=reason[:2000])
    books.add(run.pk, held=-dropped, excluded=dropped)
    audit.record(actor=by, action="run.discard", subject=run, detail={"changes": dropped}, reason=reason)
    books.reopen({run.pk}, clock.now())
    return dropped


def _held(run: SyncRun) -> QuerySet[Change]:
    return Change.objects.filter(run=run, state=State.HELD.value).exclude(code=books.BEHIND)
