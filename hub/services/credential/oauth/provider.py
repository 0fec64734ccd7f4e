"""Asks a provider for tokens: one form post, its answer understood and never quoted (RFC 6749)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from hub.engine.token import DEADLINE
from hub.http import Basic, HttpClient, decode, origin_of
from hub.models import Credential
from hub.sdk import AuthError, ConfigError, Secret, TransientError

BASIC, POST = "basic", "post"
LIFE = 3600.0  # seconds, where the provider does not say how long its token lives
MOST_LIFE = 365 * 86_400.0
MOST_BYTES = 262_144
ANSWERS = (400, 401, 403)  # that say why not


@dataclass(frozen=True, slots=True)
class Grant:
    """What a provider gave: an access token for so many seconds, and what renews it, if it gave that."""

    access: Secret
    refresh: Secret | None
    life: float


@dataclass(frozen=True, slots=True)
class Client:
    """The hub as a provider knows it, from the details and values of a credential."""

    token_url: str
    client_id: str
    secret: Secret = field(repr=False)
    scope: str = ""
    by: str = BASIC


class RefusedError(AuthError):
    """The provider answered that it will not. `reason` is its code for it, such as invalid_grant."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def client_of(credential: Credential, values: Mapping[str, Secret]) -> Client:
    """The client of a credential. Raises ConfigError for an address that the credential may not be sent to."""
    details = credential.details
    token_url = str(details.get("token_url") or "")
    refuse_other_place(credential, token_url, "token_url")
    secret = values.get("client_secret")
    if secret is None:
        raise ConfigError(f"The credential “{credential.name}” has no client secret. Set its values.")
    return Client(
        token_url=token_url,
        client_id=str(details.get("client_id") or ""),
        secret=secret,
        scope=str(details.get("scope") or ""),
        by=str(details.get("client_authentication") or BASIC),
    )


def refuse_other_place(credential: Credential, url: str, name: str) -> None:
    """Raise ConfigError when a secret of this credential must not be sent to this address."""
    if origin_of(url) not in credential.origins:
        raise ConfigError(
            f"{name} of the credential “{credential.name}” is at {origin_of(url)}, where it may not be sent. It may be "
            f"sent to {', '.join(credential.origins) or 'no address yet'}. Set its values again with this one allowed."
        )


def ask(client: Client, form: Mapping[str, str], *, hidden: tuple[Secret, ...] = ()) -> Grant:
    """Ask for a token. Nothing is repeated.

    Raises RefusedError when the provider says no, TransientError when it certainly did nothing, SilenceError when
    nobody knows, ConfigError for a wrong address.
    """
    auth, named = None, {"client_id": client.client_id}
    if client.by == BASIC:
        auth, named = Basic(quote_plus(client.client_id), Secret(quote_plus(client.secret.reveal()))), {}
    else:
        named["client_secret"] = client.secret.reveal()
    http = HttpClient(
        base_url=origin_of(client.token_url),
        origins=[origin_of(client.token_url)],
        auth=auth,
        timeout=DEADLINE,
        max_bytes=MOST_BYTES,
        secrets=(client.secret, *hidden),
    )
    try:
        answer = http.call("POST", client.token_url, data={**form, **named}, expect=ANSWERS)
    finally:
        http.close()
    said = _object(answer.body)
    if answer.status >= 300 or "access_token" not in said:
        reason = str(said.get("error") or f"status {answer.status}")[:80]
        told = http.scrub(f"{reason} {str(said.get('error_description') or '')[:200]}".strip())
        raise RefusedError(f"{origin_of(client.token_url)} gave no token: {told}.", reason)
    return _grant(said)


def _grant(said: Mapping[str, Any]) -> Grant:
    access, refresh = said["access_token"], said.get("refresh_token")
    kind = str(said.get("token_type") or "Bearer")
    if not isinstance(access, str) or not access or kind.lower() != "bearer":
        raise RefusedError(f"The provider gave a token of the kind {kind[:40]}; the hub can use bearer tokens.", "kind")
    return Grant(Secret(access), Secret(refresh) if isinstance(refresh, str) and refresh else None, _life(said))


def _life(said: Mapping[str, Any]) -> float:
    try:
        return min(MOST_LIFE, max(1.0, float(said.get("expires_in") or LIFE)))
    except (TypeError, ValueError):
        return LIFE


def _object(body: bytes) -> Mapping[str, Any]:
    """The answer as JSON. Of one that is none not a word is quoted: there may be a token in it."""
    try:
        found = decode(body) if body else {}
    except ValueError:
        raise TransientError("The address for tokens answered something that is not JSON. Check token_url.") from None
    return found if isinstance(found, Mapping) else {}
