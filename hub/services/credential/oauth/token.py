"""The token of a credential in the database: renewed by one worker for all, and committed before it is first used.

A renewal is claimed in a transaction of its own, asked for outside of any, and its outcome committed at once. Whoever
dies in between leaves the claim behind; after its time somebody tries once more with what there was, and a provider
that has renewed it already says invalid_grant: then a person must consent again.
"""

import hashlib
import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from hub import failpoint
from hub.clock import now
from hub.engine import token as engine
from hub.engine.token import Standing
from hub.http import origin_of
from hub.models import Credential, CredentialKind, OAuthToken, TokenState
from hub.sdk import AuthError, ConfigError, HubError, Secret
from hub.services import audit, pace
from hub.services.credential import key, sealed
from hub.services.credential.oauth import provider
from hub.services.credential.oauth.provider import Grant, RefusedError
from hub.services.credential.oauth.reach import origins_of
from hub.services.credential.use import Use
from hub.services.credential.values import open_values
from hub.vault import DataKey, UnsealError

GONE = "invalid_grant"  # what renews it is used up, revoked or ended
CONNECT = "Open the credential's page and connect it again."


class Held(NamedTuple):
    """A token in memory, and until when nobody renews it."""

    epoch: int
    access: Secret
    renew_at: float


def standing_of(row: OAuthToken, credential: Credential) -> Standing:
    """The row as the engine decides about it. What was got for another client, scope or secret is no token."""
    fits = row.sealed is not None and row.made_for == made_for(credential)
    return Standing(
        has_access=fits,
        expires_at=_seconds(row.expires_at) or 0.0,
        renew_at=_seconds(row.renew_at) or 0.0,
        refreshing_since=_seconds(row.refreshing_since) if row.state == TokenState.REFRESHING else None,
        next_try_at=_seconds(row.next_try_at),
        needs_consent=row.state == TokenState.NEEDS_CONSENT,
    )


def row_of(credential: Credential) -> OAuthToken:
    """The row, made when there is none."""
    needs_consent = credential.kind == CredentialKind.OAUTH_CODE
    state = TokenState.NEEDS_CONSENT if needs_consent else TokenState.FRESH
    row, _ = OAuthToken.objects.get_or_create(credential=credential, defaults={"state": state})
    return row


def held(row: OAuthToken, credential: Credential) -> Held:
    """The access token of a row, opened."""
    return Held(row.epoch, Secret(_opened(row, credential)["access"]), _seconds(row.renew_at) or 0.0)


def claim(row: OAuthToken) -> OAuthToken | None:
    """Take the renewal for oneself, committed; None when somebody else was faster."""
    moment = now()
    gone = Q(refreshing_since__isnull=True) | Q(refreshing_since__lte=moment - timedelta(seconds=engine.LEASE))
    free = ~Q(state=TokenState.REFRESHING) | gone
    won = OAuthToken.objects.filter(free, pk=row.pk, epoch=row.epoch).update(
        epoch=F("epoch") + 1, state=TokenState.REFRESHING, refreshing_since=moment
    )
    return OAuthToken.objects.get(pk=row.pk) if won else None


def renew(row: OAuthToken, credential: Credential, used_by: str) -> None:
    """Ask for a new token in place of a claimed one, and commit what came of it. Raises what the provider caused."""
    _refuse_inside_transaction()
    try:
        data_key = sealed.data_key_for(credential.kind)
        place = origin_of(str(credential.details.get("token_url") or ""))
        client = provider.client_of(credential, open_values(credential, use=Use(used_by, "token", (place,))))
        form, old = _form(row, credential, client.scope)
        grant = provider.ask(client, form, hidden=tuple(old))
    except HubError as error:
        _failed(row, credential, error)
        raise
    failpoint.reach("token.answered")
    # Providers that do not rotate leave the old one in force.
    put(row, credential, grant if grant.refresh or not old else replace(grant, refresh=old[0]), data_key)


def put(row: OAuthToken, credential: Credential, grant: Grant, data_key: DataKey) -> bool:
    """Commit a pair that a provider gave, in place of the one claimed as `row`; False when the claim was lost."""
    moment, chance = now(), secrets.SystemRandom().random()
    values = {"access": grant.access.reveal(), "refresh": grant.refresh.reveal() if grant.refresh else ""}
    made = data_key.seal(json.dumps(values), row.binding(credential, row.epoch, settings.HUB_ENVIRONMENT))
    renew_at = engine.renew_at(moment.timestamp(), grant.life, chance)
    won = OAuthToken.objects.filter(pk=row.pk, epoch=row.epoch).update(
        scheme=made.scheme, key_id=made.key_id, wrapped=made.wrapped, sealed=made.sealed, bound_epoch=row.epoch,
        number=credential.number, made_for=made_for(credential), state=TokenState.FRESH,
        obtained_at=moment, expires_at=moment + timedelta(seconds=grant.life),
        renew_at=datetime.fromtimestamp(renew_at, moment.tzinfo), refreshing_since=None,
        failures=0, next_try_at=None, message="", is_refused=False, renewals=F("renewals") + 1,
    )  # fmt: skip
    failpoint.reach("token.committed")
    return bool(won)


def refused(credential: Credential, epoch: int) -> bool:
    """The system refused the token of this epoch: it is renewed at the next need. False when it was new."""
    moment = now()
    young = moment - timedelta(seconds=engine.NEW)
    this = OAuthToken.objects.filter(credential=credential, epoch=epoch)
    this.filter(obtained_at__lte=young, state=TokenState.FRESH).update(expires_at=moment, renew_at=moment)
    return not this.filter(obtained_at__gt=young).exists()


def made_for(credential: Credential) -> str:
    """Digest of whom tokens are asked for and for what; with client credentials also of the version of the secret."""
    details = [str(credential.details.get(name) or "") for name in ("client_id", "token_url", "scope")]
    asked = [credential.kind, *details, *sorted(credential.origins)]
    if credential.kind == CredentialKind.OAUTH_CLIENT:
        asked.append(str(credential.number))
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _form(row: OAuthToken, credential: Credential, scope: str) -> tuple[dict[str, str], list[Secret]]:
    """What is posted, and the old values in it."""
    if credential.kind == CredentialKind.OAUTH_CLIENT:
        return {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}, []
    try:
        refresh = Secret(_opened(row, credential)["refresh"]) if row.sealed is not None else None
    except ConfigError as error:
        raise RefusedError(str(error), GONE) from None
    if not refresh:
        message = f"The provider gave “{credential}” nothing to renew its token with."
        raise RefusedError(f"{message} Ask for offline access in its scope, if the provider has that.", GONE)
    return {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}, [refresh]


def _failed(row: OAuthToken, credential: Credential, error: HubError) -> None:
    """Note, where the claim is still ours, why there is no new token and when it is tried again."""
    if isinstance(error, RefusedError) and error.reason == GONE and credential.kind == CredentialKind.OAUTH_CODE:
        lose_consent(row, credential, str(error))
        return
    failures = row.failures + 1
    is_refused = isinstance(error, AuthError | ConfigError)
    wait = engine.wait_after(failures, is_refused=is_refused)
    is_over = failures >= engine.MOST_FAILURES
    OAuthToken.objects.filter(pk=row.pk, epoch=row.epoch).update(
        state=TokenState.EXHAUSTED if is_over else TokenState.FRESH, refreshing_since=None, failures=failures,
        next_try_at=now() + timedelta(seconds=wait), message=str(error)[:500], is_refused=is_refused,
    )  # fmt: skip


@transaction.atomic
def lose_consent(row: OAuthToken, credential: Credential, why: str) -> None:
    """A person must agree again: said once, and every connection that uses the credential is held."""
    won = OAuthToken.objects.filter(pk=row.pk, epoch=row.epoch).update(
        state=TokenState.NEEDS_CONSENT, refreshing_since=None, message=why[:500],
        scheme="", key_id="", wrapped=None, sealed=None,
    )  # fmt: skip
    if won:
        audit.record(actor=None, action="credential.consent_lost", subject=credential, reason=why)
        pace.hold_for_consent(credential, consent_needed(credential), origins_of)


def consent_needed(credential: Credential) -> str:
    """What to tell whoever meets a credential without consent."""
    return f"The credential “{credential}” needs consent at its provider. {CONNECT}"


def _opened(row: OAuthToken, credential: Credential) -> dict[str, str]:
    """The values of a row. Raises ConfigError."""
    bound_to = row.binding(credential, row.bound_epoch, settings.HUB_ENVIRONMENT)
    try:
        values: dict[str, str] = json.loads(key.vault_of(credential.kind).open(sealed.stored_token(row), bound_to))
    except UnsealError as error:
        raise ConfigError(f"The tokens of “{credential}” cannot be opened: {error} {CONNECT}") from None
    return values


def _refuse_inside_transaction() -> None:
    blocks = transaction.get_connection().atomic_blocks
    if any(not getattr(block, "_from_testcase", False) for block in blocks):
        raise RuntimeError("A token must not be asked for inside a database transaction.")


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
