"""What a run came to, for people and as JSON: the balance, and every exception with its reason."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Count, QuerySet

from hub.models import Change, ExceptionState, ReconciliationException, RunState, SyncRun, User
from hub.services import payload
from hub.services.story import exception as exception_story

MOST_LINES = 20
SUCCEEDED, FAILED, UNFINISHED = 0, 1, 2
ENDS = {RunState.SUCCEEDED: SUCCEEDED, RunState.PARTIAL: UNFINISHED, RunState.WAITING: UNFINISHED}


def exit_code(runs: Sequence[SyncRun]) -> int:
    """0 all succeeded, 1 one failed or was cancelled, 2 something is left for later or for a person."""
    codes = {ENDS.get(RunState(run.state), UNFINISHED if run.is_live else FAILED) for run in runs}
    return FAILED if FAILED in codes else max(codes, default=FAILED)


def as_json(runs: Sequence[SyncRun], by: User | None) -> dict[str, Any]:
    """Everything about the runs that this person may see, as one document."""
    return {"exit_code": exit_code(runs), "runs": [_run_as_json(run, by) for run in runs]}


def failure(reason: str) -> dict[str, Any]:
    """The document when no run could be had at all."""
    return {"exit_code": FAILED, "error": reason, "runs": []}


def lines(run: SyncRun, by: User | None) -> Iterator[str]:
    """The run in lines for this person, or for whoever works at the host."""
    yield f"{run.mapping.path}: {run.get_state_display()}{_after(run)}. {run.reason}".rstrip()
    yield f"  {equation(run)}"
    if run.is_preview:
        yield from _shortened([f"  {_planned(change)}" for change in _changes(run)], run.planned)
    yield from _shortened([f"  {_exception(one)}" for one in _exceptions(run, by, MOST_LINES)], run.excepted)


def equation(run: SyncRun) -> str:
    """“received 6 = unchanged 4 + applied 1 (0 created, 1 updated, 0 deleted) + … + in exception 1”."""
    balance = run.balance
    received = balance.pop("received")
    detail = {"applied": f" ({run.created:,} created, {run.updated:,} updated, {run.deleted:,} deleted)"}
    names = {"excepted": "in exception", "in_flight": "in flight"}
    parts = [f"{names.get(name, name)} {count:,}{detail.get(name, '')}" for name, count in balance.items()]
    return f"received {received:,} = {' + '.join(parts)}"


def _run_as_json(run: SyncRun, by: User | None) -> dict[str, Any]:
    applied = {"created": run.created, "updated": run.updated, "deleted": run.deleted}
    return {
        "id": run.pk,
        "mapping": run.mapping.path,
        "state": run.state,
        "reason_code": run.reason_code,
        "reason": run.reason,
        "preview": run.is_preview,
        "full": run.is_full,
        "pages": run.pages,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "balance": run.balance | applied,
        "planned": _planned_as_json(run) if run.is_preview else {},
        "exceptions": [
            {"id": one.pk, "key": one.source_key, "kind": one.kind, "field": one.field, "reason": one.said}
            for one in _exceptions(run, by)
        ],
    }


def _planned_as_json(run: SyncRun) -> dict[str, int]:
    """Of the changes that a preview keeps, how many there are of each operation."""
    counted = run.changes.values_list("operation").order_by("operation").annotate(count=Count("pk"))
    return dict(counted)


def _exceptions(run: SyncRun, by: User | None, most: int | None = None) -> list[ReconciliationException]:
    """The open exceptions of a run, each with what this person may read of its reason."""
    found = ReconciliationException.objects.filter(last_run=run, state=ExceptionState.OPEN).order_by("pk")
    lens = payload.lens_for(by, run.mapping) if by else payload.lens_of_host()
    return exception_story.with_words(found[:most], lens)


def _changes(run: SyncRun) -> QuerySet[Change]:
    return run.changes.order_by("pk")[:MOST_LINES]


def _after(run: SyncRun) -> str:
    if not run.started_at or not run.ended_at:
        return ""
    return f" after {(run.ended_at - run.started_at).total_seconds():.1f} s"


def _planned(change: Change) -> str:
    names = f": {', '.join(change.fields)}" if change.operation == "update" else ""
    return f"would {change.operation} {change.source_key}{names}"


def _exception(one: ReconciliationException) -> str:
    where = f" ({one.field})" if one.field else ""
    return f"{one.source_key}{where}: {one.get_kind_display()}: {one.said}"


def _shortened(told: Sequence[str], count: int) -> Iterator[str]:
    yield from told[:MOST_LINES]
    if count > len(told):
        yield f"  … and {count - len(told):,} more: see the run's page in the admin."
