"""What of an event or a captured row is sealed: all of it, as plain data without fractions or moments."""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from hub.models import AuditEvent, CapturedRow, Seal

Content = dict[str, Any]
KINDS: dict[str, type[AuditEvent] | type[CapturedRow]] = {"event": AuditEvent, "row": CapturedRow}


def contents(kind: str, ids: Iterable[int]) -> dict[int, Content]:
    """The content of each of these that is there, by its id."""
    model = KINDS[kind]
    names = [field.attname for field in model._meta.concrete_fields]
    rows = model._default_manager.filter(pk__in=ids).order_by().values_list(*names)
    return {row[0]: {name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows}


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


def _plain(value: Any) -> Any:
    """The value without what two programs might write differently."""
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool:
        return value
    change = PLAIN.get(kind)
    return change(value) if change else str(value)


PLAIN: dict[type, Callable[[Any], Any]] = {
    datetime: moment,
    uuid.UUID: lambda value: value.hex,
    float: repr,
    dict: lambda value: {name: _plain(part) for name, part in value.items()} if value else value,
    list: lambda value: [_plain(part) for part in value],
}
