"""What a webhook's message says: which event it is, which delivery, and which records it points at."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

MOST_KEYS = 1000
LONGEST = 255


def text_at(place: str, headers: Mapping[str, str], body: Any) -> str:
    """The text at `header:name` or at `body:path`; empty when there is none. A path is names joined by dots."""
    kind, _, name = place.partition(":")
    if kind == "header":
        return headers.get(name.lower(), "")
    found = list(values_at(name, body))
    return as_key(found[0]) if len(found) == 1 else ""


def keys_at(place: str, headers: Mapping[str, str], body: Any) -> list[str]:
    """The record keys at a place, each once, in order. `*` in a path stands for every entry of a list."""
    kind, _, name = place.partition(":")
    if kind == "header":
        return [key for key in [headers.get(name.lower(), "").strip()] if key]
    keys = (as_key(value) for value in values_at(name, body))
    return list(dict.fromkeys(key for key in keys if key))[:MOST_KEYS]


def values_at(path: str, body: Any) -> Iterator[Any]:
    """Every value at a path."""
    found: list[Any] = [body]
    for step in path.split("."):
        found = [below for value in found for below in _below(value, step)]
    yield from found


def as_key(value: Any) -> str:
    """A value as the key of a record; empty when it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return text if len(text) <= LONGEST else ""


def matches(event: str, patterns: Sequence[str]) -> bool:
    """Whether an event is one of those wanted; `*` stands for anything, and no pattern at all for all events."""
    return not patterns or any(fnmatchcase(event, pattern) for pattern in patterns)


def wrong_place(place: str) -> str:
    """What is wrong with a place, or an empty text."""
    kind, _, name = place.partition(":")
    if kind not in {"header", "body"} or not name or any(not step for step in name.split(".")):
        return "must be header:name or body:path, for example header:x-request-id or body:data.object.id."
    return ""


def _below(value: Any, step: str) -> list[Any]:
    if step == "*":
        return list(value) if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    if isinstance(value, dict):
        return [value[step]] if step in value else []
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return [value[int(step)]]
    return []
