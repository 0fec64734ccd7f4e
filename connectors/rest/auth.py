"""How a connection proves who it is, as its settings choose."""

from collections.abc import Callable, Mapping

from hub.http import Auth, Basic, Bearer, ClientCertificate, HeaderKey, QueryKey, Renewed
from hub.sdk import ConfigError, Secret, Settings


def auth_of(settings: Settings) -> Auth | None:
    """What goes with each call; None for a choice that needs nothing there. Raises ConfigError."""
    chosen = WAYS.get(settings.config.get("auth") or "none")
    return chosen(settings) if chosen else None


def certificate_of(settings: Settings) -> ClientCertificate | None:
    """The client certificate, if the credential has one. Raises ConfigError when it is wrong or missing."""
    secrets = settings.secrets
    if settings.config.get("auth") != "certificate" and not secrets.get("certificate"):
        return None
    chain, key = _secret(settings, "certificate"), _secret(settings, "private_key")
    return ClientCertificate(chain.reveal(), key, secrets.get("passphrase"))


def _basic(settings: Settings) -> Auth:
    return Basic(settings.config.get("user") or "", _secret(settings, "password"))


def _bearer(settings: Settings) -> Auth:
    return Bearer(_secret(settings, "token"))


def _header(settings: Settings) -> Auth:
    return HeaderKey(settings.config.get("auth_header") or "X-Api-Key", _secret(settings, "token"))


def _query(settings: Settings) -> Auth:
    param = settings.config.get("auth_param")
    if not param:
        raise ConfigError("auth_param: is required for a key in the query. Name the parameter, such as api_key.")
    return QueryKey(param, _secret(settings, "token"))


def _renewed(settings: Settings) -> Auth:
    if settings.tokens is None:
        raise ConfigError("The credential of this connection is not for OAuth2. Choose one whose kind is OAuth2.")
    return Renewed(settings.tokens)


WAYS: Mapping[str, Callable[[Settings], Auth]] = {
    "basic": _basic,
    "bearer": _bearer,
    "header": _header,
    "query": _query,
    "oauth2": _renewed,
}


def _secret(settings: Settings, name: str) -> Secret:
    found = settings.secrets.get(name)
    if not found:
        raise ConfigError(f"The credential of this connection has no {name}; its authentication needs one.")
    return found
