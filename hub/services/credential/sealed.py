"""The sealed values of one version: stored, opened and removed. Nothing else touches their table."""

import json
from collections.abc import Mapping

from django.conf import settings
from django.db.models import F, Max

from hub.models import Credential, CredentialSecret, CredentialVersion, OAuthToken
from hub.sdk import ConfigError
from hub.services import audit
from hub.services.credential import key
from hub.vault import DIRECT, DataKey, Sealed, SealOnlyError, UnsealError

TYPE_AGAIN = "Set all its values again, on its page or with manage.py apply."


def data_key_for(kind: str) -> DataKey:
    """A fresh key to seal values with. It may call a service: to be called before a transaction begins.

    Raises ConfigError.
    """
    try:
        return key.vault_of(kind).data_key()
    except UnsealError as error:
        raise ConfigError(str(error)) from None


def store(credential: Credential, number: int, values: Mapping[str, str], data_key: DataKey) -> None:
    """Seal the values of a version, bound to what the credential is now."""
    bound_to = credential.binding(number, settings.HUB_ENVIRONMENT)
    made = data_key.seal(json.dumps(dict(values)), bound_to)
    CredentialSecret.objects.create(
        credential=credential, number=number,
        scheme=made.scheme, key_id=made.key_id, wrapped=made.wrapped, sealed=made.sealed,
    )  # fmt: skip


def remove(credential: Credential, *, but: int | None = None, number: int | None = None) -> None:
    """Remove the values of every version, but of one, or of one only. They are gone for good."""
    rows = CredentialSecret.objects.filter(credential=credential)
    rows = rows if number is None else rows.filter(number=number)
    (rows if but is None else rows.exclude(number=but)).delete()


def active(credential_id: int) -> tuple[Credential, CredentialSecret | None]:
    """A credential and the secret in use, as of one moment: a rotation that goes on meanwhile parts them not."""
    rows = CredentialSecret.objects.filter(credential_id=credential_id, number=F("credential__number"))
    found = rows.select_related("credential").first()
    return (found.credential, found) if found else (Credential.objects.get(pk=credential_id), None)


def numbered(credential_id: int, number: int) -> tuple[Credential, CredentialSecret | None]:
    """The same with the secret of a certain version."""
    found = CredentialSecret.objects.filter(credential_id=credential_id, number=number)
    secret = found.select_related("credential").first()
    return (secret.credential, secret) if secret else (Credential.objects.get(pk=credential_id), None)


def opened(credential: Credential, secret: CredentialSecret | None) -> dict[str, str]:
    """The values in the clear. Raises ConfigError with the cure."""
    if secret is None:
        raise ConfigError(f"The credential “{credential.name}” has no values yet. {TYPE_AGAIN}")
    try:
        found = key.vault_of(credential.kind).open(stored(secret), binding_of(credential, secret))
    except SealOnlyError as error:
        raise ConfigError(f"The credential “{credential.name}” cannot be opened here. {error}") from None
    except UnsealError as error:
        raise ConfigError(f"The credential “{credential.name}” cannot be opened: {error} {TYPE_AGAIN}") from None
    values: dict[str, str] = json.loads(found)
    return values


def stored(secret: CredentialSecret) -> Sealed:
    """A row as the vault knows it."""
    wrapped = None if secret.wrapped is None else bytes(secret.wrapped)
    return Sealed(secret.scheme, secret.key_id, wrapped, bytes(secret.sealed))


def stored_token(token: OAuthToken) -> Sealed:
    """The same of the tokens of a credential."""
    return Sealed(token.scheme, token.key_id, bytes(token.wrapped or b""), bytes(token.sealed or b""))


def binding_of(credential: Credential, secret: CredentialSecret) -> str:
    """What a row's ciphertext must be bound to."""
    bound = credential.direct_binding if secret.scheme == DIRECT else credential.binding
    return bound(secret.number, settings.HUB_ENVIRONMENT)


def next_number(credential: Credential) -> int:
    """The number of the version to come. No number is given twice."""
    last = CredentialVersion.objects.filter(credential=credential).aggregate(last=Max("number"))["last"]
    return max(credential.number, last or 0) + 1


def fingerprints(credential: Credential, number: int) -> dict[str, str]:
    """What stands for a sealed version: of the ciphertext, so that equal secrets cannot be told."""
    secret = CredentialSecret.objects.filter(credential=credential, number=number).first()
    return {"sealed": audit.fingerprint(bytes(secret.sealed))} if secret else {}
