"""JSON APIs: any system that speaks JSON over HTTP, described by a manifest instead of code."""

from collections.abc import Mapping
from typing import Any

from connectors.rest.client import RestConnection
from hub.http import origin_of
from hub.sdk import ConfigField, Connector, FieldKind


def _origins(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The one place this connection may call."""
    return (origin_of(config["base_url"]),)


FIELDS = (
    ConfigField(
        "base_url",
        "Base address",
        "Where the API begins, such as https://api.example.com/v1. Nothing else is ever called.",
        FieldKind.URL,
    ),
    ConfigField(
        "auth",
        "Authentication",
        "How the API recognises the hub: not at all, user and password, bearer token, a key in a header or in the "
        "query of the address, OAuth2 (the credential says how), or a client certificate alone.",
        FieldKind.CHOICE,
        default="none",
        choices=("none", "basic", "bearer", "header", "query", "oauth2", "certificate"),
    ),
    ConfigField("user", "User", "The user name, for basic authentication.", required=False),
    ConfigField("auth_header", "Key header", "The header that carries the key, such as X-Api-Key.", required=False),
    ConfigField(
        "auth_param",
        "Key parameter",
        "The parameter of the address that carries the key, such as api_key. Addresses are written into logs on their "
        "way: choose this only where the API takes the key nowhere else.",
        required=False,
    ),
    ConfigField("password", "Password", "The password, for basic authentication.", FieldKind.SECRET, required=False),
    ConfigField(
        "token", "Token or key", "The token, or the key for header or query.", FieldKind.SECRET, required=False
    ),
    ConfigField(
        "certificate",
        "Client certificate",
        "In PEM, followed by those that lead to its authority. It is shown beside any authentication.",
        FieldKind.SECRET,
        required=False,
    ),
    ConfigField(
        "private_key", "Private key", "The private key of the certificate, PEM.", FieldKind.SECRET, required=False
    ),
    ConfigField(
        "passphrase",
        "Passphrase",
        "What the private key is encrypted with, if it is.",
        FieldKind.SECRET,
        required=False,
    ),
    ConfigField(
        "manifest",
        "Manifest",
        "The streams of the API: paths, keys, versions, paging and writes. The connector's README explains it.",
        FieldKind.JSON,
    ),
    ConfigField(
        "connections",
        "Connections",
        "How many writes may be under way at once, each over a connection of its own, 64 at most. Empty: as the "
        "manifest says. The pace of the connection may allow fewer.",
        FieldKind.NUMBER,
        required=False,
    ),
    ConfigField(
        "timeout",
        "Deadline",
        "Seconds that one call may take in all, answer included.",
        FieldKind.NUMBER,
        required=False,
        default=30,
    ),
)

CONNECTOR = Connector(
    name="rest",
    label="JSON API",
    summary="Reads and writes any JSON API over HTTP as a manifest describes it.",
    fields=FIELDS,
    open=RestConnection,
    origins=_origins,
)
