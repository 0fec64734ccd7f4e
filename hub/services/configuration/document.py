"""Reads YAML so that every value knows its file and line; nothing in it can run or be built."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hub.services.configuration.problem import Place, Problems

LARGEST = 2_000_000  # bytes of one file
MOST_NODES = 200_000  # an alias of aliases grows without end


class _Loader(yaml.SafeLoader):
    """YAML with the scalars of version 1.2: `no` and `on` are words, 007 stays text, dates stay text."""

    yaml_implicit_resolvers = {}


# kind: (how it is written, the signs it may begin with, what it becomes)
SCALARS: dict[str, tuple[re.Pattern[str], list[str], Callable[[str], Any]]] = {
    "null": (re.compile(r"^(?:~|null|)$"), ["~", "n", ""], lambda text: None),
    "bool": (re.compile(r"^(?:true|false)$"), ["t", "f"], lambda text: text == "true"),
    "int": (re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"), int),
    "float": (re.compile(r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"), list("-+0123456789"), float),
}
for _kind, (_pattern, _first, _) in SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, _first)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a file: a scalar, a dict or a list of nodes, and where it stands.

    `is_plain` says that a scalar was written without quotes.
    """

    value: Any
    place: Place
    is_plain: bool = False

    @property
    def bare(self) -> Any:
        """The value and all below it, without places."""
        if isinstance(self.value, dict):
            return {name: node.bare for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.bare for node in self.value]
        return self.value

    def places(self, path: str) -> Iterator[tuple[str, Place]]:
        """Where the value and everything below it stands, by path; `path` is its own."""
        yield path, self.place
        if isinstance(self.value, dict):
            for name, node in self.value.items():
                yield from node.places(f"{path}.{name}")
        elif isinstance(self.value, list):
            for number, node in enumerate(self.value):
                yield from node.places(f"{path}[{number}]")


def load(file: Path, problems: Problems) -> Node | None:
    """The whole file; None when it cannot be read, with the reason among the problems."""
    try:
        if file.stat().st_size > LARGEST:
            problems.add(Place(str(file), 1), f"is larger than {LARGEST} bytes. Split it.")
            return None
        return parse(file.read_text("utf-8"), str(file), problems)
    except OSError as error:
        problems.add(Place(str(file), 1), f"cannot be read: {error.strerror}. Check the name.")
    except UnicodeDecodeError as error:
        problems.add(Place(str(file), 1), f"is not UTF-8 at byte {error.start}. Save it as UTF-8.")
    return None


def parse(text: str, file: str, problems: Problems) -> Node | None:
    """The document in `text`; None when it is not YAML or empty, with the reason among the problems."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problems.add(Place(file, line), f"is not valid YAML: {error.problem}. Correct this line.")
        return None
    except yaml.YAMLError as error:
        problems.add(Place(file, 1), f"is not valid YAML: {' '.join(str(error).split())}.")
        return None
    if root is None:
        problems.add(Place(file, 1), "is empty. Write credentials, connections or integrations into it.")
        return None
    return _Walk(file, problems).node(root, ())


def scalar(text: str) -> Any:
    """What a value written without quotes means: number, true, false, null or text."""
    for pattern, _, construct in SCALARS.values():
        if pattern.match(text):
            return construct(text)
    return text


@dataclass(slots=True)
class _Walk:
    """Turns YAML's own nodes into ours."""

    file: str
    problems: Problems
    count: int = 0
    above: list[int] = field(default_factory=list)

    def node(self, raw: yaml.Node, path: tuple[str | int, ...], line: int = 0) -> Node:
        """One value and everything below it. `line` is that of its name, which is where people look for it."""
        place = Place(self.file, line or raw.start_mark.line + 1, path)
        self.count += 1
        if id(raw) in self.above or self.count > MOST_NODES:
            self.problems.add(place, "contains itself, or is too large. Write it out without anchors.")
            return Node(None, place)
        self.above.append(id(raw))
        value = self._value(raw, place)
        self.above.pop()
        return Node(value, place, isinstance(raw, yaml.ScalarNode) and not raw.style)

    def _value(self, raw: yaml.Node, place: Place) -> Any:
        kind = raw.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(raw, yaml.MappingNode) and kind == "map":
            return self._dict(raw, place)
        if isinstance(raw, yaml.SequenceNode) and kind == "seq":
            return [self.node(child, (*place.path, number)) for number, child in enumerate(raw.value)]
        if isinstance(raw, yaml.ScalarNode) and kind in SCALARS:
            return SCALARS[kind][2](raw.value)
        if isinstance(raw, yaml.ScalarNode) and kind == "str":
            return raw.value
        self.problems.add(place, f"has the tag {raw.tag}. Write the value without a tag.")
        return None

    def _dict(self, raw: yaml.MappingNode, place: Place) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, child in raw.value:
            here = Place(self.file, key.start_mark.line + 1, place.path)
            if not isinstance(key, yaml.ScalarNode):
                self.problems.add(here, "has a key that is not text. Write a name before the colon.")
                continue
            if key.value in found:
                self.problems.add(here, f"“{key.value}” stands here twice. Remove one.")
            found[key.value] = self.node(child, (*place.path, key.value), here.line)
        return found
