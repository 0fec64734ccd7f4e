"""Translates values: Tryton marks Decimals, dates and bytes in its JSON, and links records by number."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.sdk import RecordError

TO_ONE = frozenset({"many2one", "one2one"})
TO_MANY = frozenset({"one2many", "many2many"})
LINKS = TO_ONE | TO_MANY
# What the hub calls Tryton's kinds of field; whatever is missing here is text.
_KINDS = {
    "boolean": "boolean",
    "integer": "integer",
    "biginteger": "integer",
    "float": "number",
    "numeric": "decimal",
    "timedelta": "number",
    "date": "date",
    "datetime": "datetime",
    "timestamp": "datetime",
    "dict": "object",
    "one2many": "array",
    "many2many": "array",
    "multiselection": "array",
}


def kind_of(tryton_kind: str) -> str:
    """The hub's name of a Tryton kind of field, for people who write mappings."""
    return _KINDS.get(tryton_kind, "string")


def from_tryton(kind: str, raw: Any) -> Any:
    """One value as Tryton sent it, as the hub knows it: links as text keys, times with their zone (UTC)."""
    if raw is None:
        return None
    if kind in TO_ONE:
        return str(raw)
    if kind in TO_MANY:
        return [str(key) for key in raw]
    if kind == "boolean":
        return bool(raw)  # SQLite answers 0 and 1
    if kind == "numeric" and not isinstance(raw, dict):
        return Decimal(str(raw))
    return plain(raw)


def to_tryton(name: str, kind: str, value: Any) -> Any:
    """One value of the hub as Tryton takes it. Raises RecordError, because Tryton would store "12" as yes."""
    if value is None:
        return None
    write: Callable[[Any], Any] = _WRITERS.get(kind, _text)
    try:
        return write(value)
    except (ValueError, TypeError, InvalidOperation, binascii.Error):
        shown = repr(value)[:80]
        raise RecordError(f"{name} is a {kind} in Tryton; {shown} is none.", code="type") from None


def plain(raw: Any) -> Any:
    """Tryton's JSON without its class marks."""
    if isinstance(raw, list):
        return [plain(item) for item in raw]
    if not isinstance(raw, dict):
        return raw
    read = _READERS.get(str(raw.get("__class__")))
    return read(raw) if read else {name: plain(item) for name, item in raw.items()}


def mark_time(moment: datetime) -> dict[str, Any]:
    """A moment as Tryton's JSON carries it, in UTC as Tryton keeps it."""
    moment = moment.astimezone(UTC)
    return {
        "__class__": "datetime",
        **{part: getattr(moment, part) for part in ("year", "month", "day", "hour", "minute", "second", "microsecond")},
    }


def _read_time(raw: Mapping[str, Any]) -> str:
    return time(raw["hour"], raw["minute"], raw["second"], raw["microsecond"]).isoformat()


def _read_moment(raw: Mapping[str, Any]) -> datetime:
    clock = (raw["hour"], raw["minute"], raw["second"], raw["microsecond"])
    return datetime(raw["year"], raw["month"], raw["day"], *clock, tzinfo=UTC)


def _read_duration(raw: Mapping[str, Any]) -> int | Decimal:
    seconds = Decimal(raw["seconds"])
    return int(seconds) if seconds == int(seconds) else seconds


def _read_bytes(raw: Mapping[str, Any]) -> str:
    return "".join(raw["base64"].split())


_READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "Decimal": lambda raw: Decimal(raw["decimal"]),
    "date": lambda raw: date(raw["year"], raw["month"], raw["day"]),
    "datetime": _read_moment,
    "time": _read_time,
    "timedelta": _read_duration,
    "bytes": _read_bytes,
}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(value: Any) -> Decimal | int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError
    return value


def _integer(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _decimal(value: Any) -> dict[str, Any]:
    number = Decimal(value) if isinstance(value, str) else Decimal(str(_number(value)))
    if not number.is_finite():
        raise ValueError
    return {"__class__": "Decimal", "decimal": str(number)}


def _day(value: Any) -> dict[str, Any]:
    if isinstance(value, datetime):
        raise TypeError
    day = value if isinstance(value, date) else date.fromisoformat(value)
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def _moment(value: Any) -> dict[str, Any]:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return mark_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _time(value: Any) -> dict[str, Any]:
    clock = time.fromisoformat(value)
    parts = {"hour": clock.hour, "minute": clock.minute, "second": clock.second}
    return {"__class__": "time", **parts, "microsecond": clock.microsecond}


def _duration(value: Any) -> dict[str, Any]:
    return {"__class__": "timedelta", "seconds": _number(value)}


def _bytes(value: Any) -> dict[str, Any]:
    base64.b64decode(value, validate=True)
    return {"__class__": "bytes", "base64": value}


def _key(value: Any) -> int:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdecimal())):
        raise TypeError
    return int(value)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return [_text(item) for item in value]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError
    return {name: _inner(item) for name, item in value.items()}


def _inner(value: Any) -> Any:
    """A value inside a dict field, which names no kinds: marked by what it is."""
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime):
        return _moment(value)
    return _day(value) if isinstance(value, date) else value


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "boolean": _flag,
    "integer": _integer,
    "biginteger": _integer,
    "float": _number,
    "numeric": _decimal,
    "date": _day,
    "datetime": _moment,
    "timestamp": _moment,
    "time": _time,
    "timedelta": _duration,
    "binary": _bytes,
    "many2one": _key,
    "one2one": _key,
    "multiselection": _texts,
    "dict": _object,
}
