"""Reads docs/mappings.md: its examples below bodies, and its tables of steps."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[3] / "docs" / "mappings.md").read_text(encoding="utf-8")
GROUPS = ("Sources", "Text", "Numbers", "Dates", "Lists", "Choice", "Conditions")

BLOCK = re.compile(r"^```json\n(.*?)^```\n(?:```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
PAIR = re.compile(r"`([^`]+)` → (?:`([^`]+)`|(nothing|refused))")


def loads(text: str) -> Any:
    """JSON as connectors read it."""
    return json.loads(text, parse_float=Decimal)


def section(title: str, level: int = 2) -> str:
    """What stands below a heading, up to the next one of its level."""
    mark = "#" * level
    found = re.search(rf"^{mark} {re.escape(title)}\n(.*?)(?=^#{{2,{level}}} |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {title}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in it, heads too."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not set(row[0]) <= {"-"}]


@dataclass(frozen=True)
class Block:
    """A mapping's body and the lines below it, which say what becomes of records or what is wrong."""

    body: Any
    lines: tuple[str, ...]


def blocks() -> list[Block]:
    return [Block(loads(body), tuple(lines.splitlines())) for body, lines in BLOCK.findall(PAGE)]


@dataclass(frozen=True)
class Row:
    """A step as a table shows it. `line` is all of it."""

    group: str
    name: str
    marks: str
    options: str
    takes: str
    gives: str
    example: str
    line: str

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The step or steps of the example."""
        written = loads(self.example.split("`")[1])
        return written if isinstance(written, list) else [written]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(value before, value after), as JSON text; “nothing” and “refused” are words."""
        return [(given, word or made) for given, made, word in PAIR.findall(self.example)]


def step_rows() -> list[Row]:
    return [_row(group, cells) for group in GROUPS for cells in rows(section(group, 3))[1:]]


def _row(group: str, cells: list[str]) -> Row:
    first, options, kinds, example, limits = cells
    _, name, marks = first.split("`")
    takes, gives = kinds.split(" → ")
    return Row(group, name, marks.strip(), options, takes, gives, example, f"{options} {limits}")


def value_maps() -> dict[str, Any]:
    """The value map that the tables use."""
    found = re.search(r"value map `(\w+)`: `(\{.*?\})`", section("Choice", 3))
    assert found
    return {found[1]: loads(found[2])}
