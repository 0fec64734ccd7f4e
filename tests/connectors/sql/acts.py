"""What tests do with an open SQL connection, in few words."""

import json
from collections.abc import Mapping
from typing import Any

from connectors.sql import CONNECTOR
from connectors.sql.connection import SqlConnection
from hub.sdk import Answer, Change, Cursor, Operation, Outcome, Page, Record, Settings

MOST_PAGES = 500


class Opener:
    """Opens connections and closes them all."""

    def __init__(self) -> None:
        self._opened: list[SqlConnection] = []

    def __call__(self, settings: Settings) -> SqlConnection:
        opened = CONNECTOR.open(settings)
        assert isinstance(opened, SqlConnection)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Close what was opened."""
        for opened in self._opened:
            opened.close()


def pages(opened: SqlConnection, stream: str, cursor: Cursor | None = None, limit: int = 3) -> list[Page]:
    """Every page from a cursor to the end; each cursor goes through JSON, as the hub keeps it."""
    read: list[Page] = []
    for _ in range(MOST_PAGES):
        read.append(opened.read(stream, cursor, limit))
        if read[-1].done:
            return read
        cursor = json.loads(json.dumps(read[-1].cursor))
    raise AssertionError("reading never ended")


def records(opened: SqlConnection, stream: str, cursor: Cursor | None = None, limit: int = 3) -> list[Record]:
    """Every record from a cursor to the end."""
    return [record for page in pages(opened, stream, cursor, limit) for record in page.records]


def keys(opened: SqlConnection, stream: str, cursor: Cursor | None = None, limit: int = 3) -> list[str]:
    """Their keys."""
    return [record.key for record in records(opened, stream, cursor, limit)]


def create(external_id: str, **fields: Any) -> Change:
    """A create."""
    return Change(f"c-{external_id}", Operation.CREATE, external_id, fields, fields)


def update(key: str, version: str | None = None, before: Mapping[str, Any] | None = None, **fields: Any) -> Change:
    """An update."""
    return Change(f"u-{key}", Operation.UPDATE, f"of-{key}", fields, fields, key, version, before)


def delete(key: str, version: str | None = None, before: Mapping[str, Any] | None = None) -> Change:
    """A delete."""
    return Change(f"d-{key}", Operation.DELETE, f"of-{key}", key=key, version=version, before=before)


def apply(opened: SqlConnection, stream: str, *changes: Change) -> list[Outcome]:
    """The outcomes, in the order of the changes."""
    found = {outcome.change_id: outcome for outcome in opened.apply(stream, changes)}
    assert len(found) == len(changes)
    return [found[change.id] for change in changes]


def answers(opened: SqlConnection, stream: str, *changes: Change) -> list[Answer]:
    """Their answers only."""
    return [outcome.answer for outcome in apply(opened, stream, *changes)]
