"""The guard in PostgreSQL's words: one function that refuses and one that captures, whatever columns a table has."""

from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from hub.models.guard.governed import APPEND_ONLY, GOVERNED

REFUSE, CAPTURE, CAPTURE_ALL = "hub_refuse", "hub_capture", "hub_capture_all"
BODIES = {
    REFUSE: """
begin
  raise exception 'Evidence is append-only: % of % is refused.', lower(TG_OP), TG_TABLE_NAME
    using errcode = 'integrity_constraint_violation';
end
""",
    CAPTURE: """
declare
  who jsonb := coalesce(nullif(current_setting('hub.actor', true), ''), '{}')::jsonb;
  was jsonb;
  becomes jsonb;
  secret text;
begin
  if TG_OP in ('UPDATE', 'DELETE') then was := to_jsonb(old) - TG_ARGV[0]::text[]; end if;
  if TG_OP in ('UPDATE', 'INSERT') then becomes := to_jsonb(new) - TG_ARGV[0]::text[]; end if;
  if TG_OP = 'UPDATE' and was = becomes then return null; end if;
  foreach secret in array TG_ARGV[1]::text[] loop
    was := jsonb_set(was, array[secret], coalesce(to_jsonb(right(was ->> secret, 8)), 'null'));
    becomes := jsonb_set(becomes, array[secret], coalesce(to_jsonb(right(becomes ->> secret, 8)), 'null'));
  end loop;
  insert into hub_capturedrow (uid, at, table_name, key, operation, before, after, actor_name, actor_id, method,
    request, run_id, database_user)
  values (gen_random_uuid(), clock_timestamp(), TG_TABLE_NAME, coalesce(becomes, was) ->> 'id', lower(TG_OP), was,
    becomes, coalesce(who ->> 'actor', 'db-direct'), (who ->> 'actor_id')::bigint, coalesce(who ->> 'method', ''),
    coalesce(who ->> 'request', ''), (who ->> 'run_id')::bigint, session_user);
  return null;
end
""",
}
# A table that is emptied at once tells of no row.
BODIES[CAPTURE_ALL] = """
declare
  who jsonb := coalesce(nullif(current_setting('hub.actor', true), ''), '{}')::jsonb;
begin
  insert into hub_capturedrow (uid, at, table_name, key, operation, actor_name, actor_id, method, request, run_id,
    database_user)
  values (gen_random_uuid(), clock_timestamp(), TG_TABLE_NAME, '', lower(TG_OP), coalesce(who ->> 'actor', 'db-direct'),
    (who ->> 'actor_id')::bigint, coalesce(who ->> 'method', ''), coalesce(who ->> 'request', ''),
    (who ->> 'run_id')::bigint, session_user);
  return null;
end
"""
# pg_trigger.tgtype: each row 1, before 2, insert 4, delete 8, update 16, truncate 32
Wanted = dict[tuple[str, str], tuple[str, str, int, tuple[str, ...]]]


def _wanted(tables: set[str]) -> Wanted:
    """Table and name of each trigger, with how it is written, its function, type and arguments."""
    found: Wanted = {}
    for table in APPEND_ONLY:
        when = "before update or delete or truncate"
        found[table, "hub_append_only"] = (f"{when} on {table} for each statement", REFUSE, 2 | 8 | 16 | 32, ())
    for governed in GOVERNED:
        arguments = (_array(governed.hot), _array(governed.sealed))
        when = f"after insert or update or delete on {governed.table} for each row"
        found[governed.table, "hub_captured"] = (when, CAPTURE, 1 | 4 | 8 | 16, arguments)
        when = f"after truncate on {governed.table} for each statement"
        found[governed.table, "hub_captured_all"] = (when, CAPTURE_ALL, 32, ())
    return {place: how for place, how in found.items() if place[0] in tables}


def missing(connection: BaseDatabaseWrapper, tables: set[str]) -> list[str]:
    """What is not there as it should be."""
    if not tables:
        return []
    return [*_missing_functions(connection), *(f"{name} on {table}" for table, name in _lacking(connection, tables))]


def install(connection: BaseDatabaseWrapper, tables: set[str]) -> None:
    """Put up whatever is missing."""
    with connection.cursor() as cursor:
        for name in _missing_functions(connection):
            cursor.execute(
                f"create or replace function {name}() returns trigger language plpgsql as $${BODIES[name]}$$"
            )
        for (table, name), (when, function, _, arguments) in _lacking(connection, tables).items():
            given = ", ".join(f"'{argument}'" for argument in arguments)
            cursor.execute(f"drop trigger if exists {name} on {table}")
            cursor.execute(f"create trigger {name} {when} execute function {function}({given})")
            # Also where the session calls itself a replica.
            cursor.execute(f"alter table {table} enable always trigger {name}")


def remove(connection: BaseDatabaseWrapper, tables: set[str]) -> None:
    """Take all of it down."""
    with connection.cursor() as cursor:
        for table, name in _wanted(tables):
            cursor.execute(f"drop trigger if exists {name} on {table}")
        for name in BODIES:
            cursor.execute(f"drop function if exists {name}()")


def _missing_functions(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select proname, prosrc from pg_proc where proname = any(%s)", [list(BODIES)])
        there = dict(cursor.fetchall())
    return [name for name, body in BODIES.items() if there.get(name) != body]


def _lacking(connection: BaseDatabaseWrapper, tables: set[str]) -> Wanted:
    there = dict(_there(connection))
    return {place: how for place, how in _wanted(tables).items() if there.get(place) != (how[1], how[2], how[3], "A")}


def _there(connection: BaseDatabaseWrapper) -> Iterator[tuple[tuple[str, str], tuple[Any, ...]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname, t.tgname, p.proname, t.tgtype, t.tgargs, t.tgenabled::text from pg_trigger t "
            "join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid "
            "where c.relnamespace = current_schema()::regnamespace and not t.tgisinternal and t.tgname like 'hub%%'"
        )
        for table, name, function, kind, arguments, enabled in cursor.fetchall():
            given = tuple(bytes(arguments).decode().split("\0")[:-1])
            yield (table, name), (function, kind, given, enabled)


def _array(names: tuple[str, ...]) -> str:
    return "{" + ",".join(names) + "}"
