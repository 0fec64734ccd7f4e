"""A record as plain text and back, losing nothing that a mapping can tell apart.

JSON in ASCII, so that any database stores it: NUL and broken text are escaped. What JSON does not know is written as
`{"$": kind, "is": text}`; money and time come back as they were, and a value of no known kind as its text.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hub.sdk.record import Json, Record

KIND, VALUE = "$", "is"
_READERS: dict[str, Any] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "object": lambda pairs: {name: _read(value) for name, value in pairs},
}


def written(record: Record) -> str:
    """The record as text."""
    told = {"key": record.key, "data": _write(record.data), "version": record.version, "deleted": record.deleted}
    return json.dumps(told, ensure_ascii=True, separators=(",", ":"))


def read(text: str) -> Record:
    """The record that was written so."""
    told = json.loads(text)
    return Record(told["key"], _read(told["data"]), told["version"], deleted=told["deleted"])


def _write(value: Json) -> Json:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        pairs = [(str(name), _write(inner)) for name, inner in value.items()]
        return {KIND: "object", VALUE: pairs} if KIND in value else dict(pairs)
    if isinstance(value, list | tuple):
        return [_write(inner) for inner in value]
    return _marked(value)


def _marked(value: Json) -> Json:
    if isinstance(value, Decimal):
        return {KIND: "decimal", VALUE: str(value)}
    if isinstance(value, date):  # a datetime is one too
        return {KIND: "datetime" if isinstance(value, datetime) else "date", VALUE: value.isoformat()}
    return str(value)


def _read(value: Json) -> Json:
    if isinstance(value, list):
        return [_read(inner) for inner in value]
    if isinstance(value, dict):
        return _READERS[value[KIND]](value[VALUE]) if KIND in value else {n: _read(inner) for n, inner in value.items()}
    return value
