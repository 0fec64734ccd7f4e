"""One agreed way to write a record down, so that equal records have equal fingerprints.

Rules of the canonical form (a change of any of them needs a new VERSION):

* Field names are sorted; text values are Unicode NFC; what no database stores (NUL, unpaired
  surrogates) is U+FFFD.
* A Decimal is its plain text at the scale it has: 1.50 and 1.5 differ, 1E+3 is 1000, -0.00 is 0.00. A
  mapping that wants them equal declares the scale (`decimal: {places: 2}`).
* A whole double is its integer (1.0 is 1, -0.0 is 0); an integer beyond 64 bits is its text; NaN and the
  infinities are null.
* A datetime with a zone is UTC, RFC 3339 with a Z, fractions only when not zero; without a zone it has no
  suffix. A date is YYYY-MM-DD.
* null and a missing field differ; a value that is no JSON and none of the above is its text.
"""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any

import orjson

from hub.sdk.record import Fields, Json

VERSION = b"hub-image-1"
RAW_VERSION = b"hub-raw-1"
_ALIKE = frozenset({str, int, bool, type(None)})  # equal values of one of these have one canonical form
_SORTED = orjson.OPT_SORT_KEYS
_LEAST, _MOST = -(2**63), 2**64 - 1
_PLAIN_SCALE = 400  # beyond this a Decimal keeps its exponent: written out it could fill the memory


def canonical(fields: Fields) -> bytes:
    """The canonical form of `fields` as JSON bytes."""
    return _dump(_whole(fields, _canonical))


def digest(fields: Fields, salt: bytes = b"") -> str:
    """Fingerprint of the canonical form: 32 hex digits. `salt` sets apart what must not match."""
    state = _start(VERSION, salt).copy()
    state.update(_dump(fields) if _is_plain(fields) else canonical(fields))
    return state.hexdigest()


def raw_digest(data: Fields, salt: bytes = b"") -> str:
    """Fast fingerprint of a record as it was read: equal means unchanged, different means look closer.

    Takes any value a connector may give. 32 hex digits; `salt` as in `digest`.
    """
    try:
        text = orjson.dumps(data, default=_raw, option=_SORTED)
    except TypeError:  # integers beyond 64 bits, broken text, abysses: rare, so the slow way is good enough
        text = _flat(data)
    state = _start(RAW_VERSION, salt).copy()
    state.update(text)
    return state.hexdigest()


def to_json(fields: Fields) -> dict[str, Json]:
    """`fields` as plain JSON that any database stores; it has the same digest."""
    if _is_plain(fields):
        return dict(fields)
    return _whole(fields, _storable)


def differences(before: Fields, after: Fields) -> list[tuple[str, Json, Json]]:
    """(field, before, after) for every field that differs, in the order of `after`, then what only `before` has.

    An absent field is shown as None; ask `field in after` to tell it from null. Empty exactly when the
    digests are equal.
    """
    names = [*after, *(name for name in before if name not in after)]
    return [(name, before.get(name), after.get(name)) for name in names if _differ(name, before, after)]


def _is_plain(fields: Fields) -> bool:
    """Whether a record is its own canonical form, as most are: plain texts and small numbers, nothing nested.

    One look at all of its texts together is cheaper than one at each.
    """
    if type(fields) is not dict or not (kinds := set(map(type, fields.values()))) <= _ALIKE:
        return False
    values = fields.values()
    try:
        texts = "".join(fields) + "".join(values if len(kinds) == 1 and str in kinds else filter(_is_text, values))
    except TypeError:  # a name that is no text
        return False
    if not texts.isascii() or "\0" in texts:
        return False
    return int not in kinds or all(_LEAST <= value <= _MOST for value in values if type(value) is int)


def _is_text(value: Json) -> bool:
    return type(value) is str


@lru_cache(maxsize=256)
def _start(version: bytes, salt: bytes) -> "hashlib.blake2b":
    """A hash already set up: copying it costs half of setting up another."""
    short = salt if len(salt) <= hashlib.blake2b.SALT_SIZE else hashlib.blake2b(salt, digest_size=16).digest()
    return hashlib.blake2b(digest_size=16, salt=short, person=version)


def _differ(name: str, before: Fields, after: Fields) -> bool:
    if name not in before or name not in after:
        return True
    old, new = before[name], after[name]
    kind = type(old)
    if kind in _ALIKE and kind is type(new) and old == new:
        return False
    return _dump(_canonical(old)) != _dump(_canonical(new))


def _dump(value: Json) -> bytes:
    try:
        return orjson.dumps(value, option=_SORTED)
    except TypeError:  # very deep nesting: orjson refuses, the standard library does not
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _raw(value: Any) -> Any:
    """What JSON does not know, for the raw digest only. An unstable text only costs a closer look."""
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def _flat(root: Any) -> bytes:
    """Any value as unambiguous bytes, without recursion; for the raw digest only."""
    waiting: list[Any] = [root]
    tokens: list[str] = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            tokens.append(f"{{{len(value)} ")
            for name in sorted(value, key=str):
                waiting += (value[name], str(name))
        elif isinstance(value, list | tuple):
            tokens.append(f"[{len(value)} ")
            waiting += value
        else:
            text = hex(value) if isinstance(value, int) else str(value)
            tokens.append(f"{type(value).__name__} {len(text)} {text}")
    return "".join(tokens).encode("utf-8", "surrogatepass")


def _whole(fields: Fields, inner: Callable[[Json], Json]) -> dict[str, Json]:
    """A record with each value treated by `inner`. An abyss (240 levels; mappings refuse 64) is not walked."""
    try:
        return _named(fields, inner)
    except RecursionError:
        return {"": "nested too deeply"}


def _canonical(value: Json) -> Json:
    """The canonical form of one value."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() and "\0" not in value else unicodedata.normalize("NFC", storable_text(value))
    if kind is bool or value is None:
        return value
    if kind is float:
        return _double(value)
    return _either(value, _canonical)


def _storable(value: Json) -> Json:
    """The JSON form of one value, changed as little as storing allows."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() and "\0" not in value else storable_text(value)
    if kind is bool or value is None:
        return value
    if kind is float:
        return value if isfinite(value) else None
    return _either(value, _storable)


def _either(value: Json, inner: Callable[[Json], Json]) -> Json:
    """The values that canonical and storable form treat alike; `inner` goes for what lies inside."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, Mapping):
        return _named(value, inner)
    if isinstance(value, list | tuple):
        return [inner(item) for item in value]
    return _subclass(value, inner)


def _subclass(value: Json, inner: Callable[[Json], Json]) -> Json:
    """Enums and other subclasses count as the plain type they extend, foreign values as their text."""
    if isinstance(value, str):
        return inner(str.__str__(value))
    if isinstance(value, float):
        return inner(float(value))
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    return inner(str(value))


def _named(fields: Mapping[str, Json], inner: Callable[[Json], Json]) -> dict[str, Json]:
    """An object with each value treated by `inner`; its names are text that any database stores."""
    if _has_plain_names(fields):
        return {name: inner(value) for name, value in fields.items()}
    return {storable_text(str(name)): inner(value) for name, value in fields.items()}


def _has_plain_names(fields: Mapping[str, Json]) -> bool:
    """One look at all names together is cheaper than one at each."""
    try:
        names = "".join(fields)
    except TypeError:
        return False
    return names.isascii() and "\0" not in names


def storable_text(value: str) -> str:
    """`value` with U+FFFD in place of what no database stores: NUL and unpaired surrogates."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


def _double(value: float) -> Json:
    """A double as JSON systems agree on it: whole numbers have no fraction."""
    if not isfinite(value):
        return None
    return _integer(int(Decimal(repr(value)))) if value.is_integer() else value


def _integer(value: int) -> Json:
    return int(value) if _LEAST <= value <= _MOST else decimal_text(Decimal(value))


def decimal_text(value: Decimal) -> str:
    """A Decimal without exponent, at its own scale, never `-0`: 1E+3 is `1000`, 1.50 is `1.50`."""
    text = str(value)
    if "E" in text and -_PLAIN_SCALE < value.adjusted() < _PLAIN_SCALE:
        text = format(value, "f")
    return text.lstrip("-") if value.is_zero() else text


def datetime_text(value: datetime) -> str:
    """RFC 3339: UTC with a Z when the zone is known, without suffix when it is not."""
    if value.tzinfo is None:
        return value.isoformat()
    try:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    except OverflowError:  # the first and last hours of the calendar have no UTC
        return value.isoformat()


# datetime before date and bool before int would matter for subclasses only: bool is answered earlier.
_WRITERS: dict[type, Callable[[Any], Json]] = {
    int: _integer,
    Decimal: decimal_text,
    datetime: datetime_text,
    date: date.isoformat,
}
