"""How a third party is read: by sequence, by time stamps with ties and late commits, or as a whole in pages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hub.sdk import CursorKind, Page, Record
from tests.simulator.store import Row, Store

OVERLAP = 5.0


@dataclass
class Reader:
    """One way of reading a store. `skew` is how far its clock is ahead.

    `renamed` are its fields' new names, `retyped` their new forms.
    """

    store: Store
    cursor: CursorKind
    skew: float = 0.0
    overlap: float = OVERLAP
    by_offset: bool = False
    renamed: dict[str, str] = field(default_factory=dict)
    retyped: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    hidden: dict[str, Row | None] = field(default_factory=dict)

    def page(self, cursor: dict[str, Any] | None, limit: int) -> Page:
        """One page, as the kind of cursor has it."""
        if self.cursor is CursorKind.NONE:
            return self._by_offset(cursor, limit) if self.by_offset else self._by_key(cursor, limit)
        if self.cursor is CursorKind.TIMESTAMP:
            return self._by_stamp(cursor, limit)
        since = (cursor or {}).get("since", 0)
        live = [(row.changed, self.record(key)) for key, row in self._visible().items()]
        dead = [(at, Record(key, {}, deleted=True)) for key, (at, _) in self.store.gone.items()]
        newer = sorted(((at, record) for at, record in live + dead if at > since), key=lambda pair: pair[0])
        chunk = newer[:limit]
        until = chunk[-1][0] if chunk else since
        return Page([record for _, record in chunk], {"since": until}, done=len(newer) <= limit)

    def record(self, key: str) -> Record:
        """The record as the outside sees it."""
        row = self._visible()[key]
        data = {name: self.retyped.get(name, lambda kept: kept)(value) for name, value in row.data.items()}
        data = {self.renamed.get(name, name): value for name, value in data.items()}
        return Record(key, data, str(row.version))

    def has(self, key: str) -> bool:
        """Whether the outside sees such a record."""
        return key in self._visible()

    def _visible(self) -> dict[str, Row]:
        """All rows, those of transactions still open as they were before."""
        if not self.hidden:
            return self.store.rows
        shown = {**self.store.rows, **{key: row for key, row in self.hidden.items() if row is not None}}
        return {key: row for key, row in shown.items() if self.hidden.get(key, row) is not None}

    def _by_key(self, cursor: dict[str, Any] | None, limit: int) -> Page:
        after = "" if not cursor or cursor.get("done") else cursor["after"]
        keys = sorted(key for key in self._visible() if key > after)
        chunk, done = keys[:limit], len(keys) <= limit
        position = {"after": chunk[-1] if chunk else after, "done": done}
        return Page([self.record(key) for key in chunk], position, done=done)

    def _by_offset(self, cursor: dict[str, Any] | None, limit: int) -> Page:
        """Newest first, by number: an edit between two pages makes one record come twice or not at all."""
        start = 0 if not cursor or cursor.get("done") else cursor["offset"]
        rows = sorted(self._visible().items(), key=lambda pair: -pair[1].changed)
        chunk, done = rows[start : start + limit], start + limit >= len(rows)
        return Page([self.record(key) for key, _ in chunk], {"offset": start + limit, "done": done}, done=done)

    def _by_stamp(self, cursor: dict[str, Any] | None, limit: int) -> Page:
        """From a whole second on, inclusive; the next read begins before this one began, by the server's clock."""
        here = cursor or {}
        began = here.get("began", self.store.now() + self.skew)
        place = (here.get("at", float("-inf")), here.get("key", ""))
        live = [(self._stamp(row.stamp), key, self.record(key)) for key, row in self._visible().items()]
        dead = [(self._stamp(at), key, Record(key, {}, deleted=True)) for key, (_, at) in self.store.gone.items()]
        newer = sorted((found for found in live + dead if found[:2] > place), key=lambda found: found[:2])
        chunk, done = newer[:limit], len(newer) <= limit
        if done:
            following: dict[str, Any] = {"at": began - self.overlap, "key": ""}
        else:
            following = {"at": chunk[-1][0], "key": chunk[-1][1], "began": began}
        return Page([record for *_, record in chunk], following, done=done)

    def _stamp(self, at: float) -> float:
        return float(int(at + self.skew))
