"""Finds the record behind a text such as a country code, and the text of a record, asking for many at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.tryton.client import Client
from connectors.tryton.streams import Lookup
from hub.sdk import RecordError

# Archived languages and countries stay readable.
EVERYTHING = {"active_test": False}


@dataclass(slots=True)
class Directory:
    """What one connection has looked up so far. Texts that were not found are asked for again."""

    client: Client
    _texts: dict[Lookup, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    _keys: dict[Lookup, dict[str, set[int]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))

    def learn_texts(self, look: Lookup, keys: Iterable[int]) -> None:
        """Ask for the texts of these records, as far as they are unknown."""
        unknown = sorted({*keys} - self._texts[look].keys())
        for key, text in self._ask(look, "id", unknown):
            self._texts[look][key] = text

    def learn_keys(self, look: Lookup, texts: Iterable[Any]) -> None:
        """Ask for the records with these texts, as far as they are unknown."""
        unknown = sorted({text for text in texts if isinstance(text, str) and text not in self._keys[look]})
        for key, text in self._ask(look, look.by, unknown):
            self._texts[look][key] = text
            self._keys[look][text].add(key)

    def text(self, look: Lookup, key: int) -> str:
        """The text of a record that was learnt; its key when there is no such record (SQLite allows that)."""
        return self._texts[look].get(key, str(key))

    def key(self, look: Lookup, name: str, text: Any) -> int:
        """The record with this text, which was learnt. Raises RecordError when there is none or more than one."""
        found = self._keys[look].get(text, set()) if isinstance(text, str) else set()
        if len(found) == 1:
            return next(iter(found))
        problem = "more than one" if found else "no"
        raise RecordError(f"{name}: Tryton has {problem} {look.model} whose {look.by} is “{text}”.", code="lookup")

    def _ask(self, look: Lookup, by: str, wanted: Sequence[Any]) -> list[tuple[int, str]]:
        """Key and text of every record whose field `by` is among those wanted."""
        if not wanted:
            return []
        method = f"model.{look.model}.search_read"
        rows = self.client.call(method, [[by, "in", wanted]], 0, None, None, [look.by], context=EVERYTHING).result
        return [(row["id"], str(row[look.by])) for row in rows if row[look.by] is not None]
