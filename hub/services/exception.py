"""What a person can do with an exception."""

from django.db import transaction
from django.db.models import QuerySet

from hub import clock
from hub.models import (
    ExceptionKind,
    ExceptionState,
    Hint,
    Link,
    LinkImage,
    ReconciliationException,
    Semantics,
    SyncRun,
    Trigger,
    User,
)
from hub.sdk import FatalError
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
    audit.record(actor=by, action="exception.retry", subject=exception)
    return _look_again(exception, by, f"retry asked by {by}")


def _look_again(exception: ReconciliationException, by: User, why: str) -> SyncRun | None:
    """Have the record read again and ask for a run; None when one is live already."""
    Hint.objects.update_or_create(
        mapping_id=exception.mapping_id,
        source_key=exception.source_key,
        defaults={"reason": why[:200], "since": clock.now()},
    )
    try:
        with transaction.atomic():
            return request(mapping=exception.mapping, trigger=Trigger.PERSON, by=by)
    except LiveRunError:
        return None


@transaction.atomic
def acknowledge(*, exception: ReconciliationException, by: User, reason: str) -> None:
    """Close what only a person can judge: they have looked, and say what they found."""
    _refuse_other(exception, ExceptionKind.OVERWRITE, ExceptionKind.NOT_KEPT)
    now = clock.now()
    ReconciliationException.objects.filter(pk=exception.pk, state=ExceptionState.OPEN).update(
        state=ExceptionState.RESOLVED, resolved_at=now, resolution=f"{by}: {reason}"[:300]
    )
    audit.record(actor=by, action="exception.acknowledge", subject=exception, reason=reason)


@transaction.atomic
def leave_edit(*, exception: ReconciliationException, by: User, reason: str) -> None:
    """Accept an edit at the destination: it stays until the source changes the field again.

    What the source changed in it while the question was open is such a change, so the record is read again.
    """
    _refuse_other(exception, ExceptionKind.EDITED)
    _settled(exception, f"{by}: left as it is there: {reason}")
    _links_of(exception).update(source_digest="", updated_at=clock.now())
    audit.record(actor=by, action="exception.leave", subject=exception, reason=reason)
    _look_again(exception, by, f"an edit was accepted by {by}")


@transaction.atomic
def overwrite_edit(*, exception: ReconciliationException, by: User, reason: str) -> SyncRun | None:
    """Write the source's value over an edit at the destination; None when a run is live already.

    The edit counts as acknowledged, so the next look at the record finds that the source has another value. Should a
    write of other fields be under way, its answer finds the edit once more and asks again.
    """
    _refuse_other(exception, ExceptionKind.EDITED)
    name = exception.field
    _settled(exception, f"{by}: to be written over: {reason}")
    links = _links_of(exception)
    for image in LinkImage.objects.select_for_update().filter(link__in=links):
        image.sent = {**image.sent, name: exception.evidence["destination"][name]}
        held = image.sent if image.destination is None else image.destination
        image.destination = {**held, name: exception.evidence["agreed"][name]}
        image.save(update_fields=["sent", "destination"])
    links.update(digest="", source_digest="", updated_at=clock.now())
    audit.record(actor=by, action="exception.overwrite", subject=exception, reason=reason)
    return _look_again(exception, by, f"an edit is to be written over, by {by}")


def _refuse_other(exception: ReconciliationException, *kinds: ExceptionKind) -> None:
    """Each kind is settled in its own ways, by its own rights. Raises FatalError for others and for what is settled."""
    fitting = ReconciliationException.objects.select_for_update().filter(state=ExceptionState.OPEN, kind__in=kinds)
    if not fitting.filter(pk=exception.pk).exists():
        raise FatalError("This exception is settled already, or is settled in another way. Open its page again.")


def _links_of(exception: ReconciliationException) -> QuerySet[Link]:
    return Link.objects.filter(mapping_id=exception.mapping_id, source_key=exception.source_key)


def _settled(exception: ReconciliationException, resolution: str) -> None:
    ReconciliationException.objects.filter(pk=exception.pk, state=ExceptionState.OPEN).update(
        state=ExceptionState.RESOLVED, resolved_at=clock.now(), resolution=resolution[:300]
    )


@transaction.atomic
def keep_fact(*, exception: ReconciliationException, by: User, reason: str) -> None:
    """Keep a fact as it was appended, although the source reads otherwise now; asked again if it changes once more."""
    _refuse_other(exception, ExceptionKind.FACT_CHANGED)
    now = clock.now()
    Link.objects.filter(mapping_id=exception.mapping_id, source_key=exception.source_key).update(
        source_digest=str(exception.evidence.get("source_digest", "")), updated_at=now
    )
    ReconciliationException.objects.filter(pk=exception.pk, state=ExceptionState.OPEN).update(
        state=ExceptionState.RESOLVED, resolved_at=now, resolution=f"{by}: kept as appended: {reason}"[:300]
    )
    audit.record(actor=by, action="exception.keep", subject=exception, reason=reason)
