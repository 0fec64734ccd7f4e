"""Puts values side by side and marks, at the character, where they differ."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from hub.engine.canonical import canonical
from hub.sdk import Fields
from hub.sdk.record import Json
from hub.services.story.lens import HIDDEN, Hides

MISSING = object()
SHORT_ISLAND = 3  # equal stretches below this length, between two differences, only confuse the eye
LEAST_ALIKE = 0.34  # texts that share less than this are two texts, not one text with a difference
MOST_WORK = 250_000  # characters times characters; beyond it the differing middle is marked as a whole


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; `is_marked` where it differs from what stands beside it."""

    text: str
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as a person sees it: pieces of text, or a `word` where there is no text to show."""

    pieces: tuple[Piece, ...] = ()
    word: str = ""
    is_structure: bool = False
    hint: str = ""  # more about the word: which right it takes to see what is hidden
    is_marked: bool = False  # a word that stands for a value that differs


@dataclass(frozen=True, slots=True)
class Row:
    """One field, with the same value on each side or with different ones; `note` says more about it."""

    name: str
    cells: tuple[Cell, ...]
    differs: bool
    note: str = ""


NOT_THERE = Cell(word="not there")
NOTHING = Cell(word="nothing")
EMPTY = Cell(word="empty text")


def beside(*sides: Fields | None, hides: Hides) -> list[Row]:
    """One row a field that any side has, in the order of the last side, then of those before it.

    Of two sides, both are marked where they differ; of more, every side is marked against the second. Of a value that
    `hides` names a right for, nothing is left but whether it is there and whether it differs.
    """
    names: dict[str, None] = {}
    for side in reversed(sides):
        names |= dict.fromkeys(side or ())
    return [_row(name, [(side or {}).get(name, MISSING) for side in sides], hides(name)) for name in names]


def same(one: object, other: object) -> bool:
    """Whether two values are equal as the hub compares them; an absent one equals only an absent one."""
    if one is MISSING or other is MISSING:
        return one is other
    return one == other or canonical({"": one}) == canonical({"": other})


def visible(text: str) -> str:
    """`text` with what cannot be seen written out: a zero-width space becomes ⟨U+200B⟩."""
    return "".join(_shown(character) for character in text)


def _row(name: str, values: Sequence[Json], takes: str) -> Row:
    differs = any(not same(values[0], value) for value in values[1:])
    if takes:
        return Row(name, tuple(_hidden(value, values, takes) for value in values), differs=differs)
    if not differs:
        return Row(name, tuple(_plain(value) for value in values), differs=False)
    if len(values) == 2:
        return Row(name, _marked_pair(values[0], values[1]), differs=True)
    agreed = values[1]
    cells = [_plain(agreed) if value is agreed else _marked_pair(agreed, value)[1] for value in values]
    return Row(name, tuple(cells), differs=True)


def _hidden(value: Json, values: Sequence[Json], takes: str) -> Cell:
    """What stands for a hidden value, marked where the value would be."""
    if value is MISSING:
        return NOT_THERE
    others = [values[1]] if len(values) > 2 else values
    return Cell(word=HIDDEN, hint=takes, is_marked=any(not same(value, other) for other in others))


def _marked_pair(old: Json, new: Json) -> tuple[Cell, Cell]:
    """Both values, marked where they differ; a value that stands against none is marked as a whole."""
    if same(old, new):
        return _plain(old), _plain(new)
    one, other = _plain(old), _plain(new)
    if one.word or other.word or one.is_structure != other.is_structure or isinstance(old, bool):
        return _whole(one), _whole(other)
    before, after = _marks(one.pieces[0].text, other.pieces[0].text)
    if _alike(before, after) < LEAST_ALIKE:
        return _whole(one), _whole(other)
    return Cell(before, is_structure=one.is_structure), Cell(after, is_structure=other.is_structure)


def _whole(cell: Cell) -> Cell:
    marked = tuple(Piece(piece.text, is_marked=True) for piece in cell.pieces)
    return Cell(marked, cell.word, cell.is_structure)


def _plain(value: Json) -> Cell:
    if value is MISSING:
        return NOT_THERE
    if value is None:
        return NOTHING
    if value == "":
        return EMPTY
    if isinstance(value, str):
        return Cell((Piece(visible(value)),))
    if isinstance(value, Mapping | list | tuple):
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        return Cell((Piece(visible(text)),), is_structure=True)
    return Cell((Piece(json.dumps(value, default=str)),))


def _marks(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """The pieces of both texts. What they share at both ends is never marked."""
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    one, other = old[start : len(old) - end], new[start : len(new) - end]
    islands = _islands(one, other)
    tail = old[len(old) - end :] if end else ""
    return (
        _pieces(old[:start], one, [(block.a, block.size) for block in islands], tail),
        _pieces(new[:start], other, [(block.b, block.size) for block in islands], tail),
    )


def _alike(before: Sequence[Piece], after: Sequence[Piece]) -> float:
    """How much of the longer text is left without a mark: 0 to 1."""
    equal = sum(len(piece.text) for piece in before if not piece.is_marked)
    return equal / max(sum(len(piece.text) for piece in side) for side in (before, after))


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def _islands(one: str, other: str) -> list["_Block"]:
    """The equal stretches worth showing within two differing texts."""
    if not one or not other or len(one) * len(other) > MOST_WORK:
        return []
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.ratio() < 0.5:
        return []
    return [_Block(*block) for block in matcher.get_matching_blocks() if block.size >= SHORT_ISLAND]


@dataclass(frozen=True, slots=True)
class _Block:
    a: int
    b: int
    size: int


def _pieces(head: str, middle: str, islands: Sequence[tuple[int, int]], tail: str) -> tuple[Piece, ...]:
    found, at = [Piece(head)], 0
    for place, size in islands:
        found += [Piece(middle[at:place], is_marked=True), Piece(middle[place : place + size])]
        at = place + size
    found += [Piece(middle[at:], is_marked=True), Piece(tail)]
    return tuple(piece for piece in found if piece.text)


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if character in "\n\t ":
        return character
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}
    return f"⟨U+{ord(character):04X}⟩" if hidden else character
