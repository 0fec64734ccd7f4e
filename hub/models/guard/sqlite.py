"""The guard in SQLite's words: triggers that name each column, and that look for who writes in a table of one row."""

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import JSONField

from hub.models.guard.governed import APPEND_ONLY, GOVERNED, Governed

NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
# What must not stand twice: REPLACE would remove the row that stands first, and no trigger of its own would tell.
UNIQUE = {"hub_sealedentry": ("seq", ("kind", "entry_id")), "hub_seal": ("number", "last")}


def missing(connection: BaseDatabaseWrapper, tables: set[str]) -> list[str]:
    """What is not there as it should be."""
    there = _there(connection)
    return [name for name, sql in _wanted(connection, tables).items() if there.get(name) != sql]


def install(connection: BaseDatabaseWrapper, tables: set[str]) -> None:
    """Put up whatever is missing."""
    there, wanted = _there(connection), _wanted(connection, tables)
    with connection.cursor() as cursor:
        for name, sql in wanted.items():
            if there.get(name) != sql:
                cursor.execute(f"drop trigger if exists {name}")
                cursor.execute(sql)


def remove(connection: BaseDatabaseWrapper, tables: set[str]) -> None:
    """Take all of it down."""
    with connection.cursor() as cursor:
        for name in _there(connection):
            cursor.execute(f"drop trigger if exists {name}")


def _there(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select name, sql from sqlite_master where type = 'trigger' "
            "and (name like 'hub_append_only_%%' or name like 'hub_captured_%%')"
        )
        return dict(cursor.fetchall())


def _wanted(connection: BaseDatabaseWrapper, tables: set[str]) -> dict[str, str]:
    """How each trigger is created, by its name: in the spelling in which SQLite keeps it."""
    found: dict[str, str] = {}
    for table in (table for table in APPEND_ONLY if table in tables):
        for deed in ("update", "delete"):
            name = f"hub_append_only_{deed}_{table}"
            found[name] = f"CREATE TRIGGER {name} before {deed} on {table} begin {_refusal(deed, table)} end"
        name = f"hub_append_only_replace_{table}"
        found[name] = (
            f"CREATE TRIGGER {name} before insert on {table} when exists (select 1 from {table} as kept "
            f"where {_same(table)}) begin {_refusal('replace', table)} end"
        )
    for governed in (governed for governed in GOVERNED if governed.table in tables):
        found |= _captures(governed, _columns(connection, governed))
    return found


def _refusal(deed: str, table: str) -> str:
    return f"select raise(abort, 'Evidence is append-only: {deed} of {table} is refused.');"


def _same(table: str) -> str:
    groups = [group if isinstance(group, tuple) else (group,) for group in UNIQUE.get(table, ("id",))]
    return " or ".join(
        "(" + " and ".join(f"kept.{column} = new.{column}" for column in group) + ")" for group in groups
    )


def _captures(governed: Governed, columns: list[str]) -> dict[str, str]:
    table = governed.table
    changed = " or ".join(f'old."{column}" is not new."{column}"' for column in columns)
    before, after = _row("old", governed, columns), _row("new", governed, columns)
    said = {
        "insert": ("", "new", "null", after),
        "update": (f" when {changed}", "new", before, after),
        "delete": ("", "old", before, "null"),
    }
    return {
        (name := f"hub_captured_{deed}_{table}"): f"CREATE TRIGGER {name} after {deed} on {table}{when} begin "
        "insert into hub_capturedrow (uid, at, table_name, key, operation, before, after, actor_name, actor_id, "
        "method, request, run_id, database_user) "
        f"select lower(hex(randomblob(16))), {NOW}, '{table}', {side}.id, '{deed}', {was}, {becomes}, "
        f"coalesce({_told('actor')}, 'db-direct'), {_told('actor_id')}, coalesce({_told('method')}, ''), "
        f"coalesce({_told('request')}, ''), {_told('run_id')}, '' "
        "from (select 1) left join hub_captureactor as who on who.id = 1; end"
        for deed, (when, side, was, becomes) in said.items()
    }


def _told(name: str) -> str:
    return f"json_extract(who.told, '$.{name}')"


def _row(side: str, governed: Governed, columns: list[str]) -> str:
    """The row as JSON."""
    json = _json_columns(governed.table)
    parts = []
    for column in columns:
        value = f'{side}."{column}"'
        if column in governed.sealed:
            value = f"substr(case typeof({value}) when 'blob' then lower(hex({value})) else {value} end, -8)"
        elif column in json:
            value = f"json({value})"
        parts.append(f"'{column}', {value}")
    return f"json_object({', '.join(parts)})"


def _columns(connection: BaseDatabaseWrapper, governed: Governed) -> list[str]:
    """The columns that the table has now, without those that say nothing."""
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, governed.table)
    return [column.name for column in described if column.name not in governed.hot]


def _json_columns(table: str) -> set[str]:
    return {
        field.column
        for model in apps.get_models(include_auto_created=True)
        if model._meta.db_table == table
        for field in model._meta.concrete_fields
        if isinstance(field, JSONField) and field.column
    }
