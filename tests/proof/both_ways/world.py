"""A world in which people edit on both sides, and the hub writes on both."""

from collections import Counter
from typing import Any

from hub.models import Direction
from hub.sdk import CursorKind
from tests.proof.world import World
from tests.simulator import PROFILES, Profile, ThirdParty


def _rule(name: str, authority: str) -> dict[str, Any]:
    return {"steps": [{"path": name}], "authority": authority, "required": name == "name"}


EITHER = ("name", "city", "street")
BODY = {
    "fields": {
        **{name: _rule(name, "either") for name in EITHER},
        "rev": _rule("rev", "source"),
        "mark": _rule("mark", "destination"),
    },
    "back": {name: {"steps": [{"path": name}]} for name in (*EITHER, "mark")},
}
FIELDS = tuple(BODY["fields"])


class BothWays(World):
    """A mapping in both directions. Edits at the source raise `rev`, edits at the destination raise `mark`.

    Nobody edits a name, so that it tells which records of both sides are one. `wanted` is what people entered last.
    """

    def __init__(self, profile: Profile, *, cursor: CursorKind = CursorKind.SEQUENCE, **mapping: Any) -> None:
        told: dict[str, Any] = {"direction": Direction.TWO_WAY, "back_delete_policy": "delete", "page_size": 5}
        super().__init__(profile, body=BODY, source=PROFILES["conditional"], cursor=cursor, **(told | mapping))
        self.destination.cursor = cursor
        self.wanted: dict[str, dict[str, Any]] = {}
        self.revisions: Counter[tuple[str, str]] = Counter()

    def edit(self, key: str, **fields: Any) -> None:
        """Somebody creates or edits a record at the source."""
        self._enter(self.source, key, "rev", fields)

    def edit_there(self, name: str, **fields: Any) -> None:
        """Somebody creates or edits a record at the destination."""
        self._enter(self.destination, name, "mark", fields)

    def drop(self, name: str) -> None:
        """Somebody deletes a record at the source."""
        self._drop(self.source, name)

    def drop_there(self, name: str) -> None:
        """Somebody deletes a record at the destination."""
        self._drop(self.destination, name)

    def key_of(self, party: ThirdParty, name: str) -> str | None:
        """The key that this record has at one side."""
        return next((key for key, row in party.rows.items() if identity(row.data) == name), None)

    def _enter(self, party: ThirdParty, name: str, counts: str, fields: dict[str, Any]) -> None:
        key = self.key_of(party, name)
        self.revisions[name, counts] += 1
        new = {} if key else {"name": name, "city": "Kiel", "street": "Am Markt"}
        entered = {**new, **fields, counts: self.revisions[name, counts]}
        party.put(key or name, **entered)
        self.wanted[name] = self.wanted.get(name, {}) | party.store.profile.normalise(entered)

    def _drop(self, party: ThirdParty, name: str) -> None:
        if key := self.key_of(party, name):
            party.drop(key)
            self.wanted.pop(name, None)


def identity(data: dict[str, Any]) -> str:
    """Which record this is, on whichever side and in whatever form: by the name it was given at first."""
    return str(data.get("name", "")).lower()
