"""Reads a table page by page, by key or by cursor, so that edits in between can neither hide nor repeat rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import NullType

from connectors.sql.column import Column
from connectors.sql.lookup import Lookup, Stretch
from connectors.sql.rows import Row, RowReader
from connectors.sql.watermark import Mark, as_json, not_after, stepped_back
from hub.sdk import Cursor, CursorKind, Fault, Page, Record

# A cursor is {"phase", "after", "since", "high", "by"} within a read, {"since", "by"} after it (and "open" within it:
# the horizon at its beginning, see Dialect):
#   full    every row, ordered by key
#   blank   rows whose cursor column is empty: an incremental read cannot know that they are unchanged
#   dated   rows from `since` (less the overlap) to `high`, ordered by cursor column and key


class Pages:
    """Reads one table page by page."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup, self._shape = lookup, lookup.shape
        self._table = lookup.shape.table

    def read(self, connection: sa.Connection, cursor: Cursor | None, limit: int) -> Page:
        """One page of at most `limit` rows."""
        state = self._state(connection, cursor)
        page = self._page(connection, state, limit)
        if not page.records and not page.faults and not page.done:
            return self._page(connection, page.cursor, limit)  # no blank rows: go straight to the dated ones
        return page

    def _state(self, connection: sa.Connection, cursor: Cursor | None) -> Cursor:
        if cursor and cursor.get("by") == self._by and "phase" in cursor:
            return cursor
        open_ = self._open(connection)  # before the highest value: what begins in between counts as open
        high = self._high(connection)
        if cursor and cursor.get("by") == self._by and self._shape.cursor:
            nullable = self._shape.columns[self._shape.cursor.column].nullable
            return self._at("blank" if nullable else "dated", cursor["since"], high) | open_
        return self._at("full", None, high) | open_

    @property
    def _by(self) -> list[str]:
        """What a cursor depends on: with another key or cursor column it means nothing."""
        return [*self._shape.key_names, self._shape.cursor.column if self._shape.cursor else ""]

    def _at(self, phase: str, since: Mark, high: Mark) -> Cursor:
        return {"phase": phase, "after": None, "since": since, "high": high, "by": self._by}

    def _open(self, connection: sa.Connection) -> Cursor:
        """Since when transactions may be open that could still commit rows with earlier times."""
        spec = self._shape.cursor
        if spec is None or spec.kind is not CursorKind.TIMESTAMP or self._lookup.horizon is None:
            return {}
        return {"open": [moment.isoformat() for moment in self._lookup.horizon(connection)]}

    def _high(self, connection: sa.Connection) -> Mark:
        """The highest value of the cursor column at the beginning of a read."""
        if self._shape.cursor is None:
            return None
        column = self._table.c[self._shape.cursor.column]
        return as_json(connection.execute(sa.select(sa.func.max(column))).scalar())

    def _page(self, connection: sa.Connection, state: Cursor, limit: int) -> Page:
        if state["phase"] == "dated" and state["high"] is None:
            return Page([], self._finished(connection, state), done=True)
        order = self._order(state)
        rows, reader = self._lookup.stretch(connection, Stretch(self._where(state, order), order, limit + 1))
        records, faults = self._understood(rows, limit, reader, order)
        if state["phase"] == "full" and state["after"] is None:
            faults = [*self._keyless(connection), *faults]
        if len(rows) > limit:
            after = [as_json(reader.raw(rows[limit - 1], column.name)) for column in order]
            return Page(records, {**state, "after": after}, done=False, faults=faults)
        if state["phase"] == "blank":
            dated = self._at("dated", state["since"], state["high"])
            kept = {"open": state["open"]} if "open" in state else {}
            return Page(records, dated | kept, done=False, faults=faults)
        return Page(records, self._finished(connection, state), done=True, faults=faults)

    def _finished(self, connection: sa.Connection, state: Cursor) -> Cursor:
        spec, mark = self._shape.cursor, state["high"]
        if spec is None:
            return {"by": self._by}
        if mark is None:
            return {"by": self._by, "since": state["since"]}
        column, now = self._shape.columns[spec.column], _now(connection)
        since = not_after(column, spec, mark, now)
        if "open" in state:
            since = not_after(column, spec, since, *(datetime.fromisoformat(text) for text in state["open"]))
        return {"by": self._by, "since": since}

    def _order(self, state: Cursor) -> tuple[Column, ...]:
        if state["phase"] == "dated" and self._shape.cursor:
            return (self._shape.columns[self._shape.cursor.column], *self._shape.key)
        return self._shape.key

    def _where(self, state: Cursor, order: Sequence[Column]) -> list[sa.ColumnElement[bool]]:
        where: list[sa.ColumnElement[bool]] = []
        where += [self._table.c[c.name].is_not(None) for c in self._shape.key if c.nullable]
        if self._shape.cursor and state["phase"] != "full":
            where += self._span(state, self._table.c[self._shape.cursor.column])
        if state["after"] is not None:
            where.append(_beyond([self._table.c[column.name] for column in order], state["after"]))
        return where

    def _span(self, state: Cursor, column: sa.Column[Any]) -> list[sa.ColumnElement[bool]]:
        if state["phase"] == "blank" or self._shape.cursor is None:
            return [column.is_(None)]
        spec, upper = self._shape.cursor, column <= _as_is(state["high"])
        since = stepped_back(self._shape.columns[column.name], spec, state["since"])
        if since is None:
            return [upper]
        # A sequence that is trusted has no second row at the mark; everything else starts with the mark itself.
        exact = spec.kind is CursorKind.SEQUENCE and not spec.overlap
        return [upper, column > _as_is(since) if exact else column >= _as_is(since)]

    def _understood(
        self, rows: Sequence[Row], limit: int, reader: RowReader, order: Sequence[Column]
    ) -> tuple[list[Record], list[Fault]]:
        """The records and faults of a page; the row beyond the limit only tells whether a key repeats."""
        if self._shape.key_is_unique:
            read: list[Record | Fault] = [reader.record(row) for row in rows[:limit]]
        else:
            read = self._once_each(rows, limit, reader, order)
        return [r for r in read if isinstance(r, Record)], [f for f in read if isinstance(f, Fault)]

    def _once_each(
        self, rows: Sequence[Row], limit: int, reader: RowReader, order: Sequence[Column]
    ) -> list[Record | Fault]:
        read: list[Record | Fault] = []
        position = 0
        for _, same in groupby(rows, key=lambda row: [reader.raw(row, column.name) for column in order]):
            group = list(same)
            if position < limit:
                read.append(reader.record(group[0]) if len(group) == 1 else self._repeated(reader.key(group[0])))
            position += len(group)
        return read

    def _repeated(self, key: str) -> Fault:
        message = f"several rows have the key {key}; it has to name one row, so none of them was read"
        return Fault(f"{self._shape.name} key {key}", message, key)

    def _keyless(self, connection: sa.Connection) -> list[Fault]:
        """Rows without a key cannot be read at all; a full read says how many there are."""
        empty = [self._table.c[column.name].is_(None) for column in self._shape.key if column.nullable]
        if not empty:
            return []
        query = sa.select(sa.func.count()).select_from(self._table).where(sa.or_(*empty))
        count = connection.execute(query).scalar_one()
        return [Fault(self._shape.name, f"{count} rows have no {', '.join(self._shape.key_names)}")] if count else []


def _beyond(columns: Sequence[sa.ColumnElement[Any]], after: Sequence[Mark]) -> sa.ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0] > _as_is(after[0])
    return sa.tuple_(*columns) > sa.tuple_(*(_as_is(mark) for mark in after))


def _as_is(mark: Mark) -> sa.BindParameter[Any]:
    """A parameter without a type: the column it is compared with decides what it is."""
    return sa.bindparam(None, mark, NullType())


def _now(connection: sa.Connection) -> datetime:
    """The server's own clock."""
    now: Any = connection.execute(sa.select(sa.func.now())).scalar_one()  # SQLite answers with a text
    moment = now if isinstance(now, datetime) else datetime.fromisoformat(now)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
