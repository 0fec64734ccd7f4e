"""Turns rows into records, and a value that no record can carry into a fault that names its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from connectors.sql.column import Column, Kind, UnfitError
from connectors.sql.dialect import Dialect
from connectors.sql.keys import key_text, part_text
from connectors.sql.shape import Shape
from hub.sdk import Fault, Record

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Held:
    """A row as it is now: what it says, and the row itself."""

    record: Record
    row: Row
    reader: "RowReader"

    def place(self) -> dict[str, Any]:
        """The values by which the row is found again, unless somebody gives it another version."""
        return self.reader.place(self.row)


class RowReader:
    """Reads the rows of one table: what to select, and what each row says.

    With `times_as_text` the database spells dates (except in keys), so that those beyond Python's
    calendar can be fetched.
    """

    def __init__(self, shape: Shape, dialect: Dialect, *, times_as_text: bool = False) -> None:
        times = {Kind.DATE, Kind.DATETIME} if times_as_text else set()
        self.shape = shape
        self._unknown = dialect.as_text
        self._spelled = {c.name for c in shape.columns.values() if c.kind in times and c not in shape.key}
        native = dialect.native - times
        self._names = tuple(shape.columns)
        self._at = {name: position for position, name in enumerate(self._names)}
        self._key = [self._at[name] for name in shape.key_names]
        lone = shape.key[0]
        self._text_key = self._key[0] if len(shape.key) == 1 and not lone.padded else None
        self._key_columns, self._version = shape.key, shape.columns[shape.version.column] if shape.version else None
        self._mark, self._reference = shape.deleted, shape.reference
        self._loads = [c for c in shape.columns.values() if c.kind not in native or c.padded]
        self._hidden = [name for name in self._names if name not in shape.visible]

    def select(self) -> sa.Select[Any]:
        """All columns of the table."""
        return sa.select(*self.selected())

    def selected(self) -> list[sa.ColumnElement[Any]]:
        """All columns, as they are to be fetched."""
        return [self._selected(column) for column in self.shape.columns.values()]

    def _selected(self, column: Column) -> sa.ColumnElement[Any]:
        plain = self.shape.table.c[column.name]
        as_text = column.kind in self._unknown or column.name in self._spelled
        return sa.cast(plain, sa.Text).label(column.name) if as_text else plain

    def expression(self, column: Column) -> sa.ColumnElement[Any]:
        """A column as it can be compared with a key: as text where the driver would not know its type."""
        plain = self.shape.table.c[column.name]
        return sa.cast(plain, sa.Text) if column.kind in self._unknown else plain

    def key(self, row: Row) -> str:
        """The key of a row as text."""
        if self._text_key is not None and type(value := row[self._text_key]) is str:
            return value
        return key_text(self._key_columns, [row[position] for position in self._key])

    def raw(self, row: Row, column: str) -> Any:
        """One value of a row as the database gave it."""
        return row[self._at[column]]

    def reference(self, row: Row) -> str:
        """Our reference in a row, as text."""
        value = self.raw(row, self._reference.name) if self._reference else None
        return "" if self._reference is None or value is None else part_text(self._reference, value)

    def record(self, row: Row) -> Record | Fault:
        """What a row says."""
        data = dict(zip(self._names, row, strict=True))
        try:
            for column in self._loads:
                value = data[column.name]
                if value is not None:
                    data[column.name] = column.load(value)
        except UnfitError as error:
            return Fault(f"{self.shape.name} key {self.key(row)} column {column.name}", str(error), self.key(row))
        return self._made(self.key(row), data)

    def held(self, row: Row) -> Held:
        """A row to compare and to show: a value that no record can carry stays as it is spelled."""
        record = self.record(row)
        if isinstance(record, Fault):
            spelled = {c.name: _leniently(c, row[self._at[c.name]]) for c in self._loads}
            record = self._made(self.key(row), dict(zip(self._names, row, strict=True)) | spelled)
        return Held(record, row, self)

    def place(self, row: Row) -> dict[str, Any]:
        """The key and the version of a row as the database gave them."""
        place = {column.name: row[self._at[column.name]] for column in self._key_columns}
        if self._version and self.raw(row, self._version.name) is not None:
            place[self._version.name] = self.raw(row, self._version.name)
        return place

    def _made(self, key: str, data: dict[str, Any]) -> Record:
        version, deleted = None, False
        if self._version is not None:
            value = data[self._version.name]
            version = None if value is None else part_text(self._version, value)
        if self._mark is not None:
            value = data[self._mark.column]
            deleted = bool(value == self._mark.value) if self._mark.value is not None else bool(value)
        for name in self._hidden:
            del data[name]
        return Record(key, data, version, deleted)


def _leniently(column: Column, value: Any) -> Any:
    try:
        return None if value is None else column.load(value)
    except UnfitError:
        return str(value)
