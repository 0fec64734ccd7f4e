"""What a person can do with an exception."""

from django.db import transaction

from hub import clock
from hub.models import Hint, Link, ReconciliationException, SyncRun, Trigger, User
from hub.services import audit
from hub.services.run import LiveRunError, request


@transaction.atomic
def retry(*, exception: ReconciliationException, by: User) -> SyncRun | None:
    """Forget the last refusal, have the record re-read, and ask for a run; None when one is live already."""
    now = clock.now()
    Link.objects.filter(mapping_id=exception.mapping_id, source_key=exception.source_key).update(
        refused_digest="", source_digest="", updated_at=now
    )
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
