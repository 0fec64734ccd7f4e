"""What people do to an integration as a whole: pause it and let it go on."""

from django.db import transaction

from hub.clock import now
from hub.models import Integration, User
from hub.services import audit
from hub.services.history import save_as

FIELDS = ["is_paused", "paused_reason", "paused_by", "paused_at"]


@transaction.atomic
def pause(*, integration: Integration, by: User | None, reason: str) -> None:
    """Start no more runs, by schedule or by hand, until it is resumed. A run on its way stops before its next page."""
    integration.is_paused, integration.paused_reason = True, reason[:300]
    integration.paused_by, integration.paused_at = by, now()
    save_as(integration, by=by, reason=f"paused: {reason}", fields=FIELDS)
    audit.record(actor=by, action="pause", subject=integration, reason=reason)


@transaction.atomic
def resume(*, integration: Integration, by: User | None) -> None:
    """Let it run again. A slot that came while it was paused is made up for by one run."""
    reason = integration.paused_reason
    integration.is_paused, integration.paused_reason = False, ""
    integration.paused_by, integration.paused_at = None, None
    save_as(integration, by=by, reason="resumed", fields=FIELDS)
    audit.record(actor=by, action="resume", subject=integration, detail={"was paused for": reason})
