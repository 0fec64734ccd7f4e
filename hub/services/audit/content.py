"""What of an event or a captured row is sealed: all of it, as plain data without fractions or moments.

Read past the ORM, whose conversions of a million rows take longer than all that is proven of them.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, models

from hub.models import AuditEvent, CapturedRow, Seal

Content = dict[str, Any]
Turn = Callable[[Any], Any]
KINDS: dict[str, type[AuditEvent] | type[CapturedRow]] = {"event": AuditEvent, "row": CapturedRow}
EMPTY = (None, "", "{}")
# Two programs may read a fraction alike and write it otherwise: it stays the text that it is.
DECODER = json.JSONDecoder(parse_float=str)


def contents(kind: str, ids: Sequence[int]) -> dict[int, Content]:
    """The content of each of these that is there, by its id.

    What is empty is left out: so a column that is added later, empty in all that is sealed, changes no hash.
    """
    names, turns, statement = _reading(kind, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(ids) if connection.vendor == "postgresql" else json.dumps(list(ids))])
        rows = cursor.fetchall()
    found: dict[int, Content] = {}
    for row in rows:
        content = {name: value for name, value in zip(names, row, strict=True) if value not in EMPTY}
        for name, turn in turns:
            if name in content:
                content[name] = turn(content[name])
        found[content["id"]] = content
    return found


@cache
def _reading(kind: str, vendor: str) -> tuple[list[str], list[tuple[str, Turn]], str]:
    """Columns, those of which the database's form is not ours, and how they are read."""
    model = KINDS[kind]
    names = [str(field.column) for field in model._meta.concrete_fields]
    turns = [
        (str(field.column), turn)
        for field in model._meta.concrete_fields
        if (turn := TURNS[vendor].get(type(field))) is not None
    ]
    wanted = "= any(%s)" if vendor == "postgresql" else "in (select value from json_each(%s))"
    # Of an expression SQLite's driver does not know that it is a moment, and leaves it as text.
    as_text = {str(field.column) for field in model._meta.concrete_fields if type(field) is models.DateTimeField}
    columns = ", ".join(
        f"\"{name}\" || ''" if vendor == "sqlite" and name in as_text else f'"{name}"' for name in names
    )
    return names, turns, f"select {columns} from {model._meta.db_table} where id {wanted}"  # noqa: S608  names of ours


def seal_line(seal: Seal) -> Content:
    """A seal as it is hashed, with its signature."""
    return {
        "number": seal.number,
        "first": seal.first,
        "last": seal.last,
        "root": seal.root,
        "previous": seal.previous,
        "at": moment(seal.at),
        "complete": seal.is_complete,
        "hub": seal.hub,
        "key": seal.key_id,
        "signature": seal.signature,
    }


def moment(at: datetime) -> str:
    """A moment in UTC to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _spelled_moment(text: str) -> str:
    """The same of what SQLite keeps: UTC, with as many decimals as there were."""
    whole, _, decimals = text.partition(".")
    return f"{whole[:10]}T{whole[11:]}.{decimals:0<6}+00:00"


TURNS: dict[str, dict[type[models.Field[Any, Any]], Turn]] = {
    "postgresql": {
        models.DateTimeField: moment,
        models.UUIDField: lambda value: value.hex,
        models.JSONField: DECODER.decode,  # the driver gives it as text
    },
    "sqlite": {models.DateTimeField: _spelled_moment, models.JSONField: DECODER.decode},
}
