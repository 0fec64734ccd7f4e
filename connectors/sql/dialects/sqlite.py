"""SQLite: a file on this machine. It takes any value in any column, so this module judges them itself."""

import base64
import binascii
import sqlite3
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import QueuePool

from connectors.sql.column import Column, Kind, UnfitError, json_of, written
from connectors.sql.dialect import Dialect, Habits
from connectors.sql.trouble import Trouble, Verdict
from hub.sdk import Settings

DIGITS = 15  # a number with a point is a double to SQLite
LARGEST = 2**63
RETURNING = (3, 35, 0)  # the version that learned it

# Beginnings of SQLite's names for its errors, the longer ones first.
MEANINGS: tuple[tuple[str, Verdict, str], ...] = (
    ("SQLITE_CONSTRAINT_UNIQUE", Verdict.RECORD, "unique"),
    ("SQLITE_CONSTRAINT_PRIMARYKEY", Verdict.RECORD, "unique"),
    ("SQLITE_CONSTRAINT_ROWID", Verdict.RECORD, "unique"),
    ("SQLITE_CONSTRAINT_NOTNULL", Verdict.RECORD, "not-null"),
    ("SQLITE_CONSTRAINT_CHECK", Verdict.RECORD, "check"),
    ("SQLITE_CONSTRAINT_FOREIGNKEY", Verdict.RECORD, "foreign-key"),
    ("SQLITE_CONSTRAINT", Verdict.RECORD, "refused"),
    ("SQLITE_MISMATCH", Verdict.RECORD, "type"),
    ("SQLITE_TOOBIG", Verdict.RECORD, "too-long"),
    ("SQLITE_CANTOPEN", Verdict.SETTING, "no-database"),
    ("SQLITE_NOTADB", Verdict.SETTING, "no-database"),
    ("SQLITE_CORRUPT", Verdict.SETTING, "damaged"),
    ("SQLITE_READONLY", Verdict.SETTING, "read-only"),
    ("SQLITE_PERM", Verdict.SETTING, "permission"),
    ("SQLITE_AUTH", Verdict.SETTING, "permission"),
    ("SQLITE_INTERRUPT", Verdict.LATER, "timeout"),
    ("SQLITE_BUSY", Verdict.LATER, "locked"),
    ("SQLITE_LOCKED", Verdict.LATER, "locked"),
    ("SQLITE_FULL", Verdict.LOST, "resources"),
    ("SQLITE_IOERR", Verdict.LOST, "system"),
    ("SQLITE_NOMEM", Verdict.LATER, "resources"),
)


def origin(config: Mapping[str, Any]) -> str:
    """The place a config points at: the file, with its whole path."""
    return f"sqlite://{_path(config)}"


def _path(config: Mapping[str, Any]) -> Path:
    return Path(str(config.get("database") or "")).absolute()


def engine(settings: Settings) -> sa.Engine:
    """One connection at most; a file that is not there is an error and never created."""
    path = _path(settings.config)

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=settings.timeout,
            isolation_level=None,  # transactions begin where this connector says, see _begin
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    made = sa.create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, pool_size=1, max_overflow=0, hide_parameters=True
    )
    event.listen(made, "begin", _begin)
    return made


def _begin(connection: sa.Connection) -> None:
    # A transaction that will write takes its lock first: one that reads and then writes can be refused halfway.
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def types(connection: sa.Connection, table: str, schema: str | None) -> dict[str, str]:
    """SQLite casts nothing."""
    return {}


def habits(connection: sa.Connection, table: str, schema: str | None) -> Habits:
    """What the table does by itself; with a trigger nothing is taken for granted."""
    master = f"{connection.dialect.identifier_preparer.quote(schema)}.sqlite_master" if schema else "sqlite_master"
    query = sa.text(
        f"select count(*) from {master} where lower(tbl_name) = lower(:table)"  # noqa: S608  quoted above
        " and (type = 'trigger' or sql like 'create virtual%')"
    )
    is_plain = sqlite3.sqlite_version_info >= RETURNING and not connection.execute(query, {"table": table}).scalar()
    return Habits(adds=is_plain, tells=is_plain)


def dump(column: Column, value: Any) -> Any:
    """The value as SQLite stores it. Raises UnfitError for one that the column's declared type does not allow."""
    if value is None:
        return None
    if column.kind is Kind.JSON:
        return json_of(column, value)
    if isinstance(value, Mapping | list | tuple):
        raise UnfitError(f"{column.name}: takes one value, not a list or an object")
    if column.kind is Kind.BINARY:
        return _bytes(column, value)
    return _stored(column, column.load(value), value)


def _stored(column: Column, loaded: Any, value: Any) -> Any:
    if isinstance(loaded, Decimal):
        return written(_exact(column, loaded))
    if isinstance(loaded, bool):
        return int(loaded)
    if isinstance(loaded, int) and not -LARGEST <= loaded < LARGEST:
        raise UnfitError(f"{column.name}: {loaded} is too large for SQLite")
    if isinstance(loaded, datetime | date):
        return written(value)  # in the spelling it came in: SQLite compares times as texts
    return _text(column, loaded) if isinstance(loaded, str) else loaded


def _exact(column: Column, number: Decimal) -> Decimal:
    if len(number.normalize().as_tuple().digits) > DIGITS:
        raise UnfitError(f"{column.name}: {number} has more than the {DIGITS} digits that SQLite keeps")
    return number


def _text(column: Column, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnfitError(f"{column.name}: holds half a character (a lone surrogate)") from None
    return value


def _bytes(column: Column, value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise UnfitError(f"{column.name}: is not Base64") from None


def diagnose(error: BaseException) -> Trouble:
    """What an error of SQLite means."""
    original = getattr(error, "orig", None) or error
    name = getattr(original, "sqlite_errorname", None) or ""
    message = str(original)
    for beginning, verdict, code in MEANINGS:
        if name.startswith(beginning):
            return Trouble(verdict, code, message)
    if message.startswith("no such table"):
        return Trouble(Verdict.SETTING, "no-table", message)
    if message.startswith("no such savepoint"):  # a trigger rolled the whole transaction back
        return Trouble(Verdict.LATER, "rolled-back", message)
    return Trouble(Verdict.RECORD, "refused" if name else "type", message)


def abort(driver_connection: Any) -> None:
    """Stop whatever statement is running."""
    try:
        driver_connection.interrupt()
    except sqlite3.ProgrammingError:
        return  # it was closed in the meantime


SQLITE = Dialect(
    origin=origin,
    engine=engine,
    types=types,
    dump=dump,
    diagnose=diagnose,
    abort=abort,
    ping=lambda _: None,  # a file does not hang up
    insert=insert,
    habits=habits,
    landing=lambda _: 1,  # a transaction of a process that died is undone by whoever opens the file next
)
