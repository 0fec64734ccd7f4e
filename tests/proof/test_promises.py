"""The table of docs/proof.md names every promise, and tests that really cite it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROMISES = [f"I{number}" for number in range(1, 23)] + [f"R-{number:02}" for number in range(1, 13)]
ROW = re.compile(r"^\| (I\d+|R-\d\d) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
NONE = "—"


def table() -> dict[str, list[str]]:
    """The tests that the page names for each promise."""
    rows = ROW.findall((ROOT / "docs/proof.md").read_text())
    return {name: re.findall(r"`([^`]+)`", cell) for name, cell in rows}


def cited(text: str) -> set[str]:
    """The promises a text names, those within a span such as “I1 to I7” too."""
    names = set(re.findall(r"\bI\d+\b|\bR-\d\d\b", text))
    for kind, first, last in re.findall(r"\b(I|R-)(\d+) to (?:I|R-)(\d+)\b", text):
        width = 2 if kind == "R-" else 1
        names |= {f"{kind}{number:0{width}}" for number in range(int(first), int(last) + 1)}
    return names


def test_the_page_speaks_of_every_promise() -> None:
    assert list(table()) == PROMISES


@pytest.mark.parametrize("name", PROMISES)
def test_what_the_page_names_cites_the_promise(name: str) -> None:
    for place in table()[name]:
        assert name in cited((ROOT / place).read_text()), f"{place} does not cite {name}"


def test_a_promise_that_tests_cite_is_not_said_to_be_unproven() -> None:
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    found = set().union(*(cited(path.read_text()) for path in tests))

    assert {name for name, places in table().items() if not places} & found == set()
