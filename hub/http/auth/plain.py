"""Proofs that do not change: a user and password, a bearer token, a key in a header or in the query."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote_plus, unquote_plus, urlsplit, urlunsplit

from hub.sdk import Secret


class Auth(Protocol):
    """Gives the headers of one call, and everything that must never be shown."""

    def headers(self) -> Mapping[str, str]:
        """The headers that prove who is calling."""
        ...

    def hidden(self) -> tuple[str, ...]:
        """Every text that would betray the secret if a server echoed it."""
        ...


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password (RFC 7617)."""

    user: str
    password: Secret

    def headers(self) -> Mapping[str, str]:
        """The Authorization header."""
        return {"Authorization": f"Basic {self._pair()}"}

    def hidden(self) -> tuple[str, ...]:
        """The password, and the pair as it travels."""
        return (self._pair(), self.password.reveal())

    def _pair(self) -> str:
        return b64encode(f"{self.user}:{self.password.reveal()}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token (RFC 6750). `scheme` is for systems with a word of their own, such as `Token` or `Session`."""

    token: Secret
    scheme: str = "Bearer"

    def headers(self) -> Mapping[str, str]:
        """The Authorization header."""
        return {"Authorization": f"{self.scheme} {self.token.reveal()}"}

    def hidden(self) -> tuple[str, ...]:
        """The token."""
        return (self.token.reveal(),)


@dataclass(frozen=True, slots=True)
class HeaderKey:
    """A key in a header of the system's own choosing, such as `X-Api-Key`."""

    header: str
    key: Secret

    def headers(self) -> Mapping[str, str]:
        """The header with the key."""
        return {self.header: self.key.reveal()}

    def hidden(self) -> tuple[str, ...]:
        """The key."""
        return (self.key.reveal(),)


@dataclass(frozen=True, slots=True)
class QueryKey:
    """A key in the query of every address, for systems that take it nowhere else.

    Addresses are written into logs by whatever they pass: prefer any other way. Here the key is put into an address
    only when it is sent, so no response, error or cursor ever has it.
    """

    param: str
    key: Secret

    def headers(self) -> Mapping[str, str]:
        """None: the key travels in the address."""
        return {}

    def hidden(self) -> tuple[str, ...]:
        """The key."""
        return (self.key.reveal(),)

    def keyed(self, target: str) -> str:
        """The target of a request with the key in its query."""
        bare = self.bare(target)
        return f"{bare}{'&' if '?' in bare else '?'}{quote_plus(self.param)}={quote_plus(self.key.reveal())}"

    def bare(self, url: str) -> str:
        """An address without the key: systems put it into the links they give."""
        parts = urlsplit(url)
        kept = [part for part in parts.query.split("&") if unquote_plus(part.partition("=")[0]) != self.param]
        if len(kept) == parts.query.count("&") + 1:
            return url
        return urlunsplit(parts._replace(query="&".join(kept)))
