"""Tells the newest seal to places that whoever keeps the database does not control.

A driver is a class with `put(line)`; DRIVERS names it by the scheme of its address in HUB_AUDIT_ANCHORS.
"""

import json
import logging
import os
import socket
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

logger = logging.getLogger(__name__)
NOTICE = 13 * 8 + 5  # facility “log audit”, severity “notice”
_told: dict[str, str] = {}


class Anchor(Protocol):
    """A place to which lines can be added, and from which none can be taken back here."""

    def put(self, line: dict[str, Any]) -> None:
        """Add a line. Raises OSError."""


class FileAnchor:
    """file:///path: one JSON object a line, for example on a volume that only grows."""

    def __init__(self, address: SplitResult) -> None:
        self._path = Path(address.path)

    def put(self, line: dict[str, Any]) -> None:
        """Add a line, and have it on the disk."""
        with self._path.open("a") as kept:
            kept.write(json.dumps(line) + "\n")
            kept.flush()
            os.fsync(kept.fileno())


class SyslogAnchor:
    """syslog://host:514 (UDP), syslog+tcp://host:514, or syslog:///dev/log."""

    def __init__(self, address: SplitResult) -> None:
        self._address = address

    def put(self, line: dict[str, Any]) -> None:
        """Send a line."""
        text = f"<{NOTICE}>hub-audit: {json.dumps(line)}".encode()
        address = self._address
        if address.scheme == "syslog+tcp":
            with socket.create_connection((address.hostname or "", address.port or 514), timeout=5) as stream:
                stream.sendall(text + b"\n")
            return
        family, to = (socket.AF_INET, (address.hostname, address.port or 514)) if address.hostname else (
            socket.AF_UNIX, address.path,
        )  # fmt: skip
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(text, to)


DRIVERS: dict[str, type[FileAnchor] | type[SyslogAnchor]] = {
    "file": FileAnchor,
    "syslog": SyslogAnchor,
    "syslog+tcp": SyslogAnchor,
}


def put(line: dict[str, Any]) -> None:
    """Tell the newest seal to each anchor that does not know it. One that is away is told at the next round."""
    for address in settings.HUB_AUDIT_ANCHORS:
        if _told.get(address) == line["hash"]:
            continue
        try:
            driver_of(address).put(line)
            _told[address] = line["hash"]
        except OSError as error:
            logger.warning("The anchor %s does not take seal %s (%s).", address, line["seal"], error)


def driver_of(address: str) -> Anchor:
    """The driver for an address. Raises ValueError for one that nobody speaks."""
    parts = urlsplit(address)
    driver = DRIVERS.get(parts.scheme)
    if driver is None:
        raise ValueError(f"“{address}” is no anchor: it must begin with {', '.join(f'{name}:' for name in DRIVERS)}")
    return driver(parts)


def files() -> list[Path]:
    """The anchors that can be read here."""
    return [Path(urlsplit(address).path) for address in settings.HUB_AUDIT_ANCHORS if address.startswith("file:")]
