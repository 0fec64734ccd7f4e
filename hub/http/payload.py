"""JSON in and out without rounding: a number with a point is a Decimal on both ways."""

import json
import re
import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from hub.sdk import RecordError

# A mark nobody else can write: the encoder has no other way to emit a number with all its digits.
_MARK = f"decimal-{secrets.token_hex(8)}:"
_MARKED = re.compile(rf'"{_MARK}([^"]+)"')


def encode(value: Any) -> bytes:
    """JSON of a value that may hold Decimal, date and datetime. Raises RecordError for anything else."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        body = (_MARKED.sub(r"\1", text) if _MARK in text else text).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(f"The record cannot be written as JSON: {error}.", code="json") from None
    return body


def decode(body: bytes) -> Any:
    """The value of a JSON text; 12.50 arrives as Decimal. Raises ValueError for anything that is not JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _plain(value: object) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return f"{_MARK}{value}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
