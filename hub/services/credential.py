"""Credentials: secret values are sealed and replaced here, and opened only to be used."""

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import transaction

from hub.clock import now
from hub.http import origin_of
from hub.models import Credential, CredentialSecret, User
from hub.sdk import ConfigError, Secret
from hub.services import audit, pace
from hub.services.history import save_as
from hub.vault import UnsealError, Vault

USE_NOTED_EVERY = timedelta(minutes=1)
USE_TOLD_EVERY = timedelta(hours=1)
TYPE_AGAIN = "Set all its values again, on its page or with manage.py apply."


@transaction.atomic
def set_values(
    *,
    credential: Credential,
    values: Mapping[str, str],
    by: User | None,
    origins: Sequence[str] | None = None,
) -> None:
    """Replace the given values and, when `origins` are given, where the secret may be sent.

    Values that are not given stay. Where the addresses change nothing stays: whoever changes them must
    know every value, or a secret could be led to another place by somebody who does not have it.
    Raises ConfigError naming what is missing or wrong.
    """
    stored = Credential.objects.select_for_update().get(pk=credential.pk)
    allowed = stored.origins if origins is None else normal_origins(origins)
    _refuse_blank(stored, values)
    sealed = {**_kept(stored, set(values), moved=sorted(allowed) != sorted(stored.origins)), **values}
    stored.number += 1
    stored.origins, stored.fields, stored.set_at = allowed, sorted(sealed), now()
    replaced = _fingerprints(stored)
    _seal(stored, sealed)
    save_as(stored, by=by, reason="values set")
    audit.record(
        actor=by,
        action="credential.set_secret",
        subject=stored,
        detail={"fields": sorted(values), "number": stored.number, "origins": allowed},
        before=replaced,
        after=_fingerprints(stored),
    )
    pace.try_again(stored)
    credential.refresh_from_db()


def open_values(credential: Credential) -> dict[str, Secret]:
    """The values, ready to be used. Raises ConfigError when none are set, or they are expired or bound elsewhere."""
    stored = Credential.objects.get(pk=credential.pk)
    moment = now()
    if stored.expires_at and stored.expires_at <= moment:
        raise ConfigError(
            f"The credential “{stored.name}” expired on {stored.expires_at:%Y-%m-%d}. "
            f"Set new values and a new date of expiry."
        )
    opened = {name: Secret(value) for name, value in _opened(stored).items()}
    _note_use(stored, moment)
    return opened


def holds(credential: Credential, values: Mapping[str, str]) -> bool:
    """Whether these are the values it already holds.

    They are compared in memory. A stored fingerprint would tell whoever reads the table which secrets are
    equal, and would let the short ones be guessed by somebody who also finds its key.
    """
    try:
        present = _opened(credential)
    except ConfigError:
        return False
    return all(
        name in present and hmac.compare_digest(present[name].encode(), value.encode())
        for name, value in values.items()
    )


def normal_origins(origins: Sequence[str]) -> list[str]:
    """The origins as they are compared: sorted, once each, with the port written out. Raises ConfigError."""
    return sorted({normal_origin(origin) for origin in origins})


def normal_origin(origin: str) -> str:
    """One origin as it is compared. Raises ConfigError when it is not scheme://place."""
    if origin.startswith(("http://", "https://")):
        return origin_of(origin)
    scheme, separator, place = origin.partition("://")
    if not (scheme and separator and place) or any(sign.isspace() for sign in origin):
        raise ConfigError("An allowed address must look like scheme://host:port, such as https://crm.example:443.")
    if "@" in place.partition("/")[0]:
        raise ConfigError("An allowed address must not contain a user or password.")
    return origin


@cache
def _vault(keys: tuple[str, ...]) -> Vault:
    return Vault(keys)


def _refuse_blank(credential: Credential, values: Mapping[str, str]) -> None:
    blank = sorted(name for name, value in values.items() if not value)
    if blank:
        raise ConfigError(f"{', '.join(blank)} of credential “{credential.name}” would be empty. Give a value.")


def _kept(credential: Credential, given: set[str], *, moved: bool) -> dict[str, str]:
    """The present values that stay. Raises ConfigError when some would have to but must not or cannot."""
    others = set(credential.fields) - given
    if not others:
        return {}
    if moved:
        raise ConfigError(
            f"Where the credential “{credential.name}” may be sent changes, so every value must be given "
            f"again: {', '.join(sorted(others))} is missing."
        )
    present = _opened(credential)
    return {name: present[name] for name in others}


def _seal(credential: Credential, values: Mapping[str, str]) -> None:
    """Store the values as the present version and remove the earlier ones: what is replaced is gone."""
    vault = _vault(tuple(settings.HUB_SEAL_KEYS))
    bound_to = credential.binding(credential.number, settings.HUB_ENVIRONMENT)
    key_id, sealed = vault.seal(json.dumps(dict(values)), bound_to)
    CredentialSecret.objects.filter(credential=credential).delete()
    CredentialSecret.objects.create(credential=credential, number=credential.number, key_id=key_id, sealed=sealed)


def _fingerprints(credential: Credential) -> dict[str, str]:
    """What stands for the sealed version there is: of the ciphertext, so that equal secrets cannot be told."""
    secret = CredentialSecret.objects.filter(credential=credential).order_by("-number").first()
    return {"sealed": audit.fingerprint(bytes(secret.sealed))} if secret else {}


def _opened(credential: Credential) -> dict[str, str]:
    """The values in the clear. Raises ConfigError with the cure."""
    secret = CredentialSecret.objects.filter(credential=credential).order_by("-number").first()
    if secret is None:
        raise ConfigError(f"The credential “{credential.name}” has no values yet. {TYPE_AGAIN}")
    bound_to = credential.binding(secret.number, settings.HUB_ENVIRONMENT)
    try:
        opened = _vault(tuple(settings.HUB_SEAL_KEYS)).open(secret.key_id, bytes(secret.sealed), bound_to)
    except UnsealError as error:
        message = f"The credential “{credential.name}” cannot be opened: {error} {TYPE_AGAIN}"
        raise ConfigError(message) from None
    values: dict[str, str] = json.loads(opened)
    return values


def _note_use(credential: Credential, moment: datetime) -> None:
    """Remember the use, at most once a minute, so that reading pages does not mean writing rows.

    The audit trail is told once an hour: that it is in use, by whom, and since when.
    """
    before = credential.last_used_at
    if before is not None and moment - before < USE_NOTED_EVERY:
        return
    with transaction.atomic():
        Credential.objects.filter(pk=credential.pk).update(last_used_at=moment)
        if before is None or before.replace(minute=0, second=0, microsecond=0) <= moment - USE_TOLD_EVERY:
            audit.seen(actor=None, action="credential.use", subject=credential, detail={"number": credential.number})
