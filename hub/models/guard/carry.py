"""Carries who writes to the triggers: beside each statement that writes a governed table, in its own transaction."""

import json
import re
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from hub import provenance
from hub.models.guard.governed import GOVERNED

TABLES = "|".join(governed.table for governed in GOVERNED)
WRITES = re.compile(
    rf'\s*(?:insert\s+into|insert\s+or\s+\w+\s+into|replace\s+into|update|delete\s+from|truncate)\s+"?(?:{TABLES})"?\b',
    re.IGNORECASE,
)
Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


def names_who_writes(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have every statement of a new connection looked at."""
    if carry not in connection.execute_wrappers:
        connection.execute_wrappers.append(carry)


def carry(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001  Django's
    """Run a statement; where it writes a governed table and somebody is known to act, name them first.

    What nobody is known to have done stays without a name, which the triggers call db-direct.
    """
    if not isinstance(sql, str) or sql.startswith("SELECT") or not WRITES.match(sql):
        return execute(sql, params, many, context)
    who = provenance.current()
    if who is None:
        return execute(sql, params, many, context)
    connection, told = context["connection"], json.dumps(who.told())
    if connection.vendor == "postgresql":
        if connection.in_atomic_block:
            _set_for_transaction(connection, told)
            return execute(sql, params, many, context)
        with transaction.atomic(using=connection.alias):
            _set_for_transaction(connection, told)
            return execute(sql, params, many, context)
    if not _put(connection, told):
        return execute(sql, params, many, context)
    try:
        return execute(sql, params, many, context)
    finally:
        _take_away(connection)


def _set_for_transaction(connection: BaseDatabaseWrapper, told: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config('hub.actor', %s, true)", [told])


def _put(connection: BaseDatabaseWrapper, told: str) -> bool:
    """Write who writes; False before the migration that makes the table, when no trigger would look there either."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("insert or replace into hub_captureactor (id, told) values (1, %s)", [told])
    except OperationalError as error:
        if "no such table" in str(error):
            return False
        raise
    return True


def _take_away(connection: BaseDatabaseWrapper) -> None:
    """Within a transaction nobody else saw it; outside of one it was there for a moment, which SQLite leaves no way
    around: a statement that returns rows is not over before they are fetched.
    """
    with connection.cursor() as cursor:
        cursor.execute("delete from hub_captureactor")
