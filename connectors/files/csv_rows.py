"""Reads comma-separated rows: each becomes a record, or a fault that names line and column."""

import csv
from collections.abc import Iterator
from operator import itemgetter

from connectors.files.flaws import flaw_of
from connectors.files.keys import key_of
from connectors.files.lines import Lines, TooLongError
from connectors.files.row import Row
from connectors.files.spec import FileSpec
from hub.sdk import ConfigError, Fault, Record, TransientError


class CsvRows:
    """The rows of one file."""

    def __init__(self, name: str, lines: Lines, spec: FileSpec) -> None:
        self._name, self._lines, self._spec = name, lines, spec
        self._reader = csv.reader(lines, delimiter=spec.delimiter, strict=True)
        self.header = self._header()
        self._width = len(self.header)
        self._key = [self._position(column) for column in spec.key]
        self._key_of = itemgetter(self._key[0]) if len(self._key) == 1 else self._composite
        self._version = self._position(spec.version) if spec.version else -1
        wanted = [self._position(column) for column in spec.columns] if spec.header else []
        self._names = tuple(self.header[position] for position in wanted) or self.header
        self._pick = itemgetter(*wanted, *wanted[-1:]) if wanted else None  # twice the last: always a tuple

    def numbered(self, file: int) -> Iterator[Row]:
        """Every row, with the number of its file and its line."""
        lines, reader, made = self._lines, self._reader, self._item
        while True:
            start = lines.number + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except (csv.Error, TooLongError) as error:
                yield file, start, self._broken(start, error)
                continue
            if row:  # a blank line is no row
                yield file, start, made(row, start)

    def _item(self, row: list[str], line: int) -> Record | Fault:
        if len(row) != self._width:
            return self._uneven(row, line)
        text = "".join(row)
        if (not text.isascii() or "\0" in text) and flaw_of(text, self._spec.encoding):
            return self._flawed(row, line)
        key = self._key_of(row)
        if not key:
            return self._fault(line, next(p for p in self._key if not row[p]), "the key is empty")
        version = row[self._version] or None if self._version >= 0 else None
        return Record(key, dict(zip(self._names, self._pick(row) if self._pick else row)), version)  # noqa: B905  counted above

    def _composite(self, row: list[str]) -> str:
        parts = [row[position] for position in self._key]
        return key_of(parts) if all(parts) else ""

    def _header(self) -> tuple[str, ...]:
        if not self._spec.header:
            return self._spec.columns
        try:
            header = next(self._reader, [])
        except (csv.Error, TooLongError) as error:
            raise ConfigError(f"{self._name} line 1: the header cannot be read: {error}.") from None
        if not header:
            raise TransientError(f"{self._name} is empty, it has not even a header; it may still be being written.")
        twice = sorted({name for name in header if header.count(name) > 1})
        wrong = next((flaw for name in header if (flaw := flaw_of(name, self._spec.encoding))), "")
        if twice or wrong or "" in header:
            told = wrong or (f"{', '.join(twice)} is there twice" if any(twice) else "a column has no name")
            raise ConfigError(f"{self._name} line 1: the header cannot be used: {told}.")
        return tuple(header)

    def _position(self, column: str) -> int:
        if column not in self.header:
            raise ConfigError(f"{self._name} has no column {column}; it has {', '.join(self.header)}.")
        return self.header.index(column)

    def _uneven(self, row: list[str], line: int) -> Fault:
        if len(row) < self._width:
            return self._fault(line, len(row), f"the row ends before it: {len(row)} of {self._width} columns")
        where = f"{self._name} line {line} column {self._width + 1}"
        return Fault(where, f"the row goes on: {len(row)} columns instead of {self._width}")

    def _flawed(self, row: list[str], line: int) -> Fault:
        flaws = [flaw_of(value, self._spec.encoding) for value in row]
        found = next(position for position, flaw in enumerate(flaws) if flaw)
        key = None if any(flaws[position] for position in self._key) else self._key_of(row)
        return self._fault(line, found, flaws[found], key)

    def _broken(self, line: int, error: Exception) -> Fault:
        last = self._lines.number
        where = f"{self._name} line {line}" + (f" to {last}" if last > line else "")
        return Fault(where, f"the row cannot be taken apart: {error}")

    def _fault(self, line: int, position: int, message: str, key: str | None = None) -> Fault:
        column = f"column {position + 1} ({self.header[position]})"
        return Fault(f"{self._name} line {line} {column}", message, key or None)
