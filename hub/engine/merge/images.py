"""The acknowledged images of a link: what was agreed, and in which form each side keeps it."""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.engine.merge.decide import alike
from hub.engine.merge.policy import MISSING
from hub.sdk import Fields


@dataclass(frozen=True, slots=True)
class Images:
    """`agreed` is what the sides agreed on; the others hold only the fields that a side keeps in a form of its own."""

    agreed: Fields
    own_source: Fields | None = None
    own_destination: Fields | None = None

    @property
    def source(self) -> Fields:
        """The source as last acknowledged, in the mapping's form."""
        return {**self.agreed, **(self.own_source or {})}

    @property
    def destination(self) -> Fields:
        """The destination as last acknowledged."""
        return {**self.agreed, **(self.own_destination or {})}

    def with_fields(self, names: Iterable[str], agreed: Fields, source: Fields, destination: Fields) -> "Images":
        """These images with some fields acknowledged anew, and all others as they were."""
        ours, here, there = dict(self.agreed), self.source, self.destination
        for name in names:
            value = agreed.get(name, source.get(name, destination.get(name)))
            ours[name] = value
            here = {**here, name: source.get(name, value)}
            there = {**there, name: destination.get(name, value)}
        return Images(ours, apart(ours, here), apart(ours, there))

    def without(self, names: Iterable[str], side: str) -> "Images":
        """These images as if `side` had never been acknowledged in these fields, so that it counts as changed."""
        gone = set(names)
        ours = {name: value for name, value in self.agreed.items() if name not in gone}
        kept = {"source": self.source, "destination": self.destination}
        kept[side] = {name: value for name, value in kept[side].items() if name not in gone}
        return Images(ours, apart(ours, kept["source"]), apart(ours, kept["destination"]))


def apart(agreed: Fields, held: Fields | None) -> Fields | None:
    """The fields of `held` that differ from what was agreed; None when none does."""
    found = {name: value for name, value in (held or {}).items() if not alike(value, agreed.get(name, MISSING))}
    return found or None
