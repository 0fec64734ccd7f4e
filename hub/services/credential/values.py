"""Values of credentials: sealed and replaced at once, and opened only to be used."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import transaction

from hub.clock import now
from hub.models import Credential, CredentialState, CredentialVersion, User
from hub.sdk import ConfigError, Secret
from hub.services import audit, pace
from hub.services.credential import key, sealed
from hub.services.credential.kind import refuse_unfit
from hub.services.credential.origin import normal_origins
from hub.services.credential.use import Use, note
from hub.services.history import save_as
from hub.vault import DataKey


class More(TypedDict, total=False):
    """What else may be set with the values; what is not given stays."""

    kind: str
    details: Mapping[str, Any]
    expires_at: datetime | None
    reason: str


def set_values(
    *,
    credential: Credential,
    values: Mapping[str, str],
    by: User | None,
    origins: Sequence[str] | None = None,
    **more: Unpack[More],
) -> None:
    """Replace the given values at once and, when `origins` are given, where the secret may be sent.

    The values before are gone with it; to replace them without a gap see `stage`. Values that are not given stay,
    where this process may open them. Where the addresses or the kind change nothing stays: whoever changes them must
    know every value, or a secret could be led to another place by somebody who does not have it.
    Raises ConfigError naming what is missing or wrong.
    """
    seen = Credential.objects.get(pk=credential.pk)
    allowed = seen.origins if origins is None else normal_origins(origins)
    kind = more.get("kind", seen.kind)
    is_moved = sorted(allowed) != sorted(seen.origins) or kind != seen.kind
    whole = whole_values(seen, values, is_moved=is_moved)
    details = more.get("details", seen.details)
    refuse_unfit(kind, whole, details)
    data_key = sealed.data_key_for(kind)
    with transaction.atomic():
        stored = locked(seen)
        replaced = sealed.fingerprints(stored, stored.number)
        stored.kind, stored.details, stored.origins = kind, dict(details), allowed
        stored.expires_at = more.get("expires_at", stored.expires_at)
        _replace(stored, whole, data_key, by)
        save_as(stored, by=by, reason=more.get("reason") or "values set")
        audit.record(
            actor=by,
            action="credential.set_secret",
            subject=stored,
            detail={"fields": sorted(values), "number": stored.number, "origins": allowed},
            reason=more.get("reason", ""),
            before=replaced,
            after=sealed.fingerprints(stored, stored.number),
        )
        pace.try_again(stored)
    credential.refresh_from_db()


def open_values(credential: Credential, *, use: Use | None = None, number: int | None = None) -> dict[str, Secret]:
    """The values in use, or those of version `number`, ready for what `use` says.

    Raises ConfigError when none are set, when they are expired or bound elsewhere, or in a process that only seals.
    """
    found = sealed.active(credential.pk) if number is None else sealed.numbered(credential.pk, number)
    stored, secret = found
    moment = now()
    ends = stored.expires_at if number is None or number == stored.number else _end_of(stored, number)
    if ends and ends <= moment:
        raise ConfigError(
            f"The credential “{stored.name}” expired on {ends:%Y-%m-%d}. Set new values and a new date of expiry."
        )
    opened = {name: Secret(value) for name, value in sealed.opened(stored, secret).items()}
    note(stored, secret.number if secret else stored.number, use, moment)
    return opened


def holds(credential: Credential, values: Mapping[str, str]) -> bool:
    """Whether these are the values it already holds.

    They are compared in memory. A stored fingerprint would tell whoever reads the table which secrets are
    equal, and would let the short ones be guessed by somebody who also finds its key.
    """
    try:
        present = sealed.opened(*sealed.active(credential.pk))
    except ConfigError:
        return False
    return all(
        name in present and hmac.compare_digest(present[name].encode(), value.encode())
        for name, value in values.items()
    )


def whole_values(credential: Credential, given: Mapping[str, str], *, is_moved: bool) -> dict[str, str]:
    """The given values and the present ones that stay.

    Raises ConfigError when one is blank, or when some would have to stay but must not or cannot.
    """
    blank = sorted(name for name, value in given.items() if not value)
    if blank:
        raise ConfigError(f"{', '.join(blank)} of credential “{credential.name}” would be empty. Give a value.")
    others = set(credential.fields) - set(given)
    if not others:
        return dict(given)
    missing = f"{', '.join(sorted(others))} is missing."
    if is_moved:
        raise ConfigError(
            f"Where the credential “{credential.name}” may be sent changes, or its kind, so every value must be "
            f"given again: {missing}"
        )
    if not key.may_open(credential.kind):
        raise ConfigError(
            f"This process can seal values and not read them, so every value of “{credential.name}” must be given "
            f"again: {missing}"
        )
    present = sealed.opened(*sealed.active(credential.pk))
    return {**{name: present[name] for name in others}, **given}


def locked(seen: Credential) -> Credential:
    """The row, held for this transaction. Raises ConfigError when it is no longer what was looked at."""
    stored = Credential.objects.select_for_update().get(pk=seen.pk)
    for name in ("number", "kind", "origins", "details", "fields"):
        if getattr(stored, name) != getattr(seen, name):
            raise ConfigError(
                f"Somebody else changed the credential “{stored.name}” just now. Look at it, and try again."
            )
    return stored


def _replace(credential: Credential, values: Mapping[str, str], data_key: DataKey, by: User | None) -> None:
    """These are the values, and the only ones: whatever version there was is over."""
    moment, number = now(), sealed.next_number(credential)
    credential.number, credential.fields, credential.set_at = number, sorted(values), moment
    sealed.remove(credential)
    ended = CredentialVersion.objects.filter(credential=credential).exclude(state=CredentialState.REVOKED)
    ended.update(state=CredentialState.REVOKED, revoked_at=moment, retires_at=None)
    sealed.store(credential, number, values, data_key)
    CredentialVersion.objects.create(
        credential=credential, number=number, state=CredentialState.ACTIVE, fields=sorted(values),
        made_by=by, made_at=moment, activated_at=moment, expires_at=credential.expires_at,
    )  # fmt: skip


def _end_of(credential: Credential, number: int) -> datetime | None:
    row = CredentialVersion.objects.filter(credential=credential, number=number).first()
    return row.expires_at if row else None
