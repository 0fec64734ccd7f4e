"""Steps for numbers: exact decimal arithmetic, never a double, nothing rounded unless a rule says so."""

import re
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
    Inexact,
)
from typing import Any

from hub.engine.mapping.step import NUMERIC, Options, Part, StepKind
from hub.engine.mapping.values import (
    DIVIDE,
    EXACT,
    MAX_SCALE,
    MISSING,
    ROUND,
    Kind,
    Refusal,
    as_decimal,
    is_sound_decimal,
    refuse,
    shown,
)

ROUNDINGS = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "half_down": ROUND_HALF_DOWN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
    "ceiling": ROUND_CEILING,
    "floor": ROUND_FLOOR,
    "refuse": "refuse",
}
_PLACES = 30


def rounded(places: int, rounding: str) -> Callable[[Decimal], Decimal]:
    """Bring a number to `places` decimal places; `refuse` refuses a number that has more."""
    unit = Decimal(1).scaleb(-places)
    if rounding != "refuse":
        mode = ROUNDINGS[rounding]
        return lambda number: number.quantize(unit, mode, ROUND)

    def exactly(number: Decimal) -> Decimal:
        result = number.quantize(unit, ROUND_DOWN, ROUND)
        if result != number:
            refuse(number, f"a number with at most {places} decimal places")
        return result

    return exactly


def _rounding(options: Options, default: int | None) -> tuple[Callable[[Decimal], Decimal], str]:
    """How a step rounds, and in words."""
    places = options.integer("places", default, 0, _PLACES)
    mode = options.choice("rounding", tuple(ROUNDINGS), "half_up")
    how = "refused when it has more" if mode == "refuse" else f"rounded {mode.replace('_', ' ')}"
    return rounded(places, mode), f"{places} decimal places, {how}"


def _sound(number: Decimal) -> Decimal:
    """The result of arithmetic, unless it is beyond any real amount."""
    return number if is_sound_decimal(number) else refuse(number, "a usable result")


def _decimal(options: Options) -> Part:
    read = _reader(options)
    if not options.has("places"):
        if options.has("rounding"):
            options.wrong("“rounding” needs “places”")
        return Part(lambda _data, value: read(value), "as an exact number", Kind.NUMBER)
    finish, says = _rounding(options, None)
    return Part(lambda _data, value: finish(read(value)), f"as a number with {says}", Kind.NUMBER)


def _reader(options: Options) -> Callable[[Any], Decimal]:
    """How text becomes a number: plainly, or with the declared separators."""
    point = options.choice("decimal_separator", (".", ","), ".")
    group = options.choice("group_separator", ("", ",", ".", " ", "'", "\u00a0", "\u202f"), "")
    if point == group:
        options.wrong("the decimal and the group separator must differ")
    if point == "." and not group:
        return lambda value: as_decimal(value.strip() if type(value) is str else value)
    sample = f"1{group}234{point}50"
    # Groups must be whole: 1.234 is never taken for 1,234 because somebody declared the wrong separator.
    whole = rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+|\d{{1,100}}" if group else r"\d{1,100}"
    pattern = re.compile(rf"[+-]?(?:{whole})(?:{re.escape(point)}\d{{1,100}})?", re.ASCII)

    def read(value: Any) -> Decimal:
        if not isinstance(value, str):
            return as_decimal(value)
        text = value.strip()
        if len(text) > 2 * MAX_SCALE or not pattern.fullmatch(text):
            refuse(value, f"a number like {sample}")
        return as_decimal(text.replace(group, "").replace(point, ".") if group else text.replace(point, "."))

    return read


def as_integer(value: Any) -> int:
    """The whole number; refuses one with a fraction."""
    if type(value) is int:
        return value
    number = as_decimal(value.strip() if type(value) is str else value)
    if number != number.to_integral_value():
        refuse(value, "a whole number")
    return int(number)


def _integer(options: Options) -> Part:
    return Part(lambda _data, value: as_integer(value), "as a whole number", Kind.NUMBER)


def _arithmetic(compute: Callable[[Decimal, Decimal], Decimal], verb: str) -> Callable[[Options], Part]:
    """A step that combines the value with another number."""

    def build(options: Options) -> Part:
        other = options.operand()
        find = other.run

        def run(data: Any, value: Any) -> Any:
            try:
                return _sound(compute(as_decimal(value), _number(find(data, value), other.says)))
            except Inexact:
                raise Refusal(f"{shown(value)} {verb} {other.says} has too many digits") from None

        return Part(run, f"{verb} {other.says}", Kind.NUMBER)

    return build


def _number(value: Any, says: str) -> Decimal:
    """The other number of a calculation, which must be there."""
    if value is None or value is MISSING:
        raise Refusal(f"{says} has no value to calculate with")
    return as_decimal(value)


def _divide(options: Options) -> Part:
    by = options.operand("by")
    finish, says = _rounding(options, None)
    run = by.run

    def step(data: Any, value: Any) -> Any:
        divisor = _number(run(data, value), by.says)
        if not divisor:
            raise Refusal(f"{shown(value)} cannot be divided by {by.says}, which is zero")
        return _sound(finish(DIVIDE.divide(as_decimal(value), divisor)))

    return Part(step, f"divided by {by.says} ({says})", Kind.NUMBER)


def _round(options: Options) -> Part:
    finish, says = _rounding(options, None)
    return Part(lambda _data, value: finish(as_decimal(value)), f"with {says}", Kind.NUMBER)


def _scale(options: Options) -> Part:
    by = options.integer("by", None, -_PLACES, _PLACES)
    says = f"with the decimal point moved {abs(by)} to the {'right' if by > 0 else 'left'}"
    return Part(lambda _data, value: _sound(as_decimal(value).scaleb(by, EXACT)), says, Kind.NUMBER)


NUMBER_STEPS = (
    StepKind(
        "decimal",
        _decimal,
        NUMERIC,
        options=("places", "rounding", "decimal_separator", "group_separator"),
        bare=True,
    ),
    StepKind("integer", _integer, NUMERIC, bare=True),
    StepKind("add", _arithmetic(EXACT.add, "plus"), NUMERIC),
    StepKind("subtract", _arithmetic(EXACT.subtract, "minus"), NUMERIC),
    StepKind("multiply", _arithmetic(EXACT.multiply, "times"), NUMERIC),
    StepKind("divide", _divide, NUMERIC, options=("by", "places", "rounding")),
    StepKind("round", _round, NUMERIC, main="places", options=("rounding",)),
    StepKind("scale", _scale, NUMERIC, main="by"),
)
