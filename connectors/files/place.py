"""The folder that an address names: on this machine, in memory, or on a server reached over SSH."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from hub.sdk import ConfigError

SCHEMES = ("file", "memory", "sftp")
SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Place:
    """`url` is its one spelling for people, `path` its name for the file system, `origin` where a secret is sent."""

    scheme: str
    url: str
    path: str
    origin: str
    host: str = ""
    port: int = 0


def place_of(url: str) -> Place:
    """The folder that a URL names. Raises ConfigError for other kinds of places."""
    parts = urlsplit(url)
    is_chain = "::" in url and parts.scheme != "sftp"  # fsspec would take it for several systems in a row
    if parts.scheme not in SCHEMES or is_chain or parts.query or parts.fragment:
        raise ConfigError(f"url: must begin with {', '.join(f'{s}://' for s in SCHEMES)} and name a folder.")
    if parts.scheme == "sftp":
        return _remote(parts)
    path = unquote(parts.netloc + parts.path)
    path = f"/{path.strip('/')}" if parts.scheme == "memory" else str(Path(path).absolute())
    return Place(parts.scheme, f"{parts.scheme}://{path}", path, f"{parts.scheme}://{path}")


def _remote(parts: SplitResult) -> Place:
    """A folder on a server: from its root, or from the account's own folder where the path begins with /~/."""
    if "@" in parts.netloc or not parts.hostname:
        raise ConfigError("url: must be sftp://host:port/folder. The user stands in its own setting.")
    try:
        port = parts.port or SSH_PORT
    except ValueError:
        raise ConfigError("url: the port must be a number up to 65535.") from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin, path = f"sftp://{host}:{port}", unquote(parts.path).rstrip("/") or "/"
    found = path.removeprefix("/~/") if path.startswith("/~/") else "." if path == "/~" else path
    return Place("sftp", f"{origin}{path}", found, origin, parts.hostname, port)
