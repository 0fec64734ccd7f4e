"""Reads JSON Lines: each line becomes a record, or a fault that names line and column."""

import json
from collections.abc import Iterator
from typing import Any

from connectors.files.flaws import flaw_of, flawed_field
from connectors.files.keys import key_of
from connectors.files.lines import Lines, TooLongError
from connectors.files.row import Row
from connectors.files.spec import FileSpec
from hub.http import loads
from hub.sdk import Fault, Record


class JsonRows:
    """The lines of one file."""

    def __init__(self, name: str, lines: Lines, spec: FileSpec) -> None:
        self._name, self._lines, self._spec = name, lines, spec
        self._columns = spec.columns and {*spec.columns}

    def numbered(self, file: int) -> Iterator[Row]:
        """Every line that is not blank, with the number of its file and its own."""
        while True:
            try:
                line = next(self._lines)
            except StopIteration:
                return
            except TooLongError as error:
                yield file, self._lines.number, self._fault("", str(error))
                continue
            if not line.isspace():
                yield file, self._lines.number, self._item(line)

    def _item(self, line: str) -> Record | Fault:
        if not line.isascii() and flaw_of(line, self._spec.encoding):
            return self._fault(f" column {_odd(line)}", flaw_of(line, self._spec.encoding))
        try:
            item = loads(line.encode(), any_text=True)
        except json.JSONDecodeError as error:
            return self._fault(f" column {error.colno}", f"it is not JSON: {error.msg}")
        except (ValueError, RecursionError) as error:
            return self._fault("", f"it is not JSON: {error}")
        if not isinstance(item, dict):
            return self._fault("", "it is JSON, but not an object")
        if "\\u" in line and flawed_field(item, self._spec.encoding)[1]:
            name, flaw = flawed_field(item, self._spec.encoding)
            return self._fault(f" ({name})", flaw)
        return self._record(item)

    def _record(self, item: dict[str, Any]) -> Record | Fault:
        parts = [_text(item.get(name)) for name in self._spec.key]
        if not all(parts):
            name = self._spec.key[next(n for n, part in enumerate(parts) if not part)]
            told = "the key is empty" if item.get(name) in (None, "") else "the key is no text and no whole number"
            return self._fault(f" ({name})", told)
        version = _text(item.get(self._spec.version)) if self._spec.version else ""
        if self._columns:
            item = {name: value for name, value in item.items() if name in self._columns}
        return Record(key_of([part or "" for part in parts]), item, version or None)

    def _fault(self, column: str, message: str) -> Fault:
        return Fault(f"{self._name} line {self._lines.number}{column}", message)


def _text(value: Any) -> str:
    """A key or version as text; empty when it can be none."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _odd(line: str) -> int:
    """The first character that is a lone surrogate, counted from 1."""
    return next(n for n, character in enumerate(line, 1) if "\ud800" <= character <= "\udfff")
