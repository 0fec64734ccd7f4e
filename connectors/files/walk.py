"""One complete read of a stream: file by file, row by row, and it knows where it stands."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import IO

from connectors.files.csv_rows import CsvRows
from connectors.files.folder import FileMark, Folder, digest_of
from connectors.files.json_rows import JsonRows
from connectors.files.lines import Lines
from connectors.files.row import Row
from connectors.files.seen import SeenKeys
from connectors.files.spec import FileSpec, Format
from hub.sdk import Cursor, Fault, Page, Record

CATCHING_UP = 5_000  # rows at a time while going back to where a read stopped


@contextmanager
def opened_rows(raw: IO[bytes], name: str, spec: FileSpec) -> Iterator[CsvRows | JsonRows]:
    """The rows of one open file, each with its line."""
    lines = Lines(raw, spec.encoding, name)
    try:
        yield CsvRows(name, lines, spec) if spec.format is Format.CSV else JsonRows(name, lines, spec)
    finally:
        lines.release()


class Walk:
    """A read from the first row of the first file to the last of the last."""

    def __init__(self, folder: Folder, spec: FileSpec, marks: Sequence[FileMark]) -> None:
        self._folder, self._spec, self._marks = folder, spec, marks
        self._digest = digest_of(marks, spec)
        self._file, self._taken, self._line = 0, 0, 0
        self._rows = self._run()
        self._seen = SeenKeys()

    @property
    def cursor(self) -> Cursor:
        """Where the walk stands: after so many rows of this file."""
        name = self._marks[self._file].name
        return {"files": self._digest, "file": name, "rows": self._taken, "line": self._line}

    def page(self, limit: int) -> Page:
        """The next rows. Raises TransientError when a file changed under the reader's hand."""
        rows = list(islice(self._rows, limit))
        self._advance(rows)
        self._folder.check_unchanged(self._marks[self._file])
        repeated = self._repeated(rows)
        records = [item for _, _, item in rows if isinstance(item, Record)]
        if repeated:
            records = [item for f, n, item in rows if isinstance(item, Record) and (f, n) not in repeated]
        faults = [item for _, _, item in rows if isinstance(item, Fault)] if len(records) < len(rows) else []
        done = len(rows) < limit
        cursor: Cursor = {"files": self._digest, "done": True} if done else self.cursor
        return Page(records, cursor, done, [*faults, *repeated.values()])

    def catch_up(self, cursor: Cursor) -> bool:
        """Go again over what was read before, for the sake of the keys. False: this place does not exist."""
        while self.cursor != cursor:
            rows = list(islice(self._until(cursor), CATCHING_UP))
            if not rows:
                return False
            self._repeated(rows)
        return True

    def close(self) -> None:
        """Close the file and forget the keys."""
        self._rows.close()
        self._seen.close()

    def _until(self, cursor: Cursor) -> Iterator[Row]:
        """The next rows, none beyond this place."""
        for row in self._rows:
            self._advance([row])
            yield row
            if self._taken == cursor.get("rows") and self.cursor == cursor:
                return

    def _advance(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        file, self._line, _ = rows[-1]
        before = self._taken if file == self._file else 0
        self._taken = before + sum(1 for number, _, _ in rows if number == file)
        self._file = file

    def _run(self) -> Generator[Row, None, None]:
        for number, mark in enumerate(self._marks):
            self._folder.check_unchanged(mark)
            with self._folder.open(mark) as raw, opened_rows(raw, mark.name, self._spec) as rows:
                yield from rows.numbered(number)
            self._folder.check_unchanged(mark)

    def _repeated(self, rows: Sequence[Row]) -> dict[tuple[int, int], Fault]:
        """The faults of rows whose key another row had before, by place."""
        met = self._seen.add([(item.key, file, line) for file, line, item in rows if isinstance(item, Record)])
        if not met:
            return {}
        keys = {(file, line): item.key for file, line, item in rows if isinstance(item, Record)}
        return {place: self._repeat(place, keys[place], first) for place, first in met.items()}

    def _repeat(self, place: tuple[int, int], key: str, first: tuple[int, int]) -> Fault:
        where, before = (f"{self._marks[file].name} line {line}" for file, line in (place, first))
        return Fault(where, f"the key {key} stands already in {before}; that row was taken, this one was not", key)
