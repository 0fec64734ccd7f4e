"""Keeps the counts of runs: they balance after every transaction, and closing them decides how a run ended."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from hub.engine.intent import State
from hub.models import Change, RunState, SyncRun

BEHIND = "behind"  # the code of a change that waits for a person to settle an earlier one of its record
UNMAPPED = "unmapped"  # the code of a step that could not be mapped when its turn came
RELEASED = "released"  # the code of a change that a person lets try again
COUNTED = {"create": "created", "update": "updated", "delete": "deleted"}


def add(run_id: int, **counts: int) -> None:
    """Add to the counts of a run; the table refuses counts that do not balance."""
    moved = {name: F(name) + count for name, count in counts.items() if count}
    if moved:
        SyncRun.objects.filter(pk=run_id).update(**moved)


def applied_as(change: Change) -> str:
    """The count an applied change belongs to."""
    return "deleted" if change.is_archive else COUNTED[change.operation]


def close(run: SyncRun, now: datetime) -> None:
    """End a run by what its counts say: succeeded, partial (something is open), or waiting for approval."""
    run.refresh_from_db()
    run.state, run.reason_code, run.reason = _verdict(run)
    run.ended_at = now
    run.save(update_fields=["state", "reason", "reason_code", "ended_at"])


@transaction.atomic
def reopen(run_ids: set[int], now: datetime) -> None:
    """Judge ended runs again after changes of theirs were settled later; their counts stand still meanwhile."""
    ended = SyncRun.objects.filter(pk__in=run_ids, state__in=[RunState.PARTIAL, RunState.WAITING])
    for run in ended.order_by("id").select_for_update(of=("self",)):
        close(run, run.ended_at or now)


def _verdict(run: SyncRun) -> tuple[str, str, str]:
    """(state, code, sentence) of a run that has read everything it wanted."""
    held = run.changes.filter(state=State.HELD).exclude(code=BEHIND)
    waits = dict.fromkeys(held.values_list("message", flat=True)[:3])
    if waits:
        return RunState.WAITING, "approval", "; ".join(waits) or "Changes wait for approval."
    for count, code, told in (
        (run.in_flight, "in-flight", "Changes not settled yet: {:,}. The hub goes on with them."),
        (run.excepted, "exceptions", "Records for a person to settle: {:,}. The others are done."),
        (run.held, "held", "Records that wait for an earlier change of theirs: {:,}."),
    ):
        if count:
            return RunState.PARTIAL, code, told.format(count)
    return RunState.SUCCEEDED, "", _success(run)


def _success(run: SyncRun) -> str:
    if run.is_preview:
        return f"Changes planned: {run.planned:,}. Nothing was written."
    return f"Records written: {run.applied:,}." if run.applied else "Both sides agree. Nothing had to be written."
