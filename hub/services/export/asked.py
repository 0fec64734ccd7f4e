"""Exports that people ask for on the desk: written by a worker into the database, kept for some days, then removed."""

import logging
import zlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from hub import clock, queue
from hub.models import AuditEvent, CapturedRow, Export, ExportFormat, ExportPart, ExportState, Seal, User
from hub.sdk import FatalError, HubError
from hub.services import access, audit
from hub.services.audit import selection
from hub.services.export.chosen import Chosen
from hub.services.export.file import Written, pieces

KEPT = timedelta(days=3)
MOST_OF_ONE = 5
MOST_BYTES = 512 << 20  # as kept, compressed
LEAST_REASON = 15
LEASE = timedelta(minutes=2)
WAITING = (ExportState.ASKED, ExportState.WORKING)
MODELS: dict[str, type[AuditEvent] | type[CapturedRow]] = {"event": AuditEvent, "row": CapturedRow}
logger = logging.getLogger(__name__)


class ExportError(HubError):
    """An export that cannot be made; the text says why and what to do."""

    code = "export"


@transaction.atomic
def ask(*, by: User, kind: str, narrowed: Mapping[str, Any], form: str, reason: str) -> Export:
    """Ask a worker for a file. Raises FatalError where `by` may not, has too many, or said too little."""
    if kind not in MODELS or form not in ExportFormat.values:
        raise FatalError("There is no such export.")
    decision = access.can(by, "export", MODELS[kind])
    if not decision:
        raise FatalError(decision.reason)
    if len(reason.strip()) < LEAST_REASON:
        raise FatalError(f"Give a reason of at least {LEAST_REASON} characters: it is what is read first later.")
    try:
        cleaned = selection.clean(kind, narrowed)
    except selection.SelectionError as error:
        raise FatalError(str(error)) from None
    mine = Export.objects.filter(asked_by=by).exclude(state__in=[ExportState.EXPIRED, ExportState.FAILED])
    if mine.count() >= MOST_OF_ONE:
        raise FatalError(f"You have {MOST_OF_ONE} exports. Remove one that you have fetched, then ask again.")
    made = Export.objects.create(
        asked_by=by, asked_at=clock.now(), reason=reason[:300], kind=kind, narrowed=cleaned, format=form
    )
    audit.record(actor=by, action="export.ask", subject=made, detail=_detail(made), reason=reason)
    queue.ask_export(made.pk)
    return made


def write(export_id: int) -> None:
    """Write the file of an export that nobody else writes."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    mine = Export.objects.filter(free, pk=export_id, state__in=WAITING)
    if not mine.update(state=ExportState.WORKING, lease_until=Now() + LEASE):
        return
    export = Export.objects.get(pk=export_id)
    try:
        _write(export)
    except (HubError, selection.SelectionError) as error:
        _fail(export, str(error))
    except DatabaseError:
        logger.exception("Export %s was interrupted.", export_id)
        raise


def fetch(export: Export, by: User) -> Iterator[bytes]:
    """The file, piece by piece; that it was fetched is an event. Raises FatalError where there is none."""
    decision = access.can(by, "view", export)
    if not decision:
        raise FatalError(decision.reason)
    if export.state != ExportState.DONE:
        raise FatalError(f"There is no file: it is {export.get_state_display()}.")
    audit.seen(actor=by, action="export.fetch", subject=export, detail={"sha256": export.digest})
    return (zlib.decompress(data) for data in _parts(export))


@transaction.atomic
def remove(*, export: Export, by: User | None) -> None:
    """Remove the file; that it was made stays."""
    if by is not None and not access.can(by, "view", export):
        raise FatalError("You may not remove this.")
    export.parts.all().delete()
    Export.objects.filter(pk=export.pk).update(state=ExportState.EXPIRED, expires_at=clock.now(), lease_until=None)
    audit.record(actor=by, action="export.remove", subject=export)


def noted(chosen: Chosen, written: Written, form: str, *, by: User | None, reason: str) -> None:
    """Leave an event of a file that was written at the host. It is about the newest seal there was."""
    head = Seal.objects.filter(last=chosen.head).get()
    detail = {
        "kind": chosen.kind, "format": form, "narrowed": dict(chosen.narrowed),
        "entries": chosen.entries, "bytes": written.size, "sha256": written.digest,
    }  # fmt: skip
    audit.record(actor=by, action="audit.export", subject=head, detail=detail, reason=reason)


def ring_waiting() -> int:
    """Ring again for exports that no worker has; returns how many."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    waiting = list(Export.objects.filter(free, state__in=WAITING).values_list("pk", flat=True)[:20])
    for pk in waiting:
        queue.ask_export(pk)
    return len(waiting)


def tidy() -> int:
    """Remove the files that were kept long enough; returns how many."""
    old = list(Export.objects.filter(state=ExportState.DONE, expires_at__lt=clock.now())[:100])
    for export in old:
        remove(export=export, by=None)
    return len(old)


def _write(export: Export) -> None:
    check_key()
    export.parts.all().delete()
    chosen, written = Chosen(export.kind, export.narrowed), Written()
    kept = 0
    for number, piece in enumerate(pieces(chosen, export.format)):
        packed = zlib.compress(piece, 6)
        kept += len(packed)
        if kept > MOST_BYTES:
            raise ExportError("It is larger than a file may be. Narrow the time, or use manage.py export_evidence.")
        written.add(piece)
        _keep(export, number, packed, chosen, written)
    with transaction.atomic():
        now = clock.now()
        told = {"state": ExportState.DONE, "entries": chosen.entries, "percent": 100, "size": written.size}
        found = {**told, "digest": written.digest, "done_at": now, "expires_at": now + KEPT, "lease_until": None}
        Export.objects.filter(pk=export.pk).update(**found)
        detail = _detail(export) | {"entries": chosen.entries, "bytes": written.size, "sha256": written.digest}
        audit.record(actor=export.asked_by, action="export.done", subject=export, detail=detail, reason=export.reason)


def _keep(export: Export, number: int, packed: bytes, chosen: Chosen, written: Written) -> None:
    """Store a piece, show how far it is, and keep the lease, unless it was lost."""
    with transaction.atomic():
        is_ours = Export.objects.filter(pk=export.pk, state=ExportState.WORKING).update(
            entries=chosen.entries, percent=min(99, chosen.percent), size=written.size, lease_until=Now() + LEASE
        )
        if not is_ours:
            raise ExportError("It was removed while it was being written.")
        ExportPart.objects.create(export=export, number=number, data=packed)


def check_key() -> None:
    """Who signs an export must be trusted by whoever trusts the seals. Raises ExportError."""
    head = Seal.objects.first()
    if head is None:
        raise ExportError("Nothing is sealed yet. The scheduler seals every 45 seconds: ask again then.")
    if head.key_id not in audit.public_keys():
        raise ExportError("This worker does not have the key that signs the seals: give it HUB_AUDIT_KEYS as well.")


def _fail(export: Export, why: str) -> None:
    with transaction.atomic():
        export.parts.all().delete()
        Export.objects.filter(pk=export.pk, state=ExportState.WORKING).update(
            state=ExportState.FAILED, message=why[:300], lease_until=None, done_at=clock.now()
        )


def _detail(export: Export) -> dict[str, Any]:
    return {"kind": export.kind, "format": export.format, "narrowed": export.narrowed}


def _parts(export: Export) -> Iterator[bytes]:
    """One part at a time."""
    for pk in export.parts.order_by("number").values_list("pk", flat=True).iterator():
        yield bytes(ExportPart.objects.values_list("data", flat=True).get(pk=pk))
