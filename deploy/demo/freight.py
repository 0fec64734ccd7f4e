"""The list of the world's airports, as its publisher ships it: the freight locations."""

import csv
import importlib.util
import io
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from state import DemoError, State

Row = dict[str, str]
Change = Callable[[Row], Row | None]
_NUMBERS = ("elevation", "lat", "lon")  # the publisher puts quotes around everything else
_SEED = 20260402


def ensure_file(state: State) -> Path:
    """Put the publisher's file where the hub picks it up; an edited one stays."""
    file = state.path("files", "airports.csv")
    if not file.exists():
        fresh = state.path("airports.csv.new")
        shutil.copyfile(_published(), fresh)
        fresh.replace(file)
    return file


def order_of_edits() -> list[Row]:
    """The publisher's rows, shuffled, always in the same way."""
    with _published().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(_SEED).shuffle(rows)
    return rows


def rewrite(file: Path, changes: dict[str, Change]) -> None:
    """Replace the rows with these codes by what each function makes of them.

    None removes a row. All other lines keep every byte, and a reader sees the old file
    or the new one, never half of it.
    """
    with file.open(encoding="utf-8", newline="") as old:
        lines = list(old)
    names = next(csv.reader(lines[:1]))
    kept = [lines[0], *(_changed(line, names, changes) for line in lines[1:])]
    fresh = file.parent.with_name(f"{file.name}.new")  # beside the folder the hub looks into
    fresh.write_text("".join(kept), encoding="utf-8", newline="")
    fresh.replace(file)


def read(file: Path) -> dict[str, Row]:
    """The rows of the file as it is now, by their code."""
    with file.open(encoding="utf-8", newline="") as source:
        return {row["icao"]: row for row in csv.DictReader(source)}


def _published() -> Path:
    found = importlib.util.find_spec("airportsdata")
    if found is None or found.origin is None:
        raise DemoError("airportsdata is not installed: run this with the demo's own Python")
    return Path(found.origin).with_name("airports.csv")


def _changed(line: str, names: list[str], changes: dict[str, Change]) -> str:
    code = line.split('"', 2)[1]
    if code not in changes:
        return line
    row = dict(zip(names, next(csv.reader([line])), strict=True))
    new = changes[code](row)
    return "" if new is None else _line(new)


def _line(row: Row) -> str:
    text = io.StringIO()
    for place, (name, value) in enumerate(row.items()):
        quoted = value if name in _NUMBERS else '"' + value.replace('"', '""') + '"'
        text.write(f",{quoted}" if place else quoted)
    return text.getvalue() + "\n"
