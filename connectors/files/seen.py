"""Remembers which keys a read has met, within bounded memory, so that a repeated key is noticed."""

import sqlite3
from collections.abc import Sequence

NEAR = 100_000  # keys in memory, some 20 MB; those that come later go to a temporary file without a name
CACHE = 8_000  # kilobytes of that file in memory

Place = tuple[int, int]  # number of the file, line


class SeenKeys:
    """The keys met so far and where each stood first."""

    def __init__(self) -> None:
        self._near: dict[str, Place] = {}
        self._far: sqlite3.Connection | None = None

    def add(self, keys: Sequence[tuple[str, int, int]]) -> dict[Place, Place]:
        """Remember keys with file and line. Gives the places of those met before, and where each was first."""
        met: dict[Place, Place] = {}
        later: list[tuple[str, int, int]] = []
        near, room = self._near, NEAR - len(self._near)
        for key, file, line in keys:
            first = near.get(key)
            if first is not None:
                met[file, line] = first
            elif room > 0:
                near[key] = (file, line)
                room -= 1
            else:
                later.append((key, file, line))
        return met | self._add_far(later) if later else met

    def _add_far(self, keys: Sequence[tuple[str, int, int]]) -> dict[Place, Place]:
        far = self._far or self._open()
        added = far.executemany("insert into seen values (?, ?, ?) on conflict do nothing", keys)
        if added.rowcount == len(keys):
            return {}
        first = {key: self._first(far, key) for key, _, _ in keys}
        return {(file, line): first[key] for key, file, line in keys if first[key] != (file, line)}

    def _open(self) -> sqlite3.Connection:
        self._far = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode=off", "synchronous=off", f"cache_size=-{CACHE}"):
            self._far.execute(f"pragma {setting}")
        self._far.execute("create table seen (key text primary key, file int, line int) without rowid")
        self._far.execute("begin")
        return self._far

    def _first(self, far: sqlite3.Connection, key: str) -> Place:
        file, line = far.execute("select file, line from seen where key = ?", (key,)).fetchone()
        return int(file), int(line)

    def close(self) -> None:
        """Forget everything."""
        self._near.clear()
        if self._far:
            self._far.close()
            self._far = None
