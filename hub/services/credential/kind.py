"""The kinds of credentials: which values each is made of, and what else belongs to it. Add a kind here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.models import CredentialKind
from hub.sdk import ConfigError


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


PASSWORD = Value("password", "Password", "The user's name stands in the connection.")
TOKEN = Value("token", "Token")
KINDS: dict[str, Kind] = {
    CredentialKind.OTHER: Kind("Whatever the connections that use it ask for.", is_open=True),
    CredentialKind.BASIC: Kind("A user's password, sent with each call.", values=(PASSWORD,)),
    CredentialKind.BEARER: Kind("A token, sent with each call.", values=(TOKEN,)),
    CredentialKind.API_KEY: Kind(
        "A key, sent with each call in the header, or the part of the query, that the connection names.",
        values=(Value("token", "Key"),),
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
