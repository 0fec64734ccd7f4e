"""Arrays as PostgreSQL reads them without parsing: for a statement that runs thousands of times a second."""

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
DAY, SECOND = 86_400_000_000, 1_000_000  # in microseconds
LENGTH = struct.Struct("!i").pack
BIGINT = struct.Struct("!q").pack
# One dimension, no nulls; the type of its values; how many; counted from one.
HEAD = struct.Struct("!iiIii").pack


class Column(bytes):
    """The values of one column, ready to travel."""


class _Ready(Dumper):
    """Nothing is left to do. The type is told by the cast in the statement."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Column) -> Column:
        return obj


psycopg.adapters.register_dumper(Column, _Ready)


def _time(at: datetime) -> bytes:
    since = at - EPOCH
    return BIGINT(since.days * DAY + since.seconds * SECOND + since.microseconds)


def _jsonb(text: str) -> bytes:
    return b"\1" + text.encode()


# For each type its number in PostgreSQL's catalogue and how a value is written.
TYPES: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {
    "bigint": (20, BIGINT),
    "int": (23, LENGTH),
    "text": (25, str.encode),
    "bytea": (17, bytes),
    "timestamptz": (1184, _time),
    "jsonb": (3802, _jsonb),
}


def columns(rows: Sequence[Sequence[Any]], types: Sequence[str]) -> list[Column]:
    """The rows as one array a column. No value may be null."""
    return [_column(values, *TYPES[kind]) for values, kind in zip(zip(*rows, strict=True), types, strict=True)]


def _column(values: Sequence[Any], oid: int, write: Callable[[Any], bytes]) -> Column:
    parts = [HEAD(1, 0, oid, len(values), 1)]
    for value in values:
        written = write(value)
        parts += (LENGTH(len(written)), written)
    return Column(b"".join(parts))
