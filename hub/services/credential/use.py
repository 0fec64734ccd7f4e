"""Who used which version of a credential, for what, and where it was sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from hub import provenance
from hub.models import Credential, CredentialUse
from hub.services import audit

NOTED_EVERY = timedelta(minutes=1)
TOLD_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Use:
    """What a secret is opened for: by which connection or webhook, for what, and where it will be sent."""

    used_by: str
    purpose: str = "call"
    origins: tuple[str, ...] = ()


def note(credential: Credential, number: int, use: Use | None, moment: datetime) -> None:
    """Remember the use, at most once a minute, so that reading pages does not mean writing rows.

    The audit trail is told once an hour: that it is in use, by whom, and since when.
    """
    before = credential.last_used_at
    due = _due(credential, number, use, moment) if use else []
    is_due = before is None or moment - before >= NOTED_EVERY
    if not (due or is_due):
        return
    with transaction.atomic():
        if use and due:
            _write(credential, number, use, due, moment)
        if is_due:
            Credential.objects.filter(pk=credential.pk).update(last_used_at=moment)
        if before is None or (is_due and before.replace(minute=0, second=0, microsecond=0) <= moment - TOLD_EVERY):
            audit.seen(actor=None, action="credential.use", subject=credential, detail={"number": number})


def _due(credential: Credential, number: int, use: Use, moment: datetime) -> list[str]:
    """The origins of which nothing was written in the last minute."""
    known = CredentialUse.objects.filter(
        credential=credential, number=number, used_by=use.used_by, purpose=use.purpose, last_at__gt=moment - NOTED_EVERY
    )
    asked = {origin[:255] for origin in use.origins or ("",)}
    return sorted(asked - set(known.values_list("origin", flat=True)))


def _write(credential: Credential, number: int, use: Use, origins: list[str], moment: datetime) -> None:
    """One row for each origin: a new one, or another minute of the one there is."""
    said = provenance.current()
    run_id = said.run_id if said else None
    seen = CredentialUse.objects.filter(
        credential=credential, number=number, used_by=use.used_by, purpose=use.purpose, origin__in=origins
    )
    again = {"run_id": run_id} if run_id else {}
    updated = seen.filter(last_at__lte=moment - NOTED_EVERY).update(last_at=moment, count=F("count") + 1, **again)
    if updated < len(origins):
        CredentialUse.objects.bulk_create(
            [
                CredentialUse(
                    credential=credential, number=number, used_by=use.used_by, purpose=use.purpose,
                    origin=origin, run_id=run_id, first_at=moment, last_at=moment,
                )
                for origin in origins
            ],
            ignore_conflicts=True,
        )  # fmt: skip
