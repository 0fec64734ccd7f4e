"""One column of a table: what its values mean to people, and how a stored value becomes a plain one."""

import base64
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a column holds, whatever its database calls the type."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    JSON = "object"
    ARRAY = "array"
    UUID = "uuid"  # text to the hub
    BINARY = "binary"  # Base64 text to the hub
    OTHER = "other"  # whatever text the database makes of it


TEXT_TO_THE_HUB = {Kind.UUID, Kind.BINARY, Kind.OTHER}
NOT_A_KEY = {Kind.JSON, Kind.ARRAY, Kind.BINARY}


class UnfitError(ValueError):
    """A value that its column cannot hold, or that the hub cannot hold. The text is safe to show."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `type_name` is its type without a length, as a cast spells it; `scale` counts decimals.

    `padded` says that trailing blanks mean nothing (`char(10)`), `filled` that the database supplies a
    value when none is given.
    """

    name: str
    kind: Kind
    type_name: str = ""
    scale: int | None = None
    padded: bool = False
    nullable: bool = True
    filled: bool = False
    _loader: Callable[["Column", Any], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_loader", LOADERS[self.kind])

    @property
    def stream_kind(self) -> str:
        """The kind as a StreamField names it."""
        return "string" if self.kind in TEXT_TO_THE_HUB else self.kind.value

    def load(self, value: Any) -> Any:
        """The plain value of a stored one (never None). Raises UnfitError."""
        loaded = self._loader(self, value)
        return loaded.rstrip(" ") if self.padded else loaded

    def same(self, stored: Any, wanted: Any) -> bool:
        """Whether writing `wanted` would leave the loaded value `stored` as it is."""
        if stored is None or wanted is None:
            return stored is wanted
        if type(stored) is type(wanted) and stored == wanted:
            return True
        try:
            return bool(stored == self.load(self._settled(wanted)))
        except UnfitError:
            return False

    def _settled(self, wanted: Any) -> Any:
        """A wanted value in the form in which the column would keep it."""
        if (self.kind is Kind.STRING or self.kind is Kind.OTHER) and not isinstance(wanted, str):
            return written(wanted)
        if self.kind is Kind.DECIMAL and self.scale is not None:
            return _rounded(_decimal(self, wanted), self.scale)
        return json_of(self, wanted) if self.kind is Kind.JSON else wanted


def written(value: Any) -> str:
    """A plain value as text, in the spelling that databases read."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def texts(values: Iterable[Any]) -> list[str | None]:
    """Values as texts, in the spelling that databases read; null stays null."""
    return [value if type(value) is str or value is None else written(value) for value in values]


def json_of(column: Column, value: Any) -> str:
    """JSON text that keeps decimals exact, which `json.dumps` cannot. Raises UnfitError."""
    try:
        text = _json_text(value)
        text.encode()
    except (TypeError, ValueError):
        raise _unfit(column, value, "JSON") from None
    return text


def _json_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(k))}:{_json_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_json_text(item) for item in value) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return written(value)
    if isinstance(value, date):
        return json.dumps(value.isoformat())
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _unfit(column: Column, value: Any, wanted: str) -> UnfitError:
    shown = str(value)
    return UnfitError(f"{column.name}: “{shown[:60]}{'…' if len(shown) > 60 else ''}” is not {wanted}")


def _string(column: Column, value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return written(value)


def _integer(column: Column, value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    try:
        number = Decimal(value)
        if number == number.to_integral_value():
            return int(number)
    except (InvalidOperation, TypeError, ValueError, OverflowError):
        pass
    raise _unfit(column, value, "a whole number")


def _decimal(column: Column, value: Any) -> Decimal:
    if type(value) is Decimal and value.is_finite():
        return value
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        raise _unfit(column, value, "a decimal number") from None
    if not number.is_finite():
        raise _unfit(column, value, "a finite number")
    if column.scale is None:
        return number
    exact = _rounded(number, column.scale)  # 5 in a numeric(10,2) is 5.00, as most databases say it
    return exact if exact == number else number


def _rounded(number: Decimal, scale: int) -> Decimal:
    with localcontext() as context:
        context.prec = 2_000  # PostgreSQL keeps up to 1,000 digits on either side of the point
        return number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


def _number(column: Column, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _unfit(column, value, "a number") from None
    if number - number != 0:  # infinities and NaN have no place in JSON
        raise _unfit(column, value, "a finite number")
    return number


def _boolean(column: Column, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {1: True, 0: False, "true": True, "false": False, "1": True, "0": False}
    if isinstance(value, int | str) and value in known:
        return known[value]
    raise _unfit(column, value, "true or false")


def _date(column: Column, value: Any) -> date:
    if isinstance(value, datetime):
        raise _unfit(column, value, "a date without a time")
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _unfit(column, value, "a date of the years 1 to 9999") from None


def _datetime(column: Column, value: Any) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(written(value))
        return moment if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise _unfit(column, value, "a date and time of the years 1 to 9999") from None


def _uuid(column: Column, value: Any) -> str:
    try:
        return str(value if isinstance(value, uuid.UUID) else uuid.UUID(str(value)))
    except ValueError:
        raise _unfit(column, value, "a UUID") from None


def _json(column: Column, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_float=Decimal)
    except ValueError:
        raise _unfit(column, value, "JSON") from None


def _array(column: Column, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _unfit(column, value, "a list")
    return [_array(column, item) if isinstance(item, list | tuple) else _plain(item) for item in value]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | Decimal):
        return value
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else _unadorned(value)


def _unadorned(value: Any) -> Any:
    return value if isinstance(value, float | date | dict) else str(value)


LOADERS: Mapping[Kind, Callable[[Column, Any], Any]] = {
    Kind.STRING: _string,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.JSON: _json,
    Kind.ARRAY: _array,
    Kind.UUID: _uuid,
    Kind.BINARY: _string,
    Kind.OTHER: _string,
}
