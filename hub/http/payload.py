"""JSON in and out without rounding: a number with a point is a Decimal on both ways."""

import json
import re
import secrets
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from hub.sdk import RecordError

# A mark nobody else can write: the encoder has no other way to emit a number with all its digits.
_MARK = f"decimal-{secrets.token_hex(8)}:"
_MARKED = re.compile(rf'"{_MARK}([^"]+)"')

_NO_OTHER = frozenset({str, int, bool, type(None)})  # both encoders write these alike
_NESTED = frozenset({dict, list})
_PLAIN = _NO_OTHER | _NESTED


def encode(value: Any) -> bytes:
    """JSON of a value that may hold Decimal, date and datetime. Raises RecordError for anything else."""
    try:
        if type(value) in _NESTED and _is_alike(value):
            return orjson.dumps(value)
    except (TypeError, RecursionError):
        pass  # integers beyond 64 bits, broken text, names that are no text: the other encoder judges them
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        body = (_MARKED.sub(r"\1", text) if _MARK in text else text).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(f"The record cannot be written as JSON: {error}.", code="json") from None
    return body


def decode(body: bytes) -> Any:
    """The value of a JSON text; 12.50 arrives as Decimal. Raises ValueError for anything that is not JSON."""
    try:
        value = orjson.loads(body)
        if not _has_double(value):
            return value
    except (ValueError, RecursionError):
        pass  # it may still be what the other decoder takes: half characters, other encodings, deep nesting
    try:
        return json.loads(body, parse_float=_decimal, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # no ValueError
        raise ValueError("a number without end is not JSON") from None


def _is_alike(value: Any) -> bool:
    """Whether an object or list holds only what both encoders write alike."""
    inner = value.values() if type(value) is dict else value
    kinds = set(map(type, inner))
    if not kinds & _NESTED:
        return kinds <= _NO_OTHER
    return kinds <= _PLAIN and all(_is_alike(each) for each in inner if type(each) in _NESTED)


def _has_double(value: Any) -> bool:
    """Whether a number in it was rounded: one with a point, an exponent, or more digits than 64 bits hold."""
    kinds = (
        set(map(type, value.values() if type(value) is dict else value)) if type(value) in _NESTED else {type(value)}
    )
    if float in kinds:
        return True
    if type(value) not in _NESTED or not kinds & _NESTED:
        return False
    inner = value.values() if type(value) is dict else value
    return any(_has_double(each) for each in inner if type(each) in _NESTED)


def _plain(value: object) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return f"{_MARK}{value}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
