"""Writes the audit trail, in the transaction of what it tells of."""

from typing import Any

from django.db.models import Model

from hub import clock
from hub.models import AuditEvent, User


def record(
    *, actor: User | None, action: str, subject: Model, detail: dict[str, Any] | None = None, reason: str = ""
) -> AuditEvent:
    """Add one event: who did what to which row, with what detail, and why. `actor` None is the hub itself."""
    return AuditEvent.objects.create(
        at=clock.now(),
        actor=actor,
        actor_name=actor.get_username() if actor else "the hub",
        action=action,
        subject=subject._meta.model_name or "",
        subject_id=subject.pk,
        subject_name=str(subject)[:255],
        detail=detail or {},
        reason=reason[:300],
    )
