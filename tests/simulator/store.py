"""The database of a third party: records, versions, remembered keys, requests still on their way, and the ledger."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hub.sdk import Answer, Operation
from tests.simulator.ledger import HUB, PERSON, Effect, Ledger
from tests.simulator.profile import Profile


@dataclass
class Row:
    """One record at the third party."""

    data: dict[str, Any]
    version: int
    reference: str = ""
    changed: int = 0  # place in the order of commits
    stamp: float = 0.0  # modification time by the party's own clock
    findable_at: float = 0.0  # the search index knows its reference from then on


@dataclass(frozen=True, slots=True)
class Asked:
    """One write as it arrives there, whatever carried it."""

    operation: Operation
    reference: str
    fields: dict[str, Any]
    key: str | None = None
    version: str | None = None
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the third party says to one write."""

    answer: Answer
    key: str | None = None
    code: str = ""
    message: str = ""


@dataclass
class Remembered:
    """An idempotency key with the body and the answer it stands for."""

    until: float
    body: str
    reply: Reply


@dataclass
class Store:
    """Takes writes of people and of hubs. `now` is the party's own time in seconds."""

    profile: Profile
    now: Callable[[], float]
    ledger: Ledger = field(default_factory=Ledger)
    rows: dict[str, Row] = field(default_factory=dict)
    gone: dict[str, tuple[int, float]] = field(default_factory=dict)
    clock: int = 0
    keys: dict[str, Remembered] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    underway: list[tuple[float, Asked]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)

    # --- people --------------------------------------------------------------------------------------
    def put(self, key: str, data: dict[str, Any]) -> None:
        """A person creates or edits a record."""
        kept = self.rows.get(key)
        self.gone.pop(key, None)
        if kept is None:
            kept = self.rows[key] = Row({}, self.clock)
        self._change(key, kept, "update", data)

    def drop(self, key: str, *, by: str = PERSON, request: str = "") -> None:
        """A record is deleted."""
        self.clock += 1
        row = self.rows.pop(key)
        self.gone[key] = (self.clock, self.now())
        self._note("delete", key, row, {}, by=by, request=request)

    # --- hubs ----------------------------------------------------------------------------------------
    def take(self, asked: Asked) -> Reply:
        """One write arrives now."""
        wants = self.profile.write if asked.operation is Operation.CREATE else self.profile.of_update()
        known = wants.key and asked.idempotency_key
        if known and (told := self._remembered(asked)):
            return told
        reply = self._do(asked)
        stored = reply.answer in (Answer.APPLIED, Answer.UNCHANGED) or (wants.key and wants.key.stores_errors)
        if known and wants.key and stored:
            self.keys[asked.idempotency_key] = Remembered(self.now() + wants.key.ttl, _body(asked), reply)
        return reply

    def would_refuse(self, asked: Asked) -> bool:
        """Whether a batch with this write in it would be refused as a whole."""
        return asked.reference in self.refuse or (asked.operation is Operation.CREATE and self._is_taken(asked))

    def later(self, asked: Asked, delay: float, *, blocks: bool = False) -> None:
        """The request is on its way and arrives after `delay` seconds; `blocks`: it is worked on until then."""
        self.underway.append((self.now() + delay, asked))
        if blocks and asked.idempotency_key:
            self.busy[asked.idempotency_key] = self.now() + delay

    def land(self) -> int:
        """Let arrive what was underway until now; returns how many requests that was."""
        clock, now = self.now, self.now()
        due = sorted((one for one in self.underway if one[0] <= now), key=lambda one: one[0])
        self.underway = [one for one in self.underway if one[0] > now]
        for at, asked in due:
            self.now = partial(float, at)  # it arrived then, although this is noticed only now
            self.busy.pop(asked.idempotency_key, None)
            self.take(asked)
        self.now = clock
        return len(due)

    def found(self, reference: str) -> list[str]:
        """The keys of records with this reference, as far as the search index has come."""
        now = self.now()
        return [key for key, row in self.rows.items() if row.reference == reference and row.findable_at <= now]

    # --- inside ----------------------------------------------------------------------------------------
    def _remembered(self, asked: Asked) -> Reply | None:
        if self.busy.get(asked.idempotency_key, 0) > self.now():
            return Reply(Answer.RETRY, code="in-flight", message="That request is still being worked on.")
        kept = self.keys.get(asked.idempotency_key)
        if kept is None or kept.until <= self.now():
            return None
        if self.profile.compares == "none":
            return Reply(Answer.REFUSED, kept.reply.key, "exists", "This key was used already.")
        if self.profile.compares == "error" and kept.body != _body(asked):
            return Reply(Answer.REFUSED, code="key-reused", message="This key was used for another request.")
        return kept.reply

    def _do(self, asked: Asked) -> Reply:
        if asked.reference in self.refuse:
            return Reply(Answer.REFUSED, code="validation", message="The name is too rude.")
        if asked.operation is Operation.CREATE:
            return self._create(asked)
        row = self.rows.get(asked.key or "")
        if row is None:
            return Reply(Answer.MISSING if asked.operation is Operation.UPDATE else Answer.UNCHANGED)
        if self.profile.of_update().conditional and asked.version not in (None, str(row.version)):
            return Reply(Answer.CONFLICT)
        if asked.operation is Operation.DELETE:
            self.drop(asked.key or "", by=HUB, request=asked.idempotency_key)
        else:
            self._change(asked.key or "", row, "update", asked.fields, asked)
        return Reply(Answer.APPLIED, asked.key)

    def _create(self, asked: Asked) -> Reply:
        if self._is_taken(asked):
            return Reply(Answer.REFUSED, code="exists", message="The reference is taken.")
        key = f"T{self.clock + 1}"
        row = self.rows[key] = Row({}, self.clock, asked.reference)
        row.findable_at = self.now() + self.profile.write.read_back.search_lag
        self._change(key, row, "create", asked.fields, asked)
        return Reply(Answer.APPLIED, key)

    def _is_taken(self, asked: Asked) -> bool:
        offered = self.profile.write.external_id
        is_unique = bool(offered and offered.unique)
        return is_unique and any(row.reference == asked.reference for row in self.rows.values())

    def _change(self, key: str, row: Row, operation: str, data: dict[str, Any], asked: Asked | None = None) -> None:
        self.clock += 1
        kept = self.profile.normalise(data)
        replaced = {name: row.data.get(name) for name in kept}
        row.data |= kept
        row.version += 1
        row.changed, row.stamp = self.clock, self.now()
        told = {"by": HUB, "seen": asked.version, "request": asked.idempotency_key} if asked else {"by": PERSON}
        self._note(operation, key, row, kept, replaced=replaced, **told)

    def _note(self, operation: str, key: str, row: Row, fields: dict[str, Any], **told: Any) -> None:
        self.ledger.append(
            Effect(
                number=len(self.ledger) + 1,
                at=self.now(),
                operation=operation,
                key=key,
                reference=row.reference,
                fields=dict(fields),
                version=row.version,
                **told,
            )
        )


def _body(asked: Asked) -> str:
    """What a system that compares bodies compares."""
    return json.dumps([asked.operation, asked.reference, asked.key, asked.fields], sort_keys=True, default=str)
