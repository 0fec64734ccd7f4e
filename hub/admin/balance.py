"""The balance line as a picture: what was received, and what became of it, in proportion."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.services.story.run import TERMS


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of the bar."""

    name: str
    word: str
    meaning: str
    count: int


def segments(balance: Mapping[str, int]) -> list[Segment]:
    """The parts that are not zero, in the order of the equation."""
    return [Segment(name, word, meaning, balance[name]) for name, word, meaning, _ in TERMS if balance[name]]
