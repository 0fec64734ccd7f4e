"""Consent, from the first click to the first token: state and PKCE, one person, one session, one use, ten minutes.

The web process may not open the client secret, so what comes back is sealed there and completed by a worker.
"""

import base64
import hashlib
import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import transaction

from hub import queue
from hub.clock import now
from hub.http import origin_of
from hub.models import Consent, ConsentState, Credential, CredentialKind, OAuthToken, TokenState, User
from hub.sdk import ConfigError, HubError, Secret
from hub.services import access, audit, pace
from hub.services.credential import key, sealed
from hub.services.credential.oauth import provider, token
from hub.services.credential.use import Use
from hub.services.credential.values import open_values
from hub.vault import DataKey, Sealed, UnsealError

TIME = timedelta(minutes=10)
RING_AGAIN = timedelta(seconds=20)
VERIFIER, CODE = "verifier", "code"


def begin(*, credential: Credential, by: User, session: str, redirect_uri: str) -> tuple[Consent, str]:
    """A consent to be given, and the state that must come back. The state is told once and kept as a digest.

    Raises ConfigError when the credential is of another kind, or its provider is where it may not be sent.
    """
    if credential.kind != CredentialKind.OAUTH_CODE:
        raise ConfigError(f"“{credential}” is not a credential that a person consents to.")
    provider.refuse_other_place(credential, _authorize_url(credential), "authorize_url")
    provider.refuse_other_place(credential, str(credential.details.get("token_url") or ""), "token_url")
    if "client_secret" not in credential.fields:
        raise ConfigError(f"“{credential}” has no client secret yet. Set its values first.")
    state, verifier, moment = secrets.token_urlsafe(32), secrets.token_urlsafe(48), now()
    data_key = sealed.data_key_for(credential.kind)
    consent = Consent(
        credential=credential, asked_by=by, asked_at=moment, expires_at=moment + TIME, mark=_digest(state),
        session=_digest(session), challenge=_challenge(verifier), redirect_uri=redirect_uri,
    )  # fmt: skip
    consent.proof = {VERIFIER: _sealed(consent, VERIFIER, verifier, data_key)}
    with transaction.atomic():
        consent.save()
        audit.record(actor=by, action="credential.ask_consent", subject=credential, detail={"consent": consent.pk})
    return consent, state


def address(consent: Consent, state: str) -> str:
    """Where the person goes to agree."""
    details = consent.credential.details
    asked = {
        "response_type": "code",
        "client_id": str(details.get("client_id") or ""),
        "redirect_uri": consent.redirect_uri,
        "state": state,
        "code_challenge": consent.challenge,
        "code_challenge_method": "S256",
        **({"scope": str(details["scope"])} if details.get("scope") else {}),
    }
    url = _authorize_url(consent.credential)
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(asked)}"


def take_back(*, by: User, session: str, state: str, code: str, error: str) -> Consent:
    """Somebody comes back from the provider. Raises ConfigError unless it is who was sent, in time, and once."""
    consent = Consent.objects.select_related("credential").filter(mark=_digest(state)).first() if state else None
    if consent is None or consent.asked_by_id != by.pk or consent.session != _digest(session):
        raise ConfigError("This answer belongs to no consent that you asked for in this session. Connect again.")
    if not access.can(by, "set_secret", consent.credential):
        raise ConfigError(f"You may no longer set the secret of “{consent.credential}”.")
    if consent.expires_at <= now():
        raise ConfigError("This took longer than ten minutes. Connect again.")
    if error or not code:
        said = re.sub(r"[^a-z_]", "", error.lower())[:40] or "no code"
        return _end(consent, ConsentState.ASKED, ConsentState.FAILED, by, f"The provider answered {said}.")
    part = _sealed(consent, CODE, code, sealed.data_key_for(consent.credential.kind))
    with transaction.atomic():
        waiting = Consent.objects.filter(pk=consent.pk, state=ConsentState.ASKED)
        if not waiting.update(state=ConsentState.RETURNED, proof={**(consent.proof or {}), CODE: part}):
            raise ConfigError("This consent was used already. Connect again.")
        queue.ask_exchange(consent.pk)
    consent.refresh_from_db()
    return consent


def exchange(*, consent_id: int) -> None:
    """Get the first tokens for a consent that came back. One that is done, or being done, is left alone."""
    consent = Consent.objects.select_related("credential", "asked_by").filter(pk=consent_id).first()
    if consent is None or consent.state != ConsentState.RETURNED:
        return
    proof = consent.proof or {}
    if not Consent.objects.filter(pk=consent_id, state=ConsentState.RETURNED, proof__isnull=False).update(proof=None):
        return  # a code is good for one try: a second one may cost all that the first one got
    try:
        _exchange(consent, {name: Secret(_opened(consent, name, proof)) for name in (VERIFIER, CODE)})
    except HubError as error:
        _end(consent, ConsentState.RETURNED, ConsentState.FAILED, consent.asked_by, str(error))


def ring_waiting(at: datetime) -> None:
    """Ask again for what came back and nobody completed, and end what never came back or died on the way."""
    late = Consent.objects.filter(state__in=(ConsentState.ASKED, ConsentState.RETURNED), expires_at__lte=at)
    late.update(state=ConsentState.FAILED, proof=None, done_at=at, message="Nobody completed it within ten minutes.")
    for pk in Consent.objects.filter(state=ConsentState.RETURNED, proof__isnull=False).values_list("pk", flat=True):
        queue.ask_exchange(pk)


def _exchange(consent: Consent, proof: dict[str, Secret]) -> None:
    credential = consent.credential
    place = origin_of(str(credential.details.get("token_url") or ""))
    client = provider.client_of(credential, open_values(credential, use=Use(credential.name, "consent", (place,))))
    data_key = sealed.data_key_for(credential.kind)
    form = {
        "grant_type": "authorization_code",
        "code": proof[CODE].reveal(),
        "redirect_uri": consent.redirect_uri,
        "code_verifier": proof[VERIFIER].reveal(),
    }
    grant = provider.ask(client, form, hidden=tuple(proof.values()))
    row = token.row_of(credential)
    with transaction.atomic():
        row = OAuthToken.objects.select_for_update().get(pk=row.pk)
        # Whoever renews the tokens before loses their claim to these.
        row.epoch, row.state = row.epoch + 1, TokenState.REFRESHING
        row.save(update_fields=["epoch", "state"])
        token.put(row, credential, grant, data_key)
        _end(consent, ConsentState.RETURNED, ConsentState.DONE, consent.asked_by, _told(grant))
        pace.try_again(credential)


@transaction.atomic
def _end(consent: Consent, before: str, after: str, by: User | None, message: str) -> Consent:
    won = Consent.objects.filter(pk=consent.pk, state=before).update(
        state=after, proof=None, message=message[:500], done_at=now()
    )
    if won:
        action = "credential.connect" if after == ConsentState.DONE else "credential.fail_consent"
        audit.record(
            actor=by, action=action, subject=consent.credential, detail={"consent": consent.pk}, reason=message
        )
    consent.refresh_from_db()
    return consent


def _told(grant: provider.Grant) -> str:
    if grant.refresh:
        return "Connected. The token is renewed by itself."
    minutes = round(grant.life / 60)
    return f"Connected, but the provider gave nothing to renew the token with: it ends in {minutes} minutes."


def _authorize_url(credential: Credential) -> str:
    return str(credential.details.get("authorize_url") or "")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _sealed(consent: Consent, what: str, value: str, data_key: DataKey) -> dict[str, str]:
    made = data_key.seal(value, consent.binding(what, settings.HUB_ENVIRONMENT))
    parts = {"wrapped": made.wrapped or b"", "sealed": made.sealed}
    return {"scheme": made.scheme, "key_id": made.key_id} | {
        name: base64.b64encode(part).decode() for name, part in parts.items()
    }


def _opened(consent: Consent, what: str, proof: dict[str, dict[str, str]]) -> str:
    """Raises ConfigError."""
    part = proof.get(what) or {}
    try:
        stored = Sealed(
            part["scheme"], part["key_id"], base64.b64decode(part["wrapped"]), base64.b64decode(part["sealed"])
        )
        vault = key.vault_of(consent.credential.kind)
        return vault.open(stored, consent.binding(what, settings.HUB_ENVIRONMENT))
    except (UnsealError, KeyError):
        raise ConfigError("What came back cannot be opened here. Connect again.") from None
