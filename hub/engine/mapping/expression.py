"""JSONata expressions for reshaping: compiled once, bounded, and never trusted with exact numbers.

JSONata counts in doubles. So decimals, dates and integers beyond 2**53 go in as text, and a number that
comes out must be a whole one within 2**53, unless the rule says with `as` what it is meant to be.
"""

import re
import threading
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import jsonatapy
import orjson

from hub.engine.canonical import datetime_text, decimal_text
from hub.engine.mapping.values import (
    MAX_NODES,
    MISSING,
    ProblemKind,
    Refusal,
    check_text,
    refuse,
    shown,
)
from hub.sdk.record import Fields, Json

MAX_EXPRESSION = 10_000  # characters
TIMEOUT = 500  # milliseconds for one record
MAX_STACK = 200
MAX_SEQUENCE = 10_000
SAFE_INTEGER: Final = 2**53
# What could fill the memory, hide an expression from review, or answer differently each time.
SWITCHED_OFF = ("eval", "pad", "now", "millis", "random", "shuffle")

_OFF = re.compile(rf"\$({'|'.join(SWITCHED_OFF)})\b")
_CODE = re.compile(r"\b([A-Z]\d{4}): ?")
_MEANINGS = {
    "D1012": f"the expression took longer than {TIMEOUT} ms",
    "D1011": f"the expression calls itself more than {MAX_STACK} levels deep",
    "U1002": "the expression is nested too deeply",
    "D2015": f"the expression makes a list of more than {MAX_SEQUENCE} items",
}
_ARITHMETIC = frozenset({"T2001", "T2002", "T0412", "T0410"})
_HINT = " (decimals, dates and long numbers arrive as text here: use $number(…), or typed steps for money)"


class Document:
    """One record, made readable for expressions when the first of them asks."""

    __slots__ = ("_handle", "_text", "data")

    def __init__(self, data: Fields) -> None:
        self.data = data
        self._text = ""
        self._handle: Any = None

    def text(self) -> str:
        """The record as JSON, with everything a double would spoil as text."""
        if not self._text:
            self._text = _readable(self.data)
        return self._text

    def handle(self) -> Any:
        """The record inside the expression engine."""
        if self._handle is None:
            self._handle = jsonatapy.JsonataData.from_json(self.text())
        return self._handle


_OPTIONS = orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATETIME


def _readable(data: Fields) -> str:
    try:
        return orjson.dumps(data, default=_written, option=_OPTIONS).decode()
    except TypeError:  # an integer beyond 2**53 or broken text somewhere: look at every value
        return orjson.dumps(_careful(data, [0])).decode()


def _written(value: Any) -> Any:
    """What JSON has no type for."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return datetime_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be carried")


def _careful(value: Json, count: list[int]) -> Json:
    """A copy in which long integers are text; refuses text that is broken."""
    count[0] += 1
    if count[0] > MAX_NODES:
        raise Refusal(f"the record has more than {MAX_NODES} values", ProblemKind.EXPRESSION)
    if isinstance(value, str):
        check_text(value)
        return value
    if isinstance(value, Mapping):
        return {_careful(key, count): _careful(item, count) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_careful(item, count) for item in value]
    if isinstance(value, int) and not -SAFE_INTEGER <= value <= SAFE_INTEGER:
        return decimal_text(Decimal(value))
    return value if value is None or isinstance(value, int | float) else _written(value)


class Expression:
    """One JSONata expression. Raises ValueError with a sentence when it cannot be used."""

    __slots__ = ("_own", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_EXPRESSION:
            raise ValueError(f"is {len(text)} characters long; at most {MAX_EXPRESSION} are allowed")
        off = _OFF.search(text)
        if off:
            raise ValueError(f"uses {off[0]}, which is switched off here")
        self.text = text
        # The engine's objects belong to the thread that made them: in another one they panic.
        self._own = threading.local()
        try:
            self._compiled()
        except ValueError as error:
            raise ValueError(f"is not a JSONata expression: {_without_prefix(str(error))}") from None

    def _compiled(self) -> Any:
        """The expression, compiled once for each thread."""
        compiled = getattr(self._own, "compiled", None)
        if compiled is None:
            compiled = jsonatapy.compile(
                self.text, timeout=TIMEOUT, max_stack_depth=MAX_STACK, max_sequence_length=MAX_SEQUENCE
            )
            for name in SWITCHED_OFF:
                compiled.register_override(name, _switched_off)
            self._own.compiled = compiled
        return compiled

    def run(self, document: Document) -> Json:
        """The value for one record; MISSING when the expression finds nothing. Raises Refusal."""
        try:
            return self._evaluated(document)
        except (ValueError, TypeError, MemoryError, RecursionError) as error:
            raise Refusal(_explained(error), ProblemKind.EXPRESSION) from None
        except BaseException as error:
            # A panic of the engine is no Exception; nothing else may be swallowed here.
            if type(error).__name__ != "PanicException":
                raise
            self._own = threading.local()
            raise Refusal("the expression engine gave up", ProblemKind.EXPRESSION) from None

    def _evaluated(self, document: Document) -> Json:
        compiled = self._compiled()
        value = compiled.evaluate_with_data(document.handle())
        if value is None and compiled.evaluate_json_or_none(document.text()) is None:
            return MISSING
        return value


def _switched_off(*_arguments: Any) -> None:
    raise ValueError("this function is switched off")


def _without_prefix(text: str) -> str:
    return text.removeprefix("Parse error: ").removeprefix("Invalid syntax: ")[:200]


def _explained(error: BaseException) -> str:
    """What went wrong, in words where the code is known."""
    text = str(error) or type(error).__name__
    code = _CODE.search(text)
    if not code:
        return f"the expression failed: {text[:200]}"
    if code[1] in _MEANINGS:
        return _MEANINGS[code[1]]
    return f"the expression failed: {text[code.end() :][:200]}{_HINT if code[1] in _ARITHMETIC else ''}"


def exact(value: Json, *, is_declared: bool) -> Json:
    """`value` unless it holds a number that a double may have spoilt. `is_declared`: the rule has an `as`."""
    if type(value) is str or value is None or value is MISSING or value is True or value is False:
        return value
    waiting = [value]
    for _ in range(MAX_NODES):
        if not waiting:
            return value
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, int | float):
            _check_number(item, is_declared=is_declared)
    return refuse(value, f"small enough; an expression may give {MAX_NODES} values")


def _check_number(number: Any, *, is_declared: bool) -> None:
    if not -SAFE_INTEGER <= number <= SAFE_INTEGER:  # NaN and the infinities are caught too
        raise Refusal(
            f"the expression gave {shown(number)}, too large to be exact; keep long numbers as text",
            ProblemKind.EXPRESSION,
        )
    if not is_declared and isinstance(number, float) and not number.is_integer():
        raise Refusal(
            f"the expression gave {shown(number)}, which is not exact; "
            'say what it is meant to be, for example "as": "decimal(2)"',
            ProblemKind.EXPRESSION,
        )
