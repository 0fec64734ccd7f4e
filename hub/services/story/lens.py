"""What a person may read of business data: the one place that hides values, texts and sentences from who may not."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from hub.engine.mapping import NOBODYS, Personal
from hub.services.access.right import INTEGRATION_RIGHTS, PAYLOAD, PERSONAL

Hides = Callable[[str], str]
"""Tells of a field which right its value takes; empty where the value may be seen."""

HIDDEN = "hidden"
UNQUOTED = "Hidden: it may quote what the record holds."
NEEDS_PAYLOAD, NEEDS_PERSONAL = (
    f"Takes the right “{INTEGRATION_RIGHTS[right].label}”." for right in (PAYLOAD, PERSONAL)
)


def nothing(name: str) -> str:
    """Hides nothing: for what is no business data."""
    return ""


@dataclass(frozen=True, slots=True)
class Lens:
    """How one person sees the records of one mapping. Whoever makes one without asking for rights sees nothing.

    Keys of records, names of fields and whether sides differ are always seen; values, their lengths and the places
    where they differ are not.
    """

    payload: bool = False
    personal: bool = False
    fields: Personal = NOBODYS

    @property
    def takes(self) -> str:
        """The right that it takes to see everything; empty for whom nothing is hidden."""
        if not self.payload:
            return NEEDS_PAYLOAD
        return NEEDS_PERSONAL if self.fields and not self.personal else ""

    @property
    def notice(self) -> str:
        """What a page says once about what it hides."""
        if not self.takes:
            return ""
        what = "Some of what these records hold is personal and hidden." if self.payload else "Values are hidden."
        return f"{what} {self.takes}"

    @property
    def right(self) -> str:
        """The right by which values are seen, for those who note that they were; empty when none is."""
        if not self.payload:
            return ""
        return PERSONAL if self.fields and self.personal else PAYLOAD

    def mapped(self, name: str) -> str:
        """Which right the value of a mapped field takes, named as the destination names it."""
        return self._takes(is_personal=name in self.fields.mapped)

    def source(self, name: str) -> str:
        """Which right the value of a field of the source takes."""
        return self._takes(is_personal=self.fields.is_source(name))

    def either(self, name: str) -> str:
        """The same for a field of which nobody knows at which side it is."""
        return self.mapped(name) or self.source(name)

    def side(self, name: str) -> Hides:
        """The fields of one end of the mapping: “destination” or “source”."""
        return {"destination": self.mapped, "source": self.source}.get(name, self.either)

    def text(self, text: str) -> str:
        """A whole text of which nobody knows what it quotes: a request, a response."""
        return HIDDEN if text and self.takes else text

    def sentence(self, text: str, *, field: str = "", is_of_mapping: bool = False) -> str:
        """What may be read of a stored sentence that may quote values: one line a field, with its name.

        `field` is the one it is known to concern. `is_of_mapping`: each line is what a rule says of the field it begins
        with, so that lines of fields that are not personal are safe. A quoted value may bring lines of its own: one
        line that is not safe hides them all.
        """
        if not self.takes:
            return text
        lines = [line.partition(": ")[0] for line in text.splitlines() if line.strip()]
        if self.payload and is_of_mapping and all(name in self._harmless for name in lines):
            return text
        named = [f"{name}: {HIDDEN}" for name in dict.fromkeys(lines) if name in {field, *self.fields.known}]
        return "\n".join(named or [UNQUOTED] * bool(lines))

    @property
    def _harmless(self) -> Collection[str]:
        return self.fields.known - self.fields.touched

    def _takes(self, *, is_personal: bool) -> str:
        if not self.payload:
            return NEEDS_PAYLOAD
        return NEEDS_PERSONAL if is_personal and not self.personal else ""


CLEAR = Lens(payload=True, personal=True)
