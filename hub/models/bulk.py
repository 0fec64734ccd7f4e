"""Set-based writes: one statement for a page of rows, on PostgreSQL and SQLite alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

Rows = Sequence[Sequence[Any]]
# PostgreSQL needs each array's type; a JSON column travels as text and is cast on arrival.
Columns = Mapping[str, str]


def upsert(table: str, *, key: Sequence[str], columns: Columns, rows: Rows) -> None:
    """Insert `rows` (values in the order of `columns`), or update those whose `key` is there already."""
    if not rows:
        return
    names = ", ".join(columns)
    kept = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    tail = f"on conflict ({', '.join(key)}) do update set {kept}" if kept else "on conflict do nothing"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            source = f"select {_cast(columns)} from {_unnest(columns)}"  # noqa: S608  names come from code only
            cursor.execute(f"insert into {table} ({names}) {source} {tail}", _arrays(rows))
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"insert into {table} ({names}) values ({marks}) {tail}", rows)  # noqa: S608


def insert(table: str, *, columns: Columns, rows: Rows) -> None:
    """Insert `rows` (values in the order of `columns`)."""
    if not rows:
        return
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            source = f"select {_cast(columns)} from {_unnest(columns)}"  # noqa: S608  names come from code only
            cursor.execute(f"insert into {table} ({names}) {source}", _arrays(rows))
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"insert into {table} ({names}) values ({marks})", rows)  # noqa: S608


def reserve(table: str, count: int) -> list[int]:
    """Ids for `count` rows to be inserted in this transaction, so that a page goes in with one statement."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)", [table, count]
            )
            return [row[0] for row in cursor.fetchall()]
        # One writer at a time: the transaction is IMMEDIATE, so nobody else takes these.
        cursor.execute("select coalesce((select seq from sqlite_sequence where name = %s), 0)", [table])
        last: int = cursor.fetchone()[0]
        return list(range(last + 1, last + 1 + count))


def update(table: str, *, columns: Columns, rows: Rows) -> None:
    """Set `columns` of the rows whose id stands first in each of `rows`: (id, value, value, …)."""
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            typed = {"id": "bigint", **columns}
            values = ", ".join(f"{name} = {_cast({name: kind})}" for name, kind in columns.items())
            sql = f"update {table} as kept set {values} from {_unnest(typed)} where kept.id = fresh.id"  # noqa: S608
            cursor.execute(sql, _arrays(rows))
        else:
            values = ", ".join(f"{name} = %s" for name in columns)
            turned = [(*row[1:], row[0]) for row in rows]
            cursor.executemany(f"update {table} set {values} where id = %s", turned)  # noqa: S608


def _unnest(columns: Columns) -> str:
    """The page as a table called `fresh`."""
    arrays = ", ".join(f"%s::{'text' if kind == 'jsonb' else kind}[]" for kind in columns.values())
    return f"unnest({arrays}) as fresh({', '.join(columns)})"


def _cast(columns: Columns) -> str:
    return ", ".join(f"fresh.{name}::jsonb" if kind == "jsonb" else f"fresh.{name}" for name, kind in columns.items())


def _arrays(rows: Rows) -> list[list[Any]]:
    """Rows turned into one array a column."""
    return [list(column) for column in zip(*rows, strict=True)]
