"""Remembers which keys a read has met, on disk rather than in memory, so that a repeated key is noticed."""

import sqlite3
from collections.abc import Sequence

CACHE = 8_000  # kilobytes; what does not fit is spilled to a temporary file without a name

Place = tuple[str, int, int]  # key, number of the file, line


class SeenKeys:
    """The keys met so far and where each stood first."""

    def __init__(self) -> None:
        self._known = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode=off", "synchronous=off", f"cache_size=-{CACHE}"):
            self._known.execute(f"pragma {setting}")
        self._known.execute("create table seen (key text primary key, file int, line int) without rowid")
        self._known.execute("begin")

    def add(self, places: Sequence[Place]) -> dict[tuple[int, int], tuple[int, int]]:
        """Remember keys. Gives the places (file, line) of those met before, each with where it was first."""
        # In order of keys the tree is walked once; of equal keys the first line comes first.
        added = self._known.executemany("insert into seen values (?, ?, ?) on conflict do nothing", sorted(places))
        if added.rowcount == len(places):
            return {}
        first = {key: self._first(key) for key, _, _ in places}
        return {(file, line): first[key] for key, file, line in places if first[key] != (file, line)}

    def _first(self, key: str) -> tuple[int, int]:
        file, line = self._known.execute("select file, line from seen where key = ?", (key,)).fetchone()
        return int(file), int(line)

    def close(self) -> None:
        """Forget everything."""
        self._known.close()
