"""Everywhere a secret could come to lie: each place, read whole."""

import base64
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.hubs import Hub

Blob = tuple[str, bytes]
"""Where it is, and what is there."""
LETTERS = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


def database(hub: Hub) -> Iterator[Blob]:
    """Every value of every table."""
    if "DATABASE_URL" in hub.settings:
        yield from _postgresql(hub.settings["DATABASE_URL"])
        return
    for file in sorted(hub.state.glob("*.sqlite3")):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as base:
            for (table,) in base.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in base.execute(f'select * from "{table}"'):
                    yield f"table {table}", _bytes(row)


def _postgresql(address: str) -> Iterator[Blob]:
    with psycopg.connect(address) as base:
        tables = base.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (table,) in tables:
            for row in base.execute(sql.SQL("select * from {}").format(sql.Identifier(table))):
                yield f"table {table}", _bytes(row)


def redis(hub: Hub) -> Iterator[Blob]:
    """Every key and value, and what they hold packed: RQ keeps the text of failures so."""
    with closing(hub.redis()) as store:
        for key in store.scan_iter():
            yield f"redis {key.decode('utf-8', 'replace')[:60]}", b"\n".join([key, *_values(store, key)])


READERS: dict[bytes, Callable[[Any, bytes], list[Any]]] = {
    b"string": lambda store, key: [store.get(key)],
    b"hash": lambda store, key: [each for pair in store.hgetall(key).items() for each in pair],
    b"list": lambda store, key: store.lrange(key, 0, -1),
    b"set": lambda store, key: list(store.smembers(key)),
    b"zset": lambda store, key: store.zrange(key, 0, -1),
    b"stream": lambda store, key: [each for _, fields in store.xrange(key) for each in fields.values()],
}


def _values(store: Any, key: bytes) -> Iterator[bytes]:
    for value in READERS[store.type(key)](store, key):
        yield from _unpacked(value or b"")


def _unpacked(value: bytes) -> Iterator[bytes]:
    """The value, and what it is when it was packed by zlib, also within base64."""
    yield value
    for packed in [value, *(_decoded(found) for found in LETTERS.findall(value))]:
        try:
            yield zlib.decompress(packed)
        except zlib.error:
            continue


def _decoded(letters: bytes) -> bytes:
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except ValueError:
        return b""


def files(hub: Hub) -> Iterator[Blob]:
    """Every file of the state folder: logs, what was printed, what Redis wrote, the database with what it deleted."""
    for file in hub.state.rglob("*"):
        if file.is_file():
            yield f"file {file.relative_to(hub.state)}", b"\n".join(_unpacked(file.read_bytes()))


def processes(hub: Hub) -> Iterator[Blob]:
    """Command lines and environments of all its processes."""
    for pid in hub.family():
        for what in ("cmdline", "environ"):
            try:
                yield f"{what} of process", Path(f"/proc/{pid}/{what}").read_bytes()
            except OSError:
                continue


def _bytes(row: tuple[object, ...]) -> bytes:
    return b"\n".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
        for value in row
        if value is not None
    )
