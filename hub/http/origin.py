"""Addresses: where a call may go, and how keys become safe parts of a path."""

import re
from urllib.parse import SplitResult, quote, urlsplit

from hub.http.egress import host_of
from hub.sdk import ConfigError, RecordError

PORTS = {"http": 80, "https": 443}
_BEGINNING = re.compile(r"https?://(?P<authority>[^/?#]*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\s\x00-\x20\x7f\\%\[\]:@]+)(?::[0-9]{1,5})?", re.IGNORECASE)


def origin_of(url: str) -> str:
    """`scheme://host:port` of a URL, in lower case and with the port always written. Raises ConfigError."""
    return origin_from(split(url))


def origin_from(parts: SplitResult) -> str:
    """The origin of a URL that was split."""
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or PORTS[parts.scheme]}"


def split(url: str) -> SplitResult:
    """The parts of an http or https URL. Raises ConfigError for anything else, without quoting it.

    Its host must stand there as all readers of URLs find it: what the standards disagree about is refused.
    """
    found = _BEGINNING.match(url)
    authority = found["authority"] if found else ""
    if "@" in authority:
        raise ConfigError(
            f"The address of {authority.rpartition('@')[2]} contains a user or password; use a credential."
        )
    plain = _AUTHORITY.fullmatch(authority)
    try:
        host = host_of(plain["host"].strip("[]")) if plain else ""
        parts = urlsplit(url)
        valid = bool(host) and parts.scheme in PORTS and parts.netloc == authority and parts.port != 0
    except ValueError:  # UnicodeError is one
        valid = False
    if not valid:
        raise ConfigError("An address must look like https://host:port/path; this one does not.")
    return parts if host == parts.hostname else parts._replace(netloc=_netloc(host, parts.port))


def _netloc(host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def quote_segment(key: str) -> str:
    """One key as one segment of a path. Raises RecordError for keys that would change the path itself."""
    if key in {"", ".", ".."}:
        raise RecordError(f"The key “{key}” cannot stand in an address.", code="key")
    return quote(key, safe="")
