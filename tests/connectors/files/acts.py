"""What tests do with a folder of files, in few words."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.files import CONNECTOR
from connectors.files.connection import FilesConnection
from hub.sdk import Cursor, Page, Record, Settings, check_config

MOST_PAGES = 1_000


class Exports:
    """A folder, and the connector on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: list[FilesConnection] = []

    def write(self, name: str, content: str | bytes) -> None:
        """Put a file there, whole."""
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def open(self, pattern: str = "*.csv", key: object = "k", **spec: Any) -> FilesConnection:
        """The connector with one stream, s."""
        return self.open_streams({"s": {"pattern": pattern, "key": key, **spec}})

    def open_streams(self, streams: Mapping[str, Any]) -> FilesConnection:
        """The connector with these streams."""
        config = check_config(CONNECTOR.fields, {"url": f"file://{self.folder}", "streams": dict(streams)})
        opened = CONNECTOR.open(Settings(config))
        assert isinstance(opened, FilesConnection)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Close what was opened."""
        for opened in self._opened:
            opened.close()


def pages(opened: FilesConnection, cursor: Cursor | None = None, limit: int = 3) -> list[Page]:
    """Every page to the end; each cursor goes through JSON, as the hub keeps it."""
    read: list[Page] = []
    for _ in range(MOST_PAGES):
        read.append(opened.read("s", cursor, limit))
        if read[-1].done:
            return read
        cursor = json.loads(json.dumps(read[-1].cursor))
    raise AssertionError("reading never ended")


def records(opened: FilesConnection, limit: int = 1_000) -> list[Record]:
    """Every record."""
    return [record for page in pages(opened, limit=limit) for record in page.records]


def data(opened: FilesConnection) -> list[dict[str, Any]]:
    """What every record says."""
    return [dict(record.data) for record in records(opened)]


def faults(opened: FilesConnection, limit: int = 1_000) -> list[tuple[str, str]]:
    """Every fault: where, and what."""
    return [(fault.where, fault.message) for page in pages(opened, limit=limit) for fault in page.faults]
