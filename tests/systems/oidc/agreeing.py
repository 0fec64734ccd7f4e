"""Credentials at the real provider, and connections that use them."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hub.clock import now
from hub.models import Connection, Consent, Credential, OAuthToken, User
from hub.services import connection as services
from hub.services import credential as credentials
from hub.services.credential import oauth
from tests.connectors.acting import source
from tests.factories import ConnectionFactory, CredentialFactory
from tests.systems.oidc.conftest import CLIENT_SECRET, Running

CONSENT = "http://testserver/admin/hub/consent/oauth/callback/"
SESSION = "the session of the browser"


def machine(running: Running, **more: Any) -> Credential:
    """The hub logs in for itself."""
    return _set(running, "oauth_client", "client-credentials", **more)


def acting(running: Running, **more: Any) -> Credential:
    """The hub acts for a person, who has not agreed yet."""
    return _set(running, "oauth_code", "authorization-code", authorize_url=f"{running.url}/o/authorize/", **more)


def _set(running: Running, kind: str, client_id: str, **details: Any) -> Credential:
    made: Credential = CredentialFactory(origins=[])
    secret = details.pop("secret", CLIENT_SECRET)
    origins = details.pop("origins", [running.url])
    details = {"client_id": client_id, "token_url": f"{running.url}/o/token/", "scope": "read", **details}
    credentials.set_values(
        credential=made, values={"client_secret": secret}, by=None, origins=origins, kind=kind, details=details
    )
    return made


def agree(running: Running, credential: Credential, by: User, name: str = "nora") -> Consent:
    """A person goes to the provider and agrees; a worker completes it."""
    consent, state = oauth.begin(credential=credential, by=by, session=SESSION, redirect_uri=CONSENT)
    came = running.visit(oauth.address(consent, state), name, CONSENT)
    back = dict(parse_qsl(urlsplit(came).query))
    consent = oauth.take_back(by=by, session=SESSION, state=back["state"], code=back["code"], error="")
    oauth.exchange(consent_id=consent.pk)
    consent.refresh_from_db()
    return consent


def things(running: Running, credential: Credential) -> Connection:
    """The API that only a token of the provider opens."""
    stream = {
        "list": {"path": "/things", "records": "items"},
        "create": {"path": "/things"},
    }
    config = {"base_url": f"{running.url}/api", "auth": "oauth2", "manifest": {"streams": {"things": stream}}}
    made: Connection = ConnectionFactory(connector="rest", credential=credential, config=config)
    return made


def use(connection: Connection, calls: int = 1) -> int:
    """Read all things so often; how many there were."""
    with services.opened(connection) as opened:
        return sum(len(source(opened).read("things", None, 10).records) for _ in range(calls))


def end(credential: Credential, **more: Any) -> None:
    """Its token is due, and no longer good."""
    moment = now() - timedelta(seconds=1)
    OAuthToken.objects.filter(credential=credential).update(renew_at=moment, expires_at=moment, **more)


def row(credential: Credential) -> OAuthToken:
    return OAuthToken.objects.get(credential=credential)
