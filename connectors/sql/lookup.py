"""Fetches rows of one table: a stretch of it in order, or those with given keys or references."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError
from sqlalchemy.types import NullType

from connectors.sql.column import Column, UnfitError, texts
from connectors.sql.keys import key_values
from connectors.sql.rows import Held, Row, RowReader
from connectors.sql.session import Session
from connectors.sql.shape import Shape

Found = tuple[list[Row], RowReader]  # rows, and the reader that understands them


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a table: the rows that meet `where`, in this order, at most `limit`, locked if they will be written."""

    where: Sequence[sa.ColumnElement[bool]]
    order: Sequence[Column]
    limit: int | None = None
    lock: bool = False


class Lookup:
    """Fetches rows of one table."""

    def __init__(self, shape: Shape, session: Session) -> None:
        self.shape, self._dialect = shape, session.dialect
        self.rows = RowReader(shape, session.dialect)
        self.horizon = session.dialect.horizon
        self._spelled = RowReader(shape, session.dialect, times_as_text=True)

    def stretch(self, connection: sa.Connection, stretch: Stretch) -> Found:
        """The rows of a stretch."""
        try:
            return self._fetch(connection, self.rows, stretch), self.rows
        except DataError as error:
            if getattr(error.orig, "sqlstate", None):
                raise
            # The driver met a date such as “infinity” or 44 BC: let the database spell it.
            return self._fetch(connection, self._spelled, stretch), self._spelled

    def by_keys(self, connection: sa.Connection, keys: Sequence[str], *, lock: bool = False) -> Found:
        """The rows with these keys (some hundred at a time); a key that no row can have is left out."""
        parsed = (key_values(self.shape.key, key) for key in keys)
        return self._among(connection, self.shape.key, [values for values in parsed if values], lock=lock)

    def by_references(self, connection: sa.Connection, references: Sequence[str], *, lock: bool = False) -> Found:
        """The rows that hold these references of ours."""
        column = self.shape.reference
        if column is None:
            return [], self.rows
        parsed = (key_values((column,), text) for text in references)
        return self._among(connection, (column,), [values for values in parsed if values], lock=lock)

    def held_by_key(self, connection: sa.Connection, keys: Sequence[str]) -> dict[str, Held]:
        """The rows with these keys as they are now, locked until the transaction ends."""
        rows, reader = self.by_keys(connection, keys, lock=True)
        return {held.record.key: held for held in (reader.held(row) for row in rows)}

    def held_by_reference(self, connection: sa.Connection, references: Sequence[str]) -> dict[str, Held]:
        """The same for rows that hold these references."""
        rows, reader = self.by_references(connection, references, lock=True)
        return {reader.reference(row): reader.held(row) for row in rows}

    def _among(
        self, connection: sa.Connection, columns: Sequence[Column], wanted: list[tuple[Any, ...]], *, lock: bool
    ) -> Found:
        stored = [values for given in wanted if (values := self._stored(columns, given))]
        if not stored:
            return [], self.rows
        # Locks are taken in one order, so that two writers of the same rows cannot wait for each other.
        return self.stretch(connection, Stretch([self._is_one_of(columns, stored)], self.shape.key, lock=lock))

    def _stored(self, columns: Sequence[Column], values: Sequence[Any]) -> tuple[Any, ...] | None:
        try:
            return tuple(self._dialect.dump(column, value) for column, value in zip(columns, values, strict=True))
        except UnfitError:
            return None  # no row can hold it

    def _is_one_of(self, columns: Sequence[Column], values: Sequence[tuple[Any, ...]]) -> sa.ColumnElement[bool]:
        compared = [self.rows.expression(column) for column in columns]
        given = self._given(columns, values)
        if given is not None:
            return (compared[0] if len(compared) == 1 else sa.tuple_(*compared)).in_(given)
        if len(compared) > 1:
            return sa.tuple_(*compared).in_(values)
        # The parameter stays untyped: the column decides what the value is.
        return compared[0].in_(sa.bindparam(None, [value for (value,) in values], NullType(), expanding=True))

    def _given(self, columns: Sequence[Column], values: Sequence[tuple[Any, ...]]) -> sa.Select[Any] | None:
        """The values as one list for each column, which a server reads much faster than hundreds of parameters."""
        kinds = self._dialect.given_kinds - self._dialect.as_text
        if self._dialect.given is None or not all(column.kind in kinds for column in columns):
            return None
        lists = {f"k{n}": texts(row[n] for row in values) for n in range(len(columns))}
        return sa.select(*self._dialect.given(dict(zip(lists, columns, strict=True)), lists).c)

    def _fetch(self, connection: sa.Connection, reader: RowReader, stretch: Stretch) -> list[Row]:
        order = [self.shape.table.c[column.name] for column in stretch.order]
        statement = reader.select().where(*stretch.where).order_by(*order).limit(stretch.limit)
        if stretch.lock:
            statement = statement.with_for_update()
        return [tuple(row) for row in connection.execute(statement)]
