"""PostgreSQL through psycopg 3."""

import base64
import binascii
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import NullType, UserDefinedType

from connectors.sql.column import Column, Kind, UnfitError, json_of
from connectors.sql.dialect import Dialect, Habits
from connectors.sql.line import is_stale, pin
from connectors.sql.trouble import Trouble, Verdict
from hub.sdk import ConfigError, Settings

PORT = 5432
# SQLSTATE beginnings, the longer ones first.
MEANINGS: tuple[tuple[str, Verdict, str], ...] = (
    ("22001", Verdict.RECORD, "too-long"),
    ("22003", Verdict.RECORD, "range"),
    ("22007", Verdict.RECORD, "type"),
    ("22008", Verdict.RECORD, "range"),
    ("22P02", Verdict.RECORD, "type"),
    ("23502", Verdict.RECORD, "not-null"),
    ("23503", Verdict.RECORD, "foreign-key"),
    ("23505", Verdict.RECORD, "unique"),
    ("23514", Verdict.RECORD, "check"),
    ("25006", Verdict.SETTING, "read-only"),
    ("3D000", Verdict.SETTING, "no-database"),
    ("3F000", Verdict.SETTING, "no-schema"),
    ("42501", Verdict.ACCESS, "permission"),
    ("42804", Verdict.RECORD, "type"),
    ("42P01", Verdict.SETTING, "no-table"),
    ("08", Verdict.LOST, "connection"),
    ("28", Verdict.ACCESS, "auth"),
    ("40003", Verdict.LOST, "unknown"),
    ("40", Verdict.LATER, "serialization"),
    ("53", Verdict.LATER, "resources"),
    ("55", Verdict.LATER, "locked"),
    ("57014", Verdict.LATER, "timeout"),
    ("57", Verdict.LOST, "shutdown"),
    ("58", Verdict.LOST, "system"),
)
# A refused connection brings no SQLSTATE, only the server's English or translated sentence.
REFUSED_LOGIN = ("authentication failed", "no password supplied", "not permitted to log in", "pg_hba.conf")
PLAIN = frozenset({int, float, bool, Decimal, date, datetime, type(None)})
NAMED_COLUMNS = {"23503", "23505"}  # details that say no more than the key that is in the way


HORIZON = """
select found.at, found.at::timestamp from (
  select greatest(least(min(xact_start), clock_timestamp()), clock_timestamp() - interval '1 day') as at
  from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
) as found
"""


class Spelled(UserDefinedType[Any]):
    """A type by its name, for casts of lists."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """The type as the statement spells it."""
        return self.name


def origin(config: Mapping[str, Any]) -> str:
    """The place a config points at."""
    return f"postgresql://{_host(config)}:{int(config.get('port') or PORT)}"


def _host(config: Mapping[str, Any]) -> str:
    host = str(config.get("host") or "").strip().lower()
    if not host or host.startswith(("/", "@")) or "," in host:
        raise ConfigError("host: one name or address of the PostgreSQL server is needed.")
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def engine(settings: Settings) -> sa.Engine:
    """One connection at most, opened when first used, bound to the deadline."""
    config, password = settings.config, settings.secrets.get("password")
    url = sa.URL.create(
        "postgresql+psycopg",
        username=config.get("user") or None,
        password=password.reveal() if password else None,
        host=_host(config).strip("[]"),
        port=int(config.get("port") or PORT),
        database=config.get("database"),
    )
    made = sa.create_engine(
        url,
        connect_args=_connect_args(config, settings.timeout) | ({} if password else {"password": ""}),
        poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=settings.timeout, hide_parameters=True,
    )  # fmt: skip
    pin(made, str(url.host), int(url.port or PORT))
    return made


def _connect_args(config: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    limit = max(1, int(timeout * 1000))
    waits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    options = [f"-c {name}={limit}" for name in waits] + ["-c datestyle=ISO", "-c client_min_messages=error"]
    mode = config.get("sslmode") or "prefer"
    return {
        "options": " ".join(options),
        "connect_timeout": max(2, int(timeout)),
        "tcp_user_timeout": limit,
        "application_name": "integration-hub",
        "sslmode": mode,
        "passfile": f"{os.devnull}/none",  # only the connection's own secret counts, no file or variable of the machine
        **({"sslrootcert": "system"} if mode == "verify-full" else {}),
    }


def types(connection: sa.Connection, table: str, schema: str | None) -> dict[str, str]:
    """The castable type name of each column; a cast to it never cuts anything off."""
    query = sa.text(
        "select a.attname, format_type(a.atttypid, -1) from pg_attribute a"
        " join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace"
        " where c.relname = :table and n.nspname = coalesce(:schema, current_schema())"
        " and a.attnum > 0 and not a.attisdropped"
    ).bindparams(sa.bindparam("schema", type_=sa.Text), sa.bindparam("table", type_=sa.Text))
    found = connection.execute(query, {"table": table, "schema": schema})
    return {str(name): str(spelled) for name, spelled in found}


# A row-level policy may hide what was written, a rule or a deferred constraint refuses `on conflict`, and what a
# partition does by itself is not looked for here. A trigger may change a row after the statement gave it back.
HABITS = """
select c.relkind = 'r' and not c.relrowsecurity
  and not exists (select from pg_rewrite r where r.ev_class = c.oid)
  and not exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and not i.indimmediate),
  exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relname = :table and n.nspname = coalesce(:schema, current_schema())
"""


def habits(connection: sa.Connection, table: str, schema: str | None) -> Habits:
    """What the table does by itself."""
    query = sa.text(HABITS).bindparams(sa.bindparam("schema", type_=sa.Text), sa.bindparam("table", type_=sa.Text))
    row = connection.execute(query, {"table": table, "schema": schema}).first()
    return Habits() if row is None else Habits(adds=row[0], tells=row[0] and not row[1])


def given(columns: Mapping[str, Column], lists: Mapping[str, Sequence[str | None]]) -> sa.FromClause:
    """Lists as a table: `unnest`, each list cast to its column's own type."""
    arrays = (sa.cast(_array(lists[n]), Spelled(f"{column.type_name}[]")) for n, column in columns.items())
    return sa.func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def _array(values: Sequence[str | None]) -> sa.BindParameter[Any]:
    """A list in PostgreSQL's own spelling; the driver's own way takes several times as long."""
    if None in values:
        spelled = ",".join("NULL" if value is None else f'"{_escaped(value)}"' for value in values)
    else:
        # No text holds a NUL, so it can stand between the texts while all of them are escaped in one go.
        spelled = '"' + _escaped("\0".join(values)).replace("\0", '","') + '"'  # type: ignore[arg-type]  # none is None
    return sa.bindparam(None, "{" + spelled + "}", NullType())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def dump(column: Column, value: Any) -> Any:
    """What psycopg takes. PostgreSQL itself judges the rest, in its own words."""
    kind = column.kind
    if kind is Kind.JSON:
        return None if value is None else json_of(column, value)
    if type(value) in PLAIN:
        return value
    if isinstance(value, str):
        return _text(column, value)
    if isinstance(value, Mapping) or (isinstance(value, list | tuple) and kind is not Kind.ARRAY):
        raise UnfitError(f"{column.name}: takes one value, not a list or an object")
    return value


def _text(column: Column, value: str) -> str | bytes:
    if column.kind is Kind.STRING and "\0" not in value and value.isascii():
        return value
    if "\0" in value:
        raise UnfitError(f"{column.name}: PostgreSQL takes no NUL character in a text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnfitError(f"{column.name}: holds half a character (a lone surrogate)") from None
    if column.kind is Kind.BINARY:
        return _bytes(column, value)
    if column.kind is Kind.DATE or column.kind is Kind.DATETIME:
        column.load(value)  # PostgreSQL would take “yesterday”, and guess what 01/02/2026 means
    return value


def _bytes(column: Column, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise UnfitError(f"{column.name}: is not Base64") from None


def diagnose(error: BaseException) -> Trouble:
    """What an error of psycopg, libpq or the server means."""
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None) or ""
    message = _message(original, state)
    for beginning, verdict, code in MEANINGS:
        if state.startswith(beginning) and "row-level security" not in message:
            return Trouble(verdict, code, message)
    if state:
        return Trouble(Verdict.RECORD, "refused", message)
    return _without_state(error, original, message)


def _without_state(error: BaseException, original: BaseException, message: str) -> Trouble:
    operational = type(original).__name__ in {"OperationalError", "ConnectionTimeout", "InterfaceError"}
    if not operational and not (isinstance(error, DBAPIError) and error.connection_invalidated):
        return Trouble(Verdict.RECORD, "type", message)
    if any(sign in message for sign in REFUSED_LOGIN) or ("role " in message and "does not exist" in message):
        return Trouble(Verdict.ACCESS, "auth", message)
    if "database " in message and "does not exist" in message:
        return Trouble(Verdict.SETTING, "no-database", message)
    return Trouble(Verdict.LOST, "connection", message)


def _message(original: BaseException, state: str) -> str:
    """The server's sentence. Details name other columns' values, so only those about a key are kept."""
    diagnostics = getattr(original, "diag", None)
    primary = getattr(diagnostics, "message_primary", None)
    if not primary:
        return " ".join(str(original).split())
    detail = getattr(diagnostics, "message_detail", None) if state in NAMED_COLUMNS else None
    return f"{primary}. {detail}" if detail else str(primary)


def horizon(connection: sa.Connection) -> tuple[datetime, datetime]:
    """When the oldest transaction of this database began that still may commit, by UTC and by the server's local time.

    Sessions of other accounts show it only to members of pg_read_all_stats; without that right the overlap has to do.
    A transaction forgotten for more than a day is not waited for.
    """
    row = connection.execute(sa.text(HORIZON)).one()
    return row[0], row[1]


def ping(driver_connection: Any) -> None:
    """Have the server say something, and leave no transaction behind."""
    driver_connection.execute("select 1")
    driver_connection.rollback()


def abort(driver_connection: Any) -> None:
    """Cut the line: whoever waits on it gets an error at once."""
    handle = driver_connection.pgconn.socket
    if handle < 0:
        return
    line = socket.socket(fileno=os.dup(handle))
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was first
    finally:
        line.close()


POSTGRESQL = Dialect(
    origin=origin,
    engine=engine,
    types=types,
    dump=dump,
    diagnose=diagnose,
    abort=abort,
    ping=ping,
    landing=lambda timeout: 2 * int(timeout) + 1,  # the server's own limit, counted from its last statement
    native=frozenset({Kind.STRING, Kind.INTEGER, Kind.BOOLEAN, Kind.DATE}),
    as_text=frozenset({Kind.OTHER, Kind.JSON}),
    pads=True,
    given=given,
    given_kinds=frozenset(Kind) - {Kind.ARRAY, Kind.BINARY},
    insert=insert,
    habits=habits,
    horizon=horizon,
    stale=is_stale,
)
