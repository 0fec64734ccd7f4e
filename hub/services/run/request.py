"""Asks for runs: the row first, the doorbell after the commit."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from hub import clock, failpoint, queue
from hub.models import (
    Checkpoint,
    Integration,
    Mapping,
    ReadMode,
    RunState,
    Semantics,
    SyncRun,
    Trigger,
    User,
)
from hub.sdk import HubError
from hub.services import audit, pause
from hub.services.run.lane import lane_of


class RequestError(HubError):
    """A run cannot be asked for now; the text says why and what to do."""

    code = "request"


class PausedError(RequestError):
    """Everything, the integration or one of its connections is paused."""

    code = "paused"


class LiveRunError(RequestError):
    """A run of this mapping is queued or running already."""

    code = "live"


class NotReadyError(RequestError):
    """The mapping has no active version."""

    code = "not-ready"


def request_integration(
    *,
    integration: Integration,
    trigger: Trigger,
    by: User | None = None,
    preview: bool = False,
    full: bool = False,
    slot: datetime | None = None,
) -> list[SyncRun]:
    """Ask for a run of every mapping of an integration, each after the one before it. Raises RequestError."""
    runs: list[SyncRun] = []
    mappings = list(integration.mappings.select_related("source", "destination", "active_version", "integration"))
    if not mappings:
        raise NotReadyError(f"“{integration}” has no mapping yet. Add one, or apply a file.")
    with transaction.atomic():
        for mapping in mappings:
            after = runs[-1] if runs else None
            runs.append(
                request(mapping=mapping, trigger=trigger, by=by, preview=preview, full=full, slot=slot, after=after)
            )
    return runs


def request(  # noqa: PLR0913  one keyword for each thing a run remembers of its beginning
    *,
    mapping: Mapping,
    trigger: Trigger,
    by: User | None = None,
    preview: bool = False,
    full: bool = False,
    hints_only: bool = False,
    slot: datetime | None = None,
    after: SyncRun | None = None,
) -> SyncRun:
    """Ask for one run of a mapping; it starts when a worker takes it, or when `after` has ended.

    With `hints_only` it reads by key what something pointed at, beside whatever other run is live.
    """
    _refuse_unready(mapping, preview=preview)
    with transaction.atomic():
        run = _queued(
            integration=mapping.integration,
            mapping=mapping,
            version=mapping.active_version,
            after=after,
            trigger=trigger,
            requested_by=by,
            slot=slot,
            is_preview=preview,
            is_full=not hints_only and (full or _must_be_full(mapping)),
            is_hints_only=hints_only,
            expected=None if hints_only else _expected(mapping),
            queued_at=clock.now(),
        )
        if by:
            audit.record(actor=by, action="run.preview" if preview else "run.request", subject=run)
    lane = lane_of(mapping)  # made even when it is not rung yet: followers and the sweeper ring by lane
    if after is None:
        queue.ring(lane.pk)
    failpoint.reach("request.made")
    return run


def _queued(**given: Any) -> SyncRun:
    """A run in the queue. Raises LiveRunError when another one of the mapping is live."""
    try:
        with transaction.atomic():
            return SyncRun.objects.create(**given)
    except IntegrityError:
        mapping = given["mapping"]
        raise LiveRunError(f"A run of “{mapping}” is queued or running already. Look at it, or cancel it.") from None


def _refuse_unready(mapping: Mapping, *, preview: bool) -> None:
    if mapping.active_version is None:
        raise NotReadyError(f"“{mapping}” has no active version. Activate one.")
    if pause.is_paused(mapping.pk, reading=preview):
        raise PausedError(f"{pause.reason_for(mapping)} Resume it first.")


def _must_be_full(mapping: Mapping) -> bool:
    """A mapping that has never been read to the end, or that wants it so, is read from the start.

    Where every step counts, a first read that was cut short is gone on with if its place was kept: from the start, it
    would bring the steps again that it has brought.
    """
    if mapping.read_mode == ReadMode.FULL:
        return True
    is_read = Q(complete_at__isnull=False)
    if mapping.semantics == Semantics.TRANSITION:
        is_read |= Q(cursor__isnull=False)
    return not Checkpoint.objects.filter(is_read, mapping=mapping).exists()


def _expected(mapping: Mapping) -> int | None:
    """How many records the last complete full read had, for the progress bar."""
    last = SyncRun.objects.filter(mapping=mapping, is_full=True, read_complete=True, is_preview=False)
    return last.exclude(state=RunState.FAILED).values_list("received", flat=True).first()
