"""A simulated third party with every capability profile and a ledger of its own as judge."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hub.sdk import (
    Answer,
    AuthError,
    Batch,
    Capabilities,
    Change,
    ConditionalWrite,
    Connector,
    CursorKind,
    DeleteFeed,
    Exchange,
    ExternalId,
    Operation,
    Outcome,
    Page,
    ReadBack,
    Record,
    Settings,
    SilenceError,
    Stream,
    TransientError,
    WriteCapability,
)

CONDITIONAL = WriteCapability(
    conditional=ConditionalWrite(create=True),
    external_id=ExternalId("reference"),
    read_back=ReadBack(by_external_id=True),
    batch=Batch(50),
)
UNIQUE = WriteCapability(external_id=ExternalId("reference"), read_back=ReadBack(by_external_id=True))
NOTHING = WriteCapability(read_back=ReadBack(by_key=False))


class KilledError(BaseException):
    """Stands for kill -9: nothing may catch it and nothing after it runs."""


@dataclass
class Row:
    """One record at the third party."""

    data: dict[str, Any]
    version: int
    reference: str = ""


@dataclass
class ThirdParty:
    """A system of somebody else: records, versions, a log of effects, and faults to order."""

    write: WriteCapability = CONDITIONAL
    cursor: CursorKind = CursorKind.SEQUENCE
    rows: dict[str, Row] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    clock: int = 0
    effects: list[tuple[str, str]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    lose_answer: set[str] = field(default_factory=set)
    not_now: set[str] = field(default_factory=set)
    kill_at: dict[str, str] = field(default_factory=dict)
    auth_fails: bool = False
    read_fails: int = 0
    reads: int = 0

    # --- as people there see it -------------------------------------------------------------------
    def put(self, key: str, **data: Any) -> None:
        """A person there creates or edits a record."""
        self.clock += 1
        kept = self.rows.get(key)
        self.gone.pop(key, None)
        self.rows[key] = Row({**(kept.data if kept else {}), **data}, self.clock, kept.reference if kept else "")

    def drop(self, key: str) -> None:
        """A person there deletes a record."""
        self.clock += 1
        self.rows.pop(key)
        self.gone[key] = self.clock

    # --- as a connector sees it -------------------------------------------------------------------
    def streams(self) -> list[Stream]:
        can = self.write
        delete = DeleteFeed.TOMBSTONES if self.cursor is not CursorKind.NONE else DeleteFeed.NONE
        return [
            Stream("things", "Things", Capabilities(can, can, can, cursor=self.cursor, delete_feed=delete), ("id",))
        ]

    def check(self) -> str:
        return "The third party answers."

    def close(self) -> None:
        pass

    def read(self, stream: str, cursor: dict[str, Any] | None, limit: int) -> Page:
        self.reads += 1
        if self.read_fails:
            self.read_fails -= 1
            raise TransientError("The third party is closed for lunch.")
        if self.cursor is CursorKind.NONE:
            return self._read_all(cursor, limit)
        since = (cursor or {}).get("since", 0)
        live = [(row.version, self._record(key)) for key, row in self.rows.items()]
        dead = [(at, Record(key, {}, deleted=True)) for key, at in self.gone.items()]
        newer = sorted(((at, record) for at, record in live + dead if at > since), key=lambda pair: pair[0])
        chunk = newer[:limit]
        until = chunk[-1][0] if chunk else since
        return Page([record for _, record in chunk], {"since": until}, done=len(newer) <= limit)

    def _read_all(self, cursor: dict[str, Any] | None, limit: int) -> Page:
        after = "" if not cursor or cursor.get("done") else cursor["after"]
        keys = sorted(key for key in self.rows if key > after)
        chunk, done = keys[:limit], len(keys) <= limit
        position = {"after": chunk[-1] if chunk else after, "done": done}
        return Page([self._record(key) for key in chunk], position, done=done)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterable[Record]:
        return [self._record(key) for key in keys if key in self.rows]

    def find(self, stream: str, external_ids: Sequence[str]) -> Iterator[tuple[str, Record]]:
        for key, row in self.rows.items():
            if row.reference in external_ids:
                yield row.reference, self._record(key)

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        for change in changes:
            self._killed("before", change)
            if self.auth_fails:
                raise AuthError("The third party does not know this password.")
            if change.external_id in self.not_now:
                yield self._answer(change, Answer.RETRY, message="Come back later.")
                continue
            outcome = self._take(change)
            self._killed("after", change)
            if change.external_id in self.lose_answer:
                self.lose_answer.discard(change.external_id)
                raise SilenceError("No answer within the deadline.")
            yield replace(outcome, exchange=Exchange("PUT /things", str(outcome.answer), 200, 3))

    def _killed(self, when: str, change: Change) -> None:
        if self.kill_at.get(change.external_id) == when:
            del self.kill_at[change.external_id]
            raise KilledError(change.external_id)

    def _take(self, change: Change) -> Outcome:
        if change.external_id in self.refuse:
            return self._answer(change, Answer.REFUSED, code="validation", message="The name is too rude.")
        take = {Operation.CREATE: self._create, Operation.UPDATE: self._update, Operation.DELETE: self._delete}
        return take[change.operation](change)

    def _create(self, change: Change) -> Outcome:
        if self.write.external_id and any(row.reference == change.external_id for row in self.rows.values()):
            return self._answer(change, Answer.REFUSED, code="exists", message="The reference is taken.")
        self.clock += 1
        key = f"T{self.clock}"
        self.rows[key] = Row(dict(change.fields), self.clock, change.external_id)
        self.effects.append(("create", change.external_id))
        return self._answer(change, Answer.APPLIED, key)

    def _update(self, change: Change) -> Outcome:
        row = self.rows.get(change.key or "")
        if row is None:
            return self._answer(change, Answer.MISSING)
        if self.write.conditional and change.version is not None and change.version != str(row.version):
            return self._answer(change, Answer.CONFLICT)
        self.clock += 1
        row.data |= change.fields
        row.version = self.clock
        self.effects.append(("update", change.external_id))
        return self._answer(change, Answer.APPLIED, change.key)

    def _delete(self, change: Change) -> Outcome:
        row = self.rows.get(change.key or "")
        if row is None:
            return self._answer(change, Answer.UNCHANGED)
        if self.write.conditional and change.version is not None and change.version != str(row.version):
            return self._answer(change, Answer.CONFLICT)
        self.drop(change.key or "")
        self.effects.append(("delete", change.external_id))
        return self._answer(change, Answer.APPLIED, change.key)

    def _answer(
        self, change: Change, answer: Answer, key: str | None = None, *, code: str = "", message: str = ""
    ) -> Outcome:
        record = self._record(key) if key in self.rows else None
        return Outcome(
            change.id,
            answer,
            key=key,
            version=record.version if record else None,
            image=record.data if record else None,
            code=code,
            message=message,
        )

    def _record(self, key: str | None) -> Record:
        row = self.rows[key or ""]
        return Record(key or "", dict(row.data), str(row.version))


def connector(name: str, party: ThirdParty) -> Connector:
    """A plate for the door of a third party."""

    def opened(settings: Settings) -> ThirdParty:
        return party

    return Connector(name, name.title(), "Simulated.", (), opened, lambda config: ())
