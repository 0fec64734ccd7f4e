"""What a person can do with an exception."""

from django.db import transaction

from hub import clock
from hub.models import (
    ExceptionKind,
    ExceptionState,
    Hint,
    Link,
    ReconciliationException,
    Semantics,
    SyncRun,
    Trigger,
    User,
)
from hub.services import audit
from hub.services.run import LiveRunError, request


@transaction.atomic
def retry(*, exception: ReconciliationException, by: User) -> SyncRun | None:
    """Forget the last refusal, have the record re-read, and ask for a run; None when one is live already.

    Where every step counts, a refusal stands for a step, which is released or skipped and never forgotten.
    """
    now = clock.now()
    if exception.kind == ExceptionKind.FLAPPING:  # it holds the record until somebody says go on
        ReconciliationException.objects.filter(pk=exception.pk, state=ExceptionState.OPEN).update(
            state=ExceptionState.RESOLVED, resolved_at=now, resolution=f"{by}: go on"
        )
    link = Link.objects.filter(mapping_id=exception.mapping_id, source_key=exception.source_key)
    link.update(source_digest="", updated_at=now)
    if exception.mapping.semantics != Semantics.TRANSITION:
        link.update(refused_digest="")
    Hint.objects.update_or_create(
        mapping_id=exception.mapping_id,
        source_key=exception.source_key,
        defaults={"reason": f"retry asked by {by}"[:200], "since": now},
    )
    audit.record(actor=by, action="exception.retry", subject=exception)
    try:
        with transaction.atomic():
            return request(mapping=exception.mapping, trigger=Trigger.PERSON, by=by)
    except LiveRunError:
        return None


@transaction.atomic
def acknowledge(*, exception: ReconciliationException, by: User, reason: str) -> None:
    """Close what only a person can judge: they have looked, and say what they found."""
    now = clock.now()
    ReconciliationException.objects.filter(pk=exception.pk, state=ExceptionState.OPEN).update(
        state=ExceptionState.RESOLVED, resolved_at=now, resolution=f"{by}: {reason}"[:300]
    )
    audit.record(actor=by, action="exception.acknowledge", subject=exception, reason=reason)


@transaction.atomic
def keep_fact(*, exception: ReconciliationException, by: User, reason: str) -> None:
    """Keep a fact as it was appended, although the source reads otherwise now; asked again if it changes once more."""
    now = clock.now()
    Link.objects.filter(mapping_id=exception.mapping_id, source_key=exception.source_key).update(
        source_digest=str(exception.evidence.get("source_digest", "")), updated_at=now
    )
    ReconciliationException.objects.filter(pk=exception.pk, state=ExceptionState.OPEN).update(
        state=ExceptionState.RESOLVED, resolved_at=now, resolution=f"{by}: kept as appended: {reason}"[:300]
    )
    audit.record(actor=by, action="exception.keep", subject=exception, reason=reason)
