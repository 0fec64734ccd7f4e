"""Where a secret may be sent: addresses in the one form in which they are compared."""

from collections.abc import Sequence

from hub.http import origin_of
from hub.sdk import ConfigError


def normal_origins(origins: Sequence[str]) -> list[str]:
    """The origins as they are compared: sorted, once each, with the port written out. Raises ConfigError."""
    return sorted({normal_origin(origin) for origin in origins})


def normal_origin(origin: str) -> str:
    """One origin as it is compared. Raises ConfigError when it is not scheme://place."""
    if origin.startswith(("http://", "https://")):
        return origin_of(origin)
    scheme, separator, place = origin.partition("://")
    if not (scheme and separator and place) or any(sign.isspace() for sign in origin):
        raise ConfigError("An allowed address must look like scheme://host:port, such as https://crm.example:443.")
    if "@" in place.partition("/")[0]:
        raise ConfigError("An allowed address must not contain a user or password.")
    if scheme == "sftp":
        server = place.partition("/")[0].lower()
        return f"sftp://{server}" if server.rpartition("]")[2].count(":") else f"sftp://{server}:22"
    return origin
