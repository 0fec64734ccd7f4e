"""What a run raises for people: opens exceptions, notes that they were seen again, closes them on agreement."""

import hashlib
from collections.abc import Collection, Sequence
from collections.abc import Mapping as Facts
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from hub.models import ExceptionKind, ExceptionState, Mapping, ReconciliationException, SyncRun


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


def raise_all(*, run: SyncRun, raised: Sequence[Raised], now: datetime) -> None:
    """Open an exception for each of `raised`, or note that the open one was seen again."""
    by_print = {one.fingerprint(run.mapping_id): one for one in raised}
    if not by_print:
        return
    known = ReconciliationException.objects.filter(state=ExceptionState.OPEN, fingerprint__in=by_print)
    seen = dict(known.values_list("fingerprint", "id"))
    known.update(occurrences=F("occurrences") + 1, seen_at=now, last_run=run)
    for fingerprint, id_ in seen.items():
        one = by_print[fingerprint]
        ReconciliationException.objects.filter(pk=id_).update(
            reason=one.reason, code=one.code, evidence=dict(one.evidence or {}), change_id=one.change_id
        )
    fresh = {fingerprint: one for fingerprint, one in by_print.items() if fingerprint not in seen}
    ReconciliationException.objects.bulk_create(_opened(run, one, fp, now) for fp, one in fresh.items())


def _opened(run: SyncRun, one: Raised, fingerprint: str, now: datetime) -> ReconciliationException:
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
        first_run=run,
        last_run=run,
        change_id=one.change_id,
        owner_id=run.integration.owner_id,
        opened_at=now,
        seen_at=now,
    )


def settle(*, mapping_id: int, keys: Collection[str], resolution: str, now: datetime) -> int:
    """Close the open exceptions of records that agree again; returns how many there were."""
    if not keys:
        return 0
    found = ReconciliationException.objects.filter(
        mapping_id=mapping_id, state=ExceptionState.OPEN, source_key__in=list(keys)
    )
    return found.update(state=ExceptionState.RESOLVED, resolved_at=now, resolution=resolution)


def any_open(mapping: Mapping) -> bool:
    """Whether anything of this mapping is open: pages need not look for what there is not."""
    return ReconciliationException.objects.filter(mapping=mapping, state=ExceptionState.OPEN).exists()
