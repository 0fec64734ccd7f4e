"""The single sign-on that the environment names: an OIDC provider, and which of its groups lead to which roles."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hub import env

NEEDED = ("HUB_OIDC_CLIENT_ID", "HUB_OIDC_GROUPS")


@dataclass(frozen=True, slots=True)
class Provider:
    """Where people of an organisation sign in, and what its word about their groups means here."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    name: str
    claim: str
    groups: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...] = ()

    @property
    def origins(self) -> tuple[str, ...]:
        """All that the hub asks of it, as scheme://host:port: the issuer, and what HUB_OIDC_ORIGINS adds."""
        parts = urlsplit(self.issuer)
        return (f"{parts.scheme}://{parts.netloc}", *self.others)

    @property
    def key(self) -> str:
        """What accounts are kept under. It goes with the issuer, so that another one's subjects are other people."""
        return f"oidc-{hashlib.sha256(self.issuer.encode()).hexdigest()[:16]}"

    @property
    def roles(self) -> frozenset[str]:
        """Every role that the provider decides about."""
        return frozenset(role for roles in self.groups.values() for role in roles)

    def roles_of(self, claimed: Iterable[str]) -> frozenset[str]:
        """The roles that these groups lead to."""
        return frozenset(role for group in claimed for role in self.groups.get(group, ()))

    def apps(self) -> dict[str, Any]:
        """The provider in the words of allauth's settings."""
        app = {
            "provider_id": self.key,
            "name": self.name,
            "client_id": self.client_id,
            "secret": self.secret,
            "settings": {"server_url": self.issuer, "oauth_pkce_enabled": True},
        }
        return {"openid_connect": {"APPS": [app]}}


def named() -> Provider | None:
    """The provider that HUB_OIDC_ISSUER names; None without one. Raises SettingError."""
    issuer = env.parsed("HUB_OIDC_ISSUER", "", _issuer, "the provider's https:// address, as in its metadata")
    if not issuer:
        return None
    missing = [name for name in NEEDED if not env.text(name, "")]
    secret = env.secret("HUB_OIDC_CLIENT_SECRET")
    if missing or not secret:
        wanted = [*missing, *(["HUB_OIDC_CLIENT_SECRET or HUB_OIDC_CLIENT_SECRET_FILE"] if not secret else [])]
        raise env.SettingError(f"HUB_OIDC_ISSUER is set, so {' and '.join(wanted)} must be set too.")
    return Provider(
        issuer=issuer,
        client_id=env.text("HUB_OIDC_CLIENT_ID"),
        secret=secret,
        name=env.text("HUB_OIDC_NAME", "single sign-on"),
        claim=env.text("HUB_OIDC_GROUPS_CLAIM", "groups"),
        groups=env.parsed("HUB_OIDC_GROUPS", {}, _groups, "claim value=Role,claim value=Role"),
        others=env.parsed("HUB_OIDC_ORIGINS", (), _origins, "https://token.example.com,https://keys.example.com"),
    )


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    is_here = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or not (parts.scheme == "https" or is_here):
        raise ValueError("it must begin with https://, or lead to this machine")
    return value


def _origins(value: str) -> tuple[str, ...]:
    found = tuple(filter(None, (part.strip().rstrip("/") for part in value.split(","))))
    for part in found:
        if urlsplit(_issuer(part)).path:
            raise ValueError(f"“{part}” has a path")
    return found


def _groups(value: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        group, separator, role = (word.strip() for word in part.rpartition("="))
        if not (group and separator and role):
            raise ValueError(f"“{part}” does not name a group and a role")
        found[group] = (*found.get(group, ()), role)
    return found
