"""Addresses: where a call may go, and how keys become safe parts of a path."""

from urllib.parse import SplitResult, quote, urlsplit

from hub.sdk import ConfigError, RecordError

PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """`scheme://host:port` of a URL, in lower case and with the port always written. Raises ConfigError."""
    return origin_from(split(url))


def origin_from(parts: SplitResult) -> str:
    """The origin of a URL that was split."""
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or PORTS[parts.scheme]}"


def split(url: str) -> SplitResult:
    """The parts of an http or https URL. Raises ConfigError for anything else, without quoting it."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError("An address must look like https://host:port/path; this one does not.")
    if "@" in parts.netloc:
        raise ConfigError(f"The address of {parts.hostname} contains a user or password; use a credential.")
    return parts


def quote_segment(key: str) -> str:
    """One key as one segment of a path. Raises RecordError for keys that would change the path itself."""
    if key in {"", ".", ".."}:
        raise RecordError(f"The key “{key}” cannot stand in an address.", code="key")
    return quote(key, safe="")
