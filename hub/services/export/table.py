"""Evidence as a table for people, safe to open: no cell is taken for a formula."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from hub.services.audit import action
from hub.services.export.chosen import Chosen

COLUMNS: dict[str, tuple[str, ...]] = {
    "event": (
        "position", "uid", "at", "actor_id", "actor_name", "on_behalf", "action", "what", "outcome", "subject",
        "subject_id", "subject_name", "reason", "ticket", "run_id", "mapping_version_id", "approval_id", "method",
        "request", "address", "session", "app_version", "policy_version", "before", "after", "detail", "hash",
    ),
    "row": (
        "position", "uid", "at", "actor_id", "actor_name", "method", "request", "run_id", "database_user",
        "table_name", "key", "operation", "before", "after", "hash",
    ),
}  # fmt: skip
NUMBER = re.compile(r"-?\d+(\.\d+)?")
# What spreadsheets take for the beginning of a formula, also in full width.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def rows(chosen: Chosen) -> Iterator[str]:
    """CSV with a heading, text by text."""
    names = COLUMNS[chosen.kind]
    yield line(names)
    for _, entries in chosen.batches():
        for entry in entries:
            chosen.entries += 1
            content = entry["content"] or {}
            said = {
                **content,
                "position": entry["seq"],
                "hash": entry["leaf"],
                "what": action.verb(content.get("action", "")),
            }
            yield line([_cell(said.get(name, "")) for name in names])


def line(cells: Any) -> str:
    """One line of CSV."""
    out = io.StringIO()
    csv.writer(out).writerow(safe(cell) for cell in cells)
    return out.getvalue()


def safe(cell: str) -> str:
    """The text with an apostrophe before it, where a spreadsheet would calculate; a number stays one."""
    if NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}" if cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA) else cell


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
