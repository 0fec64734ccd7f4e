"""Turns files into items: everything the files describe, checked for names and shapes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.services.configuration import shape
from hub.services.configuration.document import Node, load
from hub.services.configuration.item import ORDER, Item, Kind
from hub.services.configuration.problem import Place, Problems, not_known
from hub.services.configuration.shape import Reader, ShapeError
from hub.services.configuration.source import SecretValue, Sources

NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,79}$")
SECTIONS = {
    "zones": (Kind.ZONE, shape.ZONE),
    "credentials": (Kind.CREDENTIAL, shape.CREDENTIAL),
    "connections": (Kind.CONNECTION, shape.CONNECTION),
    "integrations": (Kind.INTEGRATION, shape.INTEGRATION),
    "webhooks": (Kind.WEBHOOK, shape.WEBHOOK),
}
# A mapping's rules are the same wherever they are applied, and an expression may contain a ${ of its own.
VERBATIM = "body"


def read(files: Sequence[Path], environment: Mapping[str, str], problems: Problems) -> list[Item]:
    """The items of all files, in the order of writing; what is wrong is noted in `problems`."""
    reading = _Reading(problems, Sources(environment, problems))
    for file in files:
        root = load(file, problems)
        if root is not None:
            reading.file(root)
    return sorted(reading.items.values(), key=lambda item: ORDER.index(item.kind))


@dataclass(slots=True)
class _Reading:
    problems: Problems
    sources: Sources
    items: dict[tuple[Kind, str], Item] = field(default_factory=dict)

    def file(self, root: Node) -> None:
        """Everything one file describes."""
        for name, section in self._entries(root):
            if name not in SECTIONS:
                self.problems.add(section.place, not_known(name, SECTIONS))
                continue
            kind, readers = SECTIONS[name]
            for item_name, node in self._entries(section):
                self._item(kind, item_name, node, readers)

    def _item(self, kind: Kind, name: str, node: Node, readers: Mapping[str, Reader]) -> None:
        bare = name.partition("/")[2] if kind is Kind.MAPPING else name
        if not NAME.match(bare):
            self.problems.add(node.place, f"“{bare}” is not a name. Use small letters, digits, - and _.")
        if (kind, name) in self.items:
            earlier = self.items[kind, name].place
            self.problems.add(node.place, f"is described at {earlier.file}:{earlier.line} already. Remove one.")
        given: dict[str, Any] = {}
        places: dict[str, Place] = {}
        secrets: dict[str, SecretValue] = {}
        for field_name, value in self._entries(node):
            places.update(value.places(field_name))
            if field_name not in readers:
                self.problems.add(value.place, not_known(field_name, readers))
            elif kind is Kind.CREDENTIAL and field_name == "values":
                secrets = dict(self._secrets(value))
            elif kind is Kind.INTEGRATION and field_name == "mappings":
                self._mappings(name, value)
            else:
                self._field(given, field_name, value, readers[field_name])
        self.items[kind, name] = Item(kind, name, node.place, given, places, secrets)

    def _mappings(self, integration: str, section: Node) -> None:
        for name, node in self._entries(section):
            self._item(Kind.MAPPING, f"{integration}/{name}", node, shape.MAPPING)

    def _secrets(self, section: Node) -> Iterator[tuple[str, SecretValue]]:
        for name, node in self._entries(section):
            secret = self.sources.secret(node)
            if secret is not None:
                yield name, secret

    def _field(self, given: dict[str, Any], name: str, node: Node, reader: Reader) -> None:
        before = len(self.problems.found)
        value = node.bare if name == VERBATIM else self.sources.resolved(node).bare
        if len(self.problems.found) > before:
            return
        try:
            found = reader(value)
        except ShapeError as error:
            self.problems.add(node.place, str(error))
            return
        if reader is shape.stream:
            given[name], given[f"{name}_stream"] = found
        else:
            given[name] = found

    def _entries(self, node: Node) -> Iterator[tuple[str, Node]]:
        """Names and values of a dict; a problem when it is something else."""
        if not isinstance(node.value, dict):
            self.problems.add(node.place, "must be names with values, one a line. See docs/configuration.md.")
            return
        yield from node.value.items()
