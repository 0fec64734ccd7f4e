"""Reads a manifest with care: every problem is collected with its place, what stands there, and what to write."""

import json
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
_NEEDED: Any = object()


class Node:
    """One object of the manifest. Whatever is asked of it and is not there, or is wrong, becomes a problem."""

    def __init__(self, value: Any, place: str, problems: list[str]) -> None:
        self.place = place
        self._problems = problems
        self._asked: list[str] = []
        self._values: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        if not isinstance(value, Mapping):
            problems.append(f"{place or 'manifest'} is {_shape(value)}, must be an object: {{…}}.")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, example: str, default: Any = _NEEDED) -> str:
        """A text."""
        return str(self._take(name, json.dumps(example), default, lambda value: isinstance(value, str), "text"))

    def choice(self, name: str, choices: Sequence[str], default: Any = _NEEDED) -> str:
        """One of some words."""
        kind = f"one of {', '.join(choices)}"
        return str(self._take(name, json.dumps(choices[-1]), default, lambda value: value in choices, kind))

    def whole(self, name: str, example: int, default: Any = _NEEDED) -> Any:
        """A whole number that is not negative; None only when that is the default."""
        return self._take(name, str(example), default, _is_whole, "a whole number")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        return bool(self._take(name, "true", default, lambda value: isinstance(value, bool), "true or false"))

    def texts(self, name: str, example: Sequence[str], default: Any = _NEEDED) -> tuple[str, ...]:
        """One text or a list of texts."""
        value = self._take(name, json.dumps(example), default, _is_texts, "a text or a list of texts")
        return (value,) if isinstance(value, str) else tuple(value)

    def statuses(self, name: str, default: Sequence[int] = ()) -> frozenset[int]:
        """A list of HTTP statuses."""
        return frozenset(self._take(name, "[409]", default, _is_statuses, "a list of HTTP statuses"))

    def table(self, name: str, example: Mapping[str, Any]) -> dict[str, Any]:
        """Free names with plain values."""
        return dict(self._take(name, json.dumps(example), {}, _is_table, "an object of plain values"))

    def anything(self, name: str, *, default: Any) -> Any:
        """Any JSON."""
        return self._take(name, "null", default, lambda _: True, "JSON")

    def part(self, name: str, read: Callable[["Node"], T]) -> T | None:
        """A nested object, read by `read`; None when it is not there."""
        self._asked.append(name)
        return self._read(name, read) if name in self._values else None

    def parts(self, name: str, read: Callable[["Node", str], T]) -> dict[str, T]:
        """An object of nested objects by their own names."""
        self._asked.append(name)
        inner = Node(self._values.get(name), self._at(name), self._problems)
        return {each: inner._read(each, partial(_named, read, each)) for each in inner._values}

    def problem(self, name: str, message: str) -> None:
        """Report something wrong with the value of `name`."""
        self._problems.append(f"{self._at(name)} {message}")

    def _read(self, name: str, read: Callable[["Node"], T]) -> T:
        node = Node(self._values[name], self._at(name), self._problems)
        found = read(node)
        node._report_strangers()
        return found

    def _take(self, name: str, example: str, default: Any, fits: Callable[[Any], bool], kind: str) -> Any:
        self._asked.append(name)
        if name not in self._values:
            if default is _NEEDED:
                self.problem(name, f"is missing, must be {kind}. Write for example {json.dumps(name)}: {example}.")
            return json.loads(example) if default is _NEEDED else default
        value = self._values[name]
        if fits(value):
            return value
        self.problem(name, f"is {_shape(value)}, must be {kind}. Write for example {json.dumps(name)}: {example}.")
        return json.loads(example)

    def _report_strangers(self) -> None:
        for name in self._values:
            if name not in self._asked:
                near = get_close_matches(name, self._asked, 1)
                cure = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(self._asked))}."
                self.problem(name, f"is not known. {cure}")

    def _at(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name


def _named(read: Callable[[Node, str], T], name: str, node: Node) -> T:
    return read(node, name)


def _shape(value: Any) -> str:
    """What stands there, in words and short."""
    if value is None:
        return "missing or null"
    words = {bool: "a truth value", str: "the text", Mapping: "an object", list: "a list"}
    kind = next((word for type_, word in words.items() if isinstance(value, type_)), "the number")
    return f"{kind} {json.dumps(value, default=str)[:60]}"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _is_statuses(value: Any) -> bool:
    return isinstance(value, list) and all(_is_whole(each) and 100 <= each <= 599 for each in value)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and not any(isinstance(each, Mapping | list) for each in value.values())
