"""The kinds of credentials: which values each is made of, and what else belongs to it. Add a kind here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.clock import now
from hub.http import ClientCertificate, SshAccount, origin_of
from hub.models import CredentialKind
from hub.sdk import ConfigError, Secret


@dataclass(frozen=True, slots=True)
class Value:
    """One value or detail that a kind asks for."""

    name: str
    label: str
    help: str = ""
    is_required: bool = True
    is_multiline: bool = False


def _all_well(values: Mapping[str, str], details: Mapping[str, Any]) -> None:
    """Nothing more to check."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a credential of this kind holds.

    `values` are secret and sealed; `details` are not and stand on the credential. With `is_open` other values may be
    added. `check` raises ConfigError, without quoting a value, when values and details do not make a whole; what an
    operator sets passes it before it is sealed.
    """

    help: str
    values: tuple[Value, ...] = ()
    details: tuple[Value, ...] = ()
    is_open: bool = False
    check: Callable[[Mapping[str, str], Mapping[str, Any]], None] = _all_well


def _is_whole_certificate(values: Mapping[str, str], details: Mapping[str, Any]) -> None:
    word = values.get("passphrase")
    made = ClientCertificate(values["certificate"], Secret(values["private_key"]), Secret(word) if word else None)
    if made.expires_at <= now():
        raise ConfigError(f"The certificate ended on {made.expires_at:%Y-%m-%d}. Get a new one from its authority.")


def _is_key(values: Mapping[str, str], details: Mapping[str, Any]) -> None:
    word = values.get("passphrase")
    SshAccount("any", key=Secret(values["private_key"]), passphrase=Secret(word) if word else None).private()


def _has_addresses(values: Mapping[str, str], details: Mapping[str, Any]) -> None:
    for name in ("token_url", "authorize_url"):
        if name in details:
            origin_of(str(details[name]))
    if details.get("client_authentication") not in {None, "", "basic", "post"}:
        raise ConfigError("client_authentication: must be basic or post, or left empty for basic.")


PASSWORD = Value("password", "Password", "The user's name stands in the connection.")
TOKEN = Value("token", "Token")
PASSPHRASE = Value("passphrase", "Passphrase", "That of the private key, if it has one.", is_required=False)
CLIENT_SECRET = Value("client_secret", "Client secret", "What the provider gave for the hub, not for a person.")
CLIENT_ID = Value("client_id", "Client id", "The name under which the provider knows the hub.")
TOKEN_URL = Value("token_url", "Address for tokens", "Such as https://login.example/oauth/token.")
SCOPE = Value("scope", "Scope", "What is asked for, separated by spaces, as the provider calls it.", is_required=False)
CLIENT_AUTHENTICATION = Value(
    "client_authentication", "Client authentication",
    "How the secret travels: basic (in a header, the usual way) or post (in the form).", is_required=False,
)  # fmt: skip
KINDS: dict[str, Kind] = {
    CredentialKind.OTHER: Kind("Whatever the connections that use it ask for.", is_open=True),
    CredentialKind.BASIC: Kind("A user's password, sent with each call.", values=(PASSWORD,)),
    CredentialKind.BEARER: Kind("A token, sent with each call.", values=(TOKEN,)),
    CredentialKind.API_KEY: Kind(
        "A key, sent with each call in the header, or the part of the query, that the connection names.",
        values=(Value("token", "Key"),),
    ),
    CredentialKind.OAUTH_CLIENT: Kind(
        "The hub logs in for itself (client credentials). Its tokens are got and renewed by themselves.",
        values=(CLIENT_SECRET,),
        details=(CLIENT_ID, TOKEN_URL, SCOPE, CLIENT_AUTHENTICATION),
        check=_has_addresses,
    ),
    CredentialKind.OAUTH_CODE: Kind(
        "A person agrees at the provider that the hub may act for them (authorization code). After that tokens are "
        "renewed by themselves.",
        values=(CLIENT_SECRET,),
        details=(
            CLIENT_ID,
            Value("authorize_url", "Address for consent", "Such as https://login.example/oauth/authorize."),
            TOKEN_URL,
            SCOPE,
            CLIENT_AUTHENTICATION,
        ),
        check=_has_addresses,
    ),
    CredentialKind.CERTIFICATE: Kind(
        "A certificate that the hub shows when it connects, with its private key.",
        values=(
            Value(
                "certificate", "Certificate", "PEM: it first, then those that lead to its authority.", is_multiline=True
            ),
            Value("private_key", "Private key", "PEM.", is_multiline=True),
            PASSPHRASE,
        ),
        check=_is_whole_certificate,
    ),
    CredentialKind.SSH_KEY: Kind(
        "The private key of an account that is reached over SSH.",
        values=(
            Value("private_key", "Private key", "As ssh-keygen writes it: Ed25519, RSA or ECDSA.", is_multiline=True),
            PASSPHRASE,
        ),
        check=_is_key,
    ),
    CredentialKind.PASSWORD: Kind("The password of a user of a database.", values=(PASSWORD,)),
    CredentialKind.WEBHOOK: Kind(
        "What senders sign with. It is set on the webhook's page.",
        values=(Value("secret", "Signing secret"), Value("previous", "The one before", is_required=False)),
    ),
}


def kind_of(name: str) -> Kind:
    """The kind of this name; one that is not described holds whatever is asked for."""
    return KINDS.get(name, KINDS[CredentialKind.OTHER])


def choices() -> list[tuple[str, str]]:
    """The kinds a person may choose: (name, what it is called). Signing secrets are made by their webhooks."""
    return [(name, CredentialKind(name).label) for name in KINDS if name != CredentialKind.WEBHOOK]


def refuse_unfit(name: str, values: Mapping[str, str], details: Mapping[str, Any]) -> None:
    """Raise ConfigError when these are not the values and details of this kind."""
    kind = kind_of(name)
    called = CredentialKind(name).label
    known = {value.name: value for value in kind.values}
    if not kind.is_open and (strange := sorted(set(values) - set(known))):
        raise ConfigError(
            f"{', '.join(strange)}: a credential of the kind “{called}” has no such value. It has "
            f"{', '.join(known)}. Choose the kind “other” to keep values of any name."
        )
    if missing := [value.label for value in kind.values if value.is_required and not values.get(value.name)]:
        raise ConfigError(f"{', '.join(missing)} is missing: a credential of the kind “{called}” needs it.")
    refuse_unfit_details(name, details)
    kind.check(values, details)


def refuse_unfit_details(name: str, details: Mapping[str, Any]) -> None:
    """Raise ConfigError when these are not the details of this kind."""
    kind, called = kind_of(name), CredentialKind(name).label
    known = {detail.name: detail for detail in kind.details}
    if strange := sorted(set(details) - set(known)):
        has = f"It has {', '.join(known)}." if known else "It has none."
        raise ConfigError(f"{', '.join(strange)}: a credential of the kind “{called}” has no such detail. {has}")
    if missing := [detail.label for detail in known.values() if detail.is_required and not details.get(detail.name)]:
        raise ConfigError(f"{', '.join(missing)} is missing: a credential of the kind “{called}” needs it.")
