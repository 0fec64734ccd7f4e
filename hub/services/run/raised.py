"""What a run raises for people: opens exceptions, notes that they were seen again, closes them on agreement."""

import hashlib
from collections.abc import Collection, Sequence
from collections.abc import Mapping as Facts
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from hub import clock
from hub.engine import canonical
from hub.engine.mapping import Mapped, Rejected
from hub.models import ExceptionKind, ExceptionState, Mapping, ReconciliationException, SyncRun
from hub.sdk import Fault, HubError, Record, UnreadableError
from hub.services.run.scope import scopes_of

A_PAGE = "(a page of the source)"
KINDS = {"unmapped_value": ExceptionKind.UNMAPPED_VALUE}

NEEDS_A_WORD = frozenset(
    {ExceptionKind.IN_DOUBT, ExceptionKind.OVERWRITE, ExceptionKind.NOT_KEPT, ExceptionKind.EDITED}
)
OF_THE_SOURCE = frozenset(
    {ExceptionKind.UNREADABLE, ExceptionKind.UNMAPPED_VALUE, ExceptionKind.INVALID, ExceptionKind.REFERENCE}
)
BY_AGREEMENT = frozenset(ExceptionKind) - NEEDS_A_WORD


@dataclass(frozen=True, slots=True)
class Raised:
    """What a person must settle about one record, as a run found it."""

    kind: ExceptionKind
    source_key: str
    reason: str
    field: str = ""
    code: str = ""
    evidence: Facts[str, Any] | None = None
    change_id: int | None = None

    def fingerprint(self, mapping_id: int) -> str:
        """The same difference has the same fingerprint, whatever its values are today."""
        told = f"{mapping_id}\x1f{self.kind}\x1f{self.source_key}\x1f{self.field}"
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def unreadable(fault: Fault, key: str | None) -> Raised:
    """One exception for an item that could not be read."""
    return unread(key or fault.where, f"{fault.where}: {fault.message}")


def unread(key: str, reason: str) -> Raised:
    """One exception for a step of which only the key could be read."""
    return Raised(ExceptionKind.UNREADABLE, key, reason, code="unreadable")


def raise_page(run: SyncRun, error: HubError) -> None:
    """The one exception for a page of which nothing could be read, where that is what ends the run."""
    if isinstance(error, UnreadableError):
        raise_all(run=run, raised=[unread(A_PAGE, str(error))], now=clock.now())


def settle_page(mapping_id: int, now: datetime) -> None:
    """Close it: this read has come to its end."""
    resolution = "All pages could be read again."
    settle(mapping_id=mapping_id, keys=[A_PAGE], resolution=resolution, now=now, kinds=[ExceptionKind.UNREADABLE])


def rejected(record: Record, result: Rejected) -> Raised:
    """One exception for a record the mapping cannot take, telling all its problems."""
    first = result.problems[0]
    return Raised(
        kind=KINDS.get(first.kind, ExceptionKind.INVALID),
        source_key=record.key,
        reason="\n".join(problem.message for problem in result.problems),
        field=first.field,
        code=first.kind,
        evidence={"source": canonical.to_json(record.data)},
    )


def unlinked(record: Record, mapped: Mapped, missing: Sequence[str]) -> Raised:
    """One exception for a record that refers to records which are not linked yet."""
    told = "; ".join(
        f"{name} refers to {mapped.references[name][1]} of “{mapped.references[name][0]}”" for name in missing
    )
    return Raised(
        ExceptionKind.REFERENCE,
        record.key,
        f"{told}, which is not linked yet. It is tried again in the next run.",
        field=missing[0],
        code="reference",
        evidence={"source": canonical.to_json(record.data)},
    )


def deletion(mapping: Mapping, key: str, destination_key: str | None) -> Raised:
    """The question what becomes of a record that is gone at the source."""
    reason = (
        f"The record is gone at “{mapping.source}”, or the mapping leaves it out now. "
        f"At “{mapping.destination}” it is still there as {destination_key}. Decide what becomes of it."
    )
    return Raised(ExceptionKind.DELETION, key, reason, code="deletion")


def raise_all(*, run: SyncRun, raised: Sequence[Raised], now: datetime) -> None:
    """Open an exception for each of `raised`, or note that the open one was seen again."""
    by_print = {one.fingerprint(run.mapping_id): one for one in raised}
    if not by_print:
        return
    scopes = scopes_of(
        run,
        [(one.source_key, (one.evidence or {}).get("source"), one.change_id) for one in by_print.values()],
    )
    known = ReconciliationException.objects.filter(state=ExceptionState.OPEN, fingerprint__in=by_print)
    seen = dict(known.values_list("fingerprint", "id"))
    known.update(occurrences=F("occurrences") + 1, seen_at=now, last_run=run)
    for fingerprint, id_ in seen.items():
        one = by_print[fingerprint]
        ReconciliationException.objects.filter(pk=id_).update(
            reason=one.reason, code=one.code, evidence=dict(one.evidence or {}), change_id=one.change_id,
            **({"scope": scopes[one.source_key]} if one.source_key in scopes else {}),
        )  # fmt: skip
    fresh = {fingerprint: one for fingerprint, one in by_print.items() if fingerprint not in seen}
    ReconciliationException.objects.bulk_create(
        _opened(run, one, fp, scopes.get(one.source_key, ""), now) for fp, one in fresh.items()
    )


def _opened(run: SyncRun, one: Raised, fingerprint: str, scope: str, now: datetime) -> ReconciliationException:
    return ReconciliationException(
        integration_id=run.integration_id,
        mapping_id=run.mapping_id,
        kind=one.kind,
        fingerprint=fingerprint,
        source_key=one.source_key[:255],
        field=one.field[:120],
        code=one.code[:40],
        reason=one.reason,
        evidence=dict(one.evidence or {}),
        scope=scope,
        first_run=run,
        last_run=run,
        change_id=one.change_id,
        owner_id=run.integration.owner_id,
        opened_at=now,
        seen_at=now,
    )


def settle(
    *, mapping_id: int, keys: Collection[str], resolution: str, now: datetime, kinds: Collection[str] = BY_AGREEMENT
) -> int:
    """Close the open exceptions of records that agree again; returns how many there were.

    Only those of `kinds`: that both sides agree does not say what became of a write in doubt, nor bring an edit back.
    That of a kept step, which knows its change, is closed when that step has had its turn.
    """
    if not keys:
        return 0
    found = ReconciliationException.objects.filter(
        mapping_id=mapping_id, state=ExceptionState.OPEN, source_key__in=list(keys), kind__in=list(kinds)
    )
    found = found.exclude(kind__in=OF_THE_SOURCE, change_id__isnull=False)
    return found.update(state=ExceptionState.RESOLVED, resolved_at=now, resolution=resolution)


def any_open(mapping: Mapping) -> bool:
    """Whether anything of this mapping is open: pages need not look for what there is not."""
    return ReconciliationException.objects.filter(mapping=mapping, state=ExceptionState.OPEN).exists()
