"""The text form of a row's key, and back. One column: its value. Several: a JSON list of their texts."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.sql.column import Column, Kind, written

LARGEST = 2**63


def key_text(columns: Sequence[Column], values: Sequence[Any]) -> str:
    """The key of a row, from the values as the database gave or takes them (none of them null)."""
    if len(columns) == 1:
        return part_text(columns[0], values[0])
    parts = [part_text(column, value) for column, value in zip(columns, values, strict=True)]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def part_text(column: Column, value: Any) -> str:
    """One value of a key as text: the same text for the same value, however it is spelled."""
    if isinstance(value, str):
        return value.rstrip(" ") if column.padded else value
    if column.kind is Kind.BOOLEAN:
        return written(bool(value))
    if isinstance(value, float | Decimal):
        return _shortest(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat(sep=" ")
    return written(value)


def _shortest(value: float | Decimal) -> str:
    text = written(Decimal(repr(value)) if isinstance(value, float) else value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def settled_part(column: Column, value: Any) -> str:
    """A value about to be stored, as the key will read once the database has it. Raises UnfitError."""
    spelled = isinstance(value, str) and (column.kind is Kind.STRING or column.kind is Kind.DATETIME)
    return part_text(column, value if spelled else column.load(value))


def key_values(columns: Sequence[Column], text: str) -> tuple[Any, ...] | None:
    """The values of a key, or None when no row of this table can have it."""
    if len(columns) == 1:
        value = _possible(columns[0], text)
        return None if value is None else (value,)
    parts = _list(text)
    if parts is None or len(parts) != len(columns):
        return None
    values = tuple(_possible(column, part) for column, part in zip(columns, parts, strict=True))
    return None if None in values else values


def _possible(column: Column, text: str) -> Any:
    """One value of a key, or None when the column cannot hold it, or not in this spelling."""
    if "\0" in text or (column.padded and text.endswith(" ")):
        return None
    try:
        if not text.isascii():
            text.encode()  # half characters are an error here already
        if column.kind is Kind.STRING:
            return text
        value = PARSERS.get(column.kind, str)(text)
        return value if part_text(column, value) == text else None
    except (ValueError, ArithmeticError):
        return None


def _list(text: str) -> list[str] | None:
    try:
        parts = json.loads(text)
    except ValueError:
        return None
    return parts if isinstance(parts, list) and all(isinstance(part, str) for part in parts) else None


def _integer(text: str) -> int:
    number = int(text)
    if not -LARGEST <= number < LARGEST:
        raise ValueError("beyond any integer column")
    return number


def _boolean(text: str) -> bool:
    return text == "true"


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text  # in its own spelling, which is how SQLite keeps it


PARSERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.INTEGER: _integer,
    Kind.NUMBER: float,
    Kind.DECIMAL: Decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: date.fromisoformat,
    Kind.DATETIME: _moment,
    Kind.UUID: lambda text: str(uuid.UUID(text)),
}
