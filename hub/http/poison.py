"""Reads JSON that may hold poison. What can be read is given; what cannot has a Poison in its place, with the reason.

Poison is what the hub cannot keep or what two readers understand differently: NUL, half characters, bytes that are no
UTF-8, NaN, numbers without end, abysses, names that stand twice. It is found in the smallest value that holds it, so
that one record is refused and not the page.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

DEEPEST = 64  # levels below a record
MOST_PARTS = 1_000_000
MOST_DIGITS = 1_000
LONGEST_NAME, LONGEST_TEXT = 1_024, 1_048_576
TAKEN_APART = 5  # levels of a page that are looked at one by one: answer, list, record, field, and one below
_MEMBER = re.compile(rb'"\s*:')
_TOKEN = re.compile(rb'(?s)"(?:[^"\\]++|\\.)*+"|[\[\]{},:]')
_TEXTS = re.compile(rb'(?s)"(?:[^"\\]++|\\.)*+"')
_LONG_NUMBER = re.compile(rb"\d{%d}" % (MOST_DIGITS + 1))
_NESTED = frozenset({dict, list})


@dataclass(frozen=True, slots=True)
class Poison:
    """What stands in the place of a value that cannot be read."""

    reason: str


class TooManyError(ValueError):
    """There are more values than the hub takes at once."""


def read(body: bytes) -> tuple[Any, bool]:
    """The value of a JSON text, and whether it holds Poison. Raises TooManyError, or ValueError for what is no JSON."""
    _refuse_too_many(body)
    value = _quickly(body)
    if value is not None:
        return value, False
    found = _apart(_as_utf8(body), TAKEN_APART)
    if isinstance(found, Poison):
        raise ValueError(found.reason)  # noqa: TRY004  the text is wrong, and no type
    return found, poison_in(found) is not None


def loads(text: bytes, *, any_text: bool = False) -> Any:
    """The value of a JSON text without any poison. Raises ValueError that names it. `any_text`: texts may hold what
    they like, as whoever asks looks at them.
    """
    decoded = text.decode("utf-8")
    if len(text) > MOST_DIGITS and _LONG_NUMBER.search(text) and _LONG_NUMBER.search(_TEXTS.sub(b"", text)):
        raise ValueError(f"it holds a number of more than {MOST_DIGITS} digits")
    options: dict[str, Any] = {"parse_float": _decimal, "parse_constant": _refuse}
    try:
        value = json.loads(decoded, **options)
        names, depth = _measured(value)
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
        if names != len(_MEMBER.findall(text)):
            json.loads(decoded, object_pairs_hook=_once, **options)
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep") from None
    if any_text:
        return value
    if b"\\u" in text or len(text) > LONGEST_NAME:
        _refuse_odd_texts(value)
    return value


def poison_in(value: Any, path: str = "") -> tuple[str, str] | None:
    """(where, reason) of the first poison in a value; None when there is none."""
    if type(value) is Poison:
        return path, value.reason
    if type(value) is dict:
        inner: Iterator[tuple[str, Any]] = (
            (f"{path}.{name}" if path else name, child) for name, child in value.items()
        )
    elif type(value) is list:
        inner = ((f"{path}[{number}]", child) for number, child in enumerate(value))
    else:
        return None
    return next((found for where, child in inner if (found := poison_in(child, where))), None)


def _quickly(body: bytes) -> Any:
    """The value, when a few looks show that nothing is wrong with it and no number was rounded; otherwise None."""
    if b"\\u0000" in body or (len(body) > LONGEST_TEXT and _has_long_text(body)):
        return None
    try:
        value = orjson.loads(body)
        names, depth = _measured(value, doubles=False)
    except (ValueError, RecursionError, _DoubleError):
        return None
    return value if depth <= DEEPEST and names == len(_MEMBER.findall(body)) else None


class _DoubleError(Exception):
    """A number was rounded: one with a point, an exponent, or more digits than 64 bits hold."""


def _measured(value: Any, *, doubles: bool = True) -> tuple[int, int]:
    """(how many names, how many levels). Raises RecursionError, and _DoubleError for a double unless they are welcome.

    A name that stands twice in the text is there once in the value: then the text has more members than names.
    """
    is_object = type(value) is dict
    inner = value.values() if is_object else value if type(value) is list else (value,)
    kinds = set(map(type, inner))
    if float in kinds and not doubles:
        raise _DoubleError
    names, depth = _names(value) if is_object else 0, 0
    for child in inner if kinds & _NESTED else ():
        if type(child) in _NESTED:
            more, deeper = _measured(child, doubles=doubles)
            names, depth = names + more, max(depth, deeper)
    return names, depth + 1


def _names(value: dict[str, Any]) -> int:
    if value and max(map(len, value)) > LONGEST_NAME:
        raise ValueError(f"it holds a name of more than {LONGEST_NAME} characters")
    return len(value)


def _refuse_too_many(body: bytes) -> None:
    """Before anything is made of them: a list of empty lists takes thirty times its own size."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") <= MOST_PARTS:
        return
    count = 0  # without what stands in texts
    for token in _TOKEN.finditer(body):
        count += token[0] in {b",", b"[", b"{"}
        if count > MOST_PARTS:
            raise TooManyError(f"it holds more than {MOST_PARTS} values. Ask for smaller pages")


def _as_utf8(body: bytes) -> bytes:
    """The text as UTF-8, without a mark of its order of bytes."""
    if body.startswith(codecs.BOM_UTF8):
        return body[len(codecs.BOM_UTF8) :]
    encoding = json.detect_encoding(body)
    return body if encoding == "utf-8" else body.decode(encoding).encode()


def _apart(text: bytes, left: int) -> Any:
    """The value of a text; where it cannot be read, what its parts are worth one by one."""
    try:
        return loads(text)
    except ValueError as error:
        reason = _told(error)
    parts = _members(text) if left else None
    if parts is None:
        return Poison(reason)
    found: Any
    if isinstance(parts, list):
        found = [_apart(part, left - 1) for part in parts]
    else:
        found = {
            name: _apart(texts[0], left - 1) if len(texts) == 1 else Poison("it stands there more than once")
            for name, texts in parts.items()
        }
    return found if poison_in(found) else Poison(reason)  # it may be a name that is wrong


def _members(text: bytes) -> list[bytes] | dict[str, list[bytes]] | None:
    """The texts of what a list or an object holds; None when it is neither, or is broken."""
    text = text.strip()
    if text[:1] + text[-1:] not in {b"[]", b"{}"}:
        return None
    cuts = _cuts(text)
    if cuts is None:
        return None
    pieces = [text[start + 1 : end].strip() for start, end in zip([0, *cuts], [*cuts, len(text) - 1], strict=True)]
    if pieces == [b""]:
        pieces = []
    return pieces if text[:1] == b"[" else _named(pieces)


def _cuts(text: bytes) -> list[int] | None:
    """Where the commas stand between the members of a list or object; None when its brackets do not close."""
    depth, cuts = 0, []
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
            if depth == 0 and token.end() != len(text):
                return None
        elif sign == b"," and depth == 1:
            cuts.append(token.start())
    return cuts if depth == 0 else None


def _named(pieces: list[bytes]) -> dict[str, list[bytes]] | None:
    found: dict[str, list[bytes]] = {}
    for piece in pieces:
        name = _TEXTS.match(piece)
        rest = piece[name.end() :].lstrip() if name else b""
        if name is None or rest[:1] != b":":
            return None
        found.setdefault(_name_of(name[0]), []).append(rest[1:])
    return found


def _name_of(text: bytes) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text.decode("utf-8", "replace")


def _has_long_text(body: bytes) -> bool:
    return any(len(found[0]) > LONGEST_TEXT for found in _TEXTS.finditer(body))


def _refuse_odd_texts(value: Any) -> None:
    """Raise ValueError for a text that no database keeps, or that is longer than any may be."""
    for text, longest in _texts(value):
        if len(text) > longest:
            raise ValueError(f"it holds a text of {len(text)} characters; {longest} are taken at most")
        if "\0" in text:
            raise ValueError("it holds a NUL character")
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            raise ValueError("it holds half a character (a lone surrogate)")


def _texts(value: Any) -> Iterator[tuple[str, int]]:
    """Every text of a value, with how long it may be."""
    if type(value) is str:
        yield value, LONGEST_TEXT
    elif type(value) is dict:
        for name, child in value.items():
            yield name, LONGEST_NAME
            yield from _texts(child)
    elif type(value) is list:
        for child in value:
            yield from _texts(child)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"“{twice[:100]}” stands in it more than once")
    return found


def _decimal(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = None
    if found is None or len(text) > MOST_DIGITS or abs(found.adjusted()) > MOST_DIGITS:
        raise ValueError(f"it holds a number of more than {MOST_DIGITS} digits")
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _told(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte 0x{error.object[error.start]:02x})"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON: {error.msg}"
    return str(error)
