"""Writes the audit trail, in the transaction of what it tells of; refusals in one of their own."""

import hashlib
import hmac
import logging
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Model

from hub import __version__, clock, provenance
from hub.models import AuditEvent, AuditOutcome, Change, SyncRun, User
from hub.services.access import policy_version
from hub.services.audit.action import known

VIEWED_AGAIN = timedelta(hours=1)
logger = logging.getLogger(__name__)


class More(TypedDict, total=False):
    """What else may be said of an event: rarely known, never guessed."""

    before: dict[str, Any]
    after: dict[str, Any]
    outcome: AuditOutcome
    on_behalf: str
    ticket: str
    run_id: int | None
    mapping_version_id: int | None
    approval_id: int | None


def record(
    *,
    actor: User | None,
    action: str,
    subject: Model,
    detail: dict[str, Any] | None = None,
    reason: str = "",
    **more: Unpack[More],
) -> AuditEvent:
    """Add one event: who did what to which row, with what detail, and why. `actor` None is the hub itself.

    From where, within which request or run, and how the person signed in is what the door said. Raises
    UnknownActionError.
    """
    given = {name: value for name, value in {**_how(subject), **more}.items() if value is not None}
    return AuditEvent.objects.create(
        **_who(actor) | given,
        action=known(action),
        subject=subject._meta.model_name or "",
        subject_id=subject.pk,
        subject_name=str(subject)[:255],
        detail=detail or {},
        reason=reason[:300],
    )


def seen(*, actor: User | None, action: str, subject: Model, detail: dict[str, Any] | None = None) -> AuditEvent:
    """Somebody looked at, used or took out what is worth knowing of: contents, secrets, evidence."""
    return record(actor=actor, action=action, subject=subject, detail=detail)


def viewed(*, actor: User, page: str) -> None:
    """Somebody reads the audit trail itself: noted once an hour for each kind of page."""
    lately = AuditEvent.objects.filter(actor=actor, action="audit.view", at__gt=clock.now() - VIEWED_AGAIN)
    if not lately.filter(subject_name=page).exists():
        AuditEvent.objects.create(
            **_who(actor), action=known("audit.view"), subject="auditevent", subject_name=page, detail={"page": page}
        )


def denied(*, actor: User | None, what: str, reason: str, subject: Model | None = None) -> None:
    """Somebody was refused `what`. To be called when the refused transaction is over, or it would go with it.

    A refusal stays one when it cannot be written down: that is logged.
    """
    try:
        AuditEvent.objects.create(
            **_who(actor),
            action=known("access.denied"),
            outcome=AuditOutcome.DENIED,
            subject=(subject._meta.model_name or "") if subject else "",
            subject_id=subject.pk if subject else None,
            subject_name=(str(subject) if subject else what)[:255],
            detail={"asked": what},
            reason=reason[:300],
        )
    except DatabaseError:
        logger.exception("A refusal could not be written to the audit trail: %s", what)


def fingerprint(value: str | bytes) -> str:
    """What stands for a value that must not be kept: the same for the same value, and telling nothing of it."""
    given = value.encode() if isinstance(value, str) else value
    key = hashlib.sha256(b"hub audit fingerprint" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, given, hashlib.sha256).hexdigest()[:16]


def _who(actor: User | None) -> dict[str, Any]:
    """The person with their name as it is now, and what the door said."""
    said = provenance.current() or provenance.Provenance()
    return {
        "at": clock.now(),
        "actor": actor,
        "actor_name": actor.get_username() if actor else provenance.THE_HUB,
        "on_behalf": said.on_behalf,
        "method": said.method,
        "request": said.request,
        "address": said.address,
        "session": said.session,
        "run_id": said.run_id,
        "app_version": __version__,
        "policy_version": policy_version(),
    }


def _how(subject: Model) -> dict[str, int | None]:
    """The run and the version of the mapping that a row tells of by itself."""
    if isinstance(subject, SyncRun):
        return {"run_id": subject.pk, "mapping_version_id": subject.version_id}
    if isinstance(subject, Change):
        return {"run_id": subject.run_id}
    if subject._meta.model_name == "mappingversion":
        return {"mapping_version_id": subject.pk}
    return {}
