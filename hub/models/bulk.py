"""Set-based writes: one statement for a page of rows, on PostgreSQL and SQLite alike.

On PostgreSQL a page travels as one array for each column, spelled here: the driver takes ten times as long over
texts that hold quotes, as JSON does. A column that says the same in every row travels once.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection

Rows = Sequence[Sequence[Any]]
# PostgreSQL needs each array's type; a JSON column travels as text and is cast on arrival.
Columns = Mapping[str, str]
DENSE = 4  # ids of which at least one in so many is wanted are read as a range


def upsert(table: str, *, key: Sequence[str], columns: Columns, rows: Rows, adding: Sequence[str] = ()) -> None:
    """Insert `rows` (values in the order of `columns`), or update those whose `key` is there already.

    Columns in `adding` are added to what is there instead of replacing it.
    """
    added = {name: f"{table}.{name} + " for name in adding}
    kept = ", ".join(f"{name} = {added.get(name, '')}excluded.{name}" for name in columns if name not in key)
    tail = f"on conflict ({', '.join(key)}) do update set {kept}" if kept else "on conflict do nothing"
    _insert(table, columns, rows, tail)


def upsert_named(table: str, *, key: Sequence[str], columns: Columns, rows: Rows) -> dict[str, int]:
    """The same, and the id of each row by the last column of its `key`."""
    if not rows:
        return {}
    kept = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    tail = f"on conflict ({', '.join(key)}) do update set {kept} returning {key[-1]}, id"
    if connection.vendor == "postgresql":
        fresh = _Fresh(columns, rows)
        with bound() as cursor:
            cursor.execute(fresh.insertion(table, columns, tail), fresh.parameters)
            return dict(cursor.fetchall())
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for row in rows:  # only a single row tells its id
            cursor.execute(_insertion(table, columns, tail), row)
            found |= dict(cursor.fetchall())
    return found


def insert(table: str, *, columns: Columns, rows: Rows) -> None:
    """Insert `rows` (values in the order of `columns`)."""
    _insert(table, columns, rows, "")


def reserve(table: str, count: int) -> list[int]:
    """Ids for `count` rows to be inserted in this transaction, so that a page goes in with one statement."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The sequence is looked up once: for each row it would take longer than the row's number does.
            cursor.execute(
                "select nextval(of) from (select pg_get_serial_sequence(%s, 'id')::regclass as of offset 0) as one, "
                "generate_series(1, %s)",
                [table, count],
            )
            return [row[0] for row in cursor.fetchall()]
        # One writer at a time: the transaction is IMMEDIATE, so nobody else takes these.
        cursor.execute("select coalesce((select seq from sqlite_sequence where name = %s), 0)", [table])
        last: int = cursor.fetchone()[0]
        return list(range(last + 1, last + 1 + count))


def update(table: str, *, columns: Columns, rows: Rows, only: Mapping[str, Any] | None = None) -> int:
    """Set `columns` of the rows whose id stands first in each of `rows`: (id, value, value, …).

    `only`: what these rows must still hold; others are left as they are. Returns how many were set.
    """
    if not rows:
        return 0
    must = dict(only or {})
    if connection.vendor == "postgresql":
        fresh = _Fresh({"id": "bigint", **columns}, rows, keep={"id"})
        values = ", ".join(f"{name} = {fresh.cast(name)}" for name in columns)
        still = "".join(f" and kept.{name} = %(still_{name})s" for name in must) + _near([row[0] for row in rows])
        sql = f"update {table} as kept set {values} from {fresh.source} where kept.id = fresh.id{still}"  # noqa: S608
        return fresh.execute(sql, {f"still_{name}": value for name, value in must.items()})
    values = ", ".join(f"{name} = %s" for name in columns)
    still = "".join(f" and {name} = %s" for name in must)
    turned = [(*row[1:], row[0], *must.values()) for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(f"update {table} set {values} where id = %s{still}", turned)  # noqa: S608
        return int(cursor.rowcount)


def _near(ids: Sequence[int]) -> str:
    """Where ids that lie together are to be looked for: a young table would be read whole for each page otherwise."""
    first, last = min(ids), max(ids)
    is_dense = last - first < DENSE * len(ids)
    return f" and kept.id between {int(first)} and {int(last)}" if is_dense else ""


def _insert(table: str, columns: Columns, rows: Rows, tail: str) -> None:
    if not rows:
        return
    if connection.vendor == "postgresql":
        fresh = _Fresh(columns, rows)
        fresh.execute(fresh.insertion(table, columns, tail))
        return
    with connection.cursor() as cursor:
        cursor.executemany(_insertion(table, columns, tail), rows)


def _insertion(table: str, columns: Columns, tail: str) -> str:
    """One row's statement for SQLite."""
    marks = ", ".join(["%s"] * len(columns))
    return f"insert into {table} ({', '.join(columns)}) values ({marks}) {tail}"  # noqa: S608


class _Fresh:
    """A page of rows as a table called `fresh`, and what stands for each of its columns in a statement."""

    def __init__(self, columns: Columns, rows: Rows, keep: frozenset[str] | set[str] = frozenset()) -> None:
        self._casts: dict[str, str] = {}
        self.parameters: dict[str, str | None] = {}
        arrays: dict[str, str] = {}
        sent: dict[str, tuple[str, Sequence[Any]]] = {}
        for (name, kind), column in zip(columns.items(), zip(*rows, strict=True), strict=True):
            if name not in keep and len(rows) > 1 and len(set(column)) == 1:
                self._casts[name] = f"%({name})s::{kind}"
                self.parameters[name] = None if column[0] is None else _text(column[0])
                continue
            travels = "text" if kind == "jsonb" else kind
            # Columns that say the same travel once. Unlike ones part at their first value, so asking costs little.
            same = next((other for other, (sort, held) in sent.items() if sort == travels and held == column), name)
            self._casts[name] = f"fresh.{same}::jsonb" if kind == "jsonb" else f"fresh.{same}"
            if same == name:
                sent[name] = (travels, column)
                self.parameters[name] = spelled(column)
                arrays[name] = f"%({name})s::{travels}[]"
        if not arrays:  # every row says the same: only their number is left
            self.source = f"generate_series(1, {len(rows)}) as fresh"
        else:
            self.source = f"unnest({', '.join(arrays.values())}) as fresh({', '.join(arrays)})"

    def cast(self, name: str) -> str:
        """What stands for a column."""
        return self._casts[name]

    def insertion(self, table: str, columns: Columns, tail: str) -> str:
        """The statement that inserts this page."""
        values = ", ".join(self.cast(name) for name in columns)
        return f"insert into {table} ({', '.join(columns)}) select {values} from {self.source} {tail}"  # noqa: S608

    def execute(self, statement: str, more: Mapping[str, Any] | None = None) -> int:
        """Run a statement that uses this page, and perhaps `more` parameters; returns how many rows it touched."""
        with bound() as cursor:
            cursor.execute(statement, {**self.parameters, **(more or {})})
            return cursor.rowcount


@contextmanager
def bound() -> Iterator[psycopg.Cursor[Any]]:
    """A cursor of the present connection that sends its parameters beside the statement, not written into it."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def spelled(values: Sequence[Any]) -> str:
    """Values as one array in PostgreSQL's spelling. Raises ValueError for a text that holds a NUL."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return f"{{{','.join(map(str, values))}}}"
    if kinds == {str}:
        joined = "\0".join(values)
        if joined.count("\0") != len(values) - 1:
            raise ValueError("PostgreSQL takes no NUL character in a text.")
        # No text holds a NUL, so it can stand between the texts while all of them are escaped in one go.
        return '{"' + _escaped(joined).replace("\0", '","') + '"}'
    return "{" + ",".join("NULL" if value is None else f'"{_escaped(_text(value))}"' for value in values) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _text(value: Any) -> str:
    """A value as PostgreSQL reads it."""
    if type(value) is str:
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    return str(value)
