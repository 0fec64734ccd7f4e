"""What rules work on: values, their absence, their limits, and how a refusal of one is worded."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_05UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from math import isfinite
from typing import Any, Final, NoReturn

from hub.engine.canonical import datetime_text, decimal_text
from hub.sdk.record import Json

MAX_TEXT = 1_048_576  # characters of one text a rule may build
MAX_ITEMS = 10_000  # items of a list a rule may walk or build
MAX_WEIGHT = 4 * MAX_TEXT  # text a list built by a rule may hold altogether
MAX_NODES = 100_000  # values inside one destination field
MAX_DEPTH = 64
MAX_SCALE = 100  # digits before or after the decimal point

# Money arithmetic is exact up to 200 digits; what would lose one is refused. Rounding happens only in the
# steps that declare it; a quotient is cut off in the way that a later rounding cannot mistake for a tie.
_TRAPS = [InvalidOperation, DivisionByZero, Overflow]
EXACT = Context(prec=2 * MAX_SCALE, traps=[*_TRAPS, Inexact])
ROUND = Context(prec=3 * MAX_SCALE, traps=_TRAPS)
DIVIDE = Context(prec=2 * MAX_SCALE, rounding=ROUND_05UP, traps=_TRAPS)

_NUMBER = re.compile(r"[+-]?(?:\d{1,100}(?:\.\d{0,100})?|\.\d{1,100})", re.ASCII)


class Missing:
    """The type of MISSING: the record has no such value, which is not the same as null."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Kind(StrEnum):
    """What kind of value a step gives, as far as it is known before any record is seen."""

    ANY = "any"
    TEXT = "text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    DATE = "a date"
    LIST = "a list"
    OBJECT = "an object"


class ProblemKind(StrEnum):
    """Why a record could not be mapped."""

    MISSING_VALUE = "missing_value"
    UNMAPPED_VALUE = "unmapped_value"
    INVALID_VALUE = "invalid_value"
    EXPRESSION = "expression"


class Refusal(Exception):  # noqa: N818  not an error of the hub: a record's value that a rule cannot take
    """A rule cannot take a value. Becomes a Problem of the field; never leaves the engine."""

    def __init__(self, message: str, kind: ProblemKind = ProblemKind.INVALID_VALUE) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind


def refuse(value: Json, accepted: str) -> NoReturn:
    """Refuse `value`, saying what would be accepted."""
    raise Refusal(f"{shown(value)} is not {accepted}")


def shown(value: Json, width: int = 60) -> str:
    """`value` as a person should see it: short, and in quotes when it is text."""
    if isinstance(value, str):
        return f"“{value[: width - 1]}…”" if len(value) > width else f"“{value}”"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "an object"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number_shown(value, width)


def _number_shown(value: Json, width: int) -> str:
    text = decimal_text(Decimal(value)) if isinstance(value, int) else str(value)
    return f"{text[: width - 1]}…" if len(text) > width else text


def as_text(value: Json) -> str:
    """Text as it is; a number or date written out plainly. Refuses the rest."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | date):
        refuse(value, "text; text, numbers and dates are accepted")
    if isinstance(value, datetime):
        return datetime_text(value)
    return value.isoformat() if isinstance(value, date) else decimal_text(as_decimal(value))


def as_key(value: Json) -> str:
    """`value` as the key of a value map or of a record: text, where true and false are words too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return as_text(value)


def as_decimal(value: Json) -> Decimal:
    """The exact number: from text like -1234.50, an integer, a Decimal, or the digits a double was sent with."""
    if isinstance(value, Decimal):
        return value if is_sound_decimal(value) else refuse(value, "a usable number")
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else refuse(value, "a number like -1234.50")
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(value, "a number like -1234.50")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return number if is_sound_decimal(number) else refuse(value, "a usable number")


def is_sound_decimal(value: Decimal) -> bool:
    """Whether a Decimal is a real number that fits on a line (its text is asked: as_tuple() is slower)."""
    if not value.is_finite() or not -MAX_SCALE <= value.adjusted() <= MAX_SCALE:
        return False
    return len(str(value)) <= 2 * MAX_SCALE + 2


def bounded(text: str) -> str:
    """`text`, unless it is too long for a rule to have built."""
    if len(text) > MAX_TEXT:
        raise Refusal(f"the text would be {len(text)} characters long; at most {MAX_TEXT} are allowed")
    return text


def bounded_list(value: Json) -> list[Json]:
    """`value` as a list of bounded length. Refuses what is no list."""
    if not isinstance(value, list | tuple):
        refuse(value, "a list")
    if len(value) > MAX_ITEMS:
        raise Refusal(f"the list has {len(value)} items; at most {MAX_ITEMS} are allowed")
    return value if isinstance(value, list) else list(value)


def weight(value: Json) -> int:
    """About how many characters a value holds, so that lists of built texts stay bounded."""
    if isinstance(value, str):
        return len(value) + 1
    if isinstance(value, dict):
        return 1 + sum(map(weight, value.values()))
    return 1 + sum(map(weight, value)) if isinstance(value, list) else 1


_HARMLESS = frozenset({int, bool, date, datetime, type(None)})


def check_sound(value: Json) -> None:
    """Refuse what no destination and no database can hold: NUL, broken text, NaN, foreign types, abysses."""
    kind = type(value)
    if kind is str:
        check_text(value)
    elif kind is Decimal:
        if not is_sound_decimal(value):
            refuse(value, "a usable number")
    elif kind not in _HARMLESS:
        _check_nested(value)


def check_text(value: str) -> None:
    """Refuse text with a NUL or with half a character."""
    if "\0" in value:
        raise Refusal(f"{shown(value)} contains a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refusal(f"{shown(value)} contains half a character (an unpaired surrogate)") from None


def _check_nested(root: Json) -> None:
    """Walk a nested value without recursion, so that its depth cannot hurt."""
    waiting: list[tuple[Any, int]] = [(root, 0)]
    nodes = 0
    while waiting:
        value, depth = waiting.pop()
        nodes += 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise Refusal(f"the value is too large: {MAX_NODES} values, {MAX_DEPTH} levels deep are allowed")
        if isinstance(value, Mapping):
            for key in value:
                check_text(key) if isinstance(key, str) else refuse(key, "a field name")
            waiting.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list | tuple):
            waiting.extend((item, depth + 1) for item in value)
        else:
            _check_leaf(value)


def _check_leaf(value: Json) -> None:
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, Decimal):
        if not is_sound_decimal(value):
            refuse(value, "a usable number")
    elif isinstance(value, float):
        if not isfinite(value):
            refuse(value, "a usable number")
    elif not isinstance(value, int | date | None):
        raise Refusal(f"a value of type {type(value).__name__} cannot be carried")
