"""The things a configuration file describes, as plain values with their places."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hub.services.configuration.problem import Place
from hub.services.configuration.source import SecretValue


class Kind(StrEnum):
    """What an item is, in the order in which items are written: each may need the ones before."""

    ZONE = "zone"
    CREDENTIAL = "credential"
    CONNECTION = "connection"
    INTEGRATION = "integration"
    MAPPING = "mapping"
    WEBHOOK = "webhook"


ORDER = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a file.

    `name` is unique within its kind; a mapping's is integration/mapping. `given` are the fields the file
    mentions: what it does not mention stays as it is. `places` say where each value stands, by its path
    within the item. `secrets` are the values of a credential.
    """

    kind: Kind
    name: str
    place: Place
    given: Mapping[str, Any]
    places: Mapping[str, Place]
    secrets: Mapping[str, SecretValue]

    def at(self, path: str) -> Place:
        """Where a field, or a value below it such as config.url, stands; the nearest above it, or the item itself."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path, self.place)

    @property
    def label(self) -> str:
        """For people: mapping customers/parties."""
        return f"{self.kind} {self.name}"
