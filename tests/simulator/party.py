"""A simulated third party as a connector sees it: every capability profile, every fault, a ledger as judge."""

import time as real_time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from hub.sdk import (
    Answer,
    AuthError,
    Capabilities,
    Change,
    CursorKind,
    DeleteFeed,
    Exchange,
    Job,
    Operation,
    Outcome,
    Page,
    Record,
    SilenceError,
    Stream,
    TransientError,
    WriteCapability,
)
from tests.simulator.fault import HAPPENED, NOT_HAPPENED, Fault, Faults, Order
from tests.simulator.jobs import Jobs
from tests.simulator.profile import CONDITIONAL, Profile
from tests.simulator.reading import Reader
from tests.simulator.store import Asked, Reply, Row, Store


class KilledError(BaseException):
    """Stands for kill -9: nothing may catch it and nothing after it runs."""


class ThirdParty:
    """A system of somebody else: records, versions, a ledger of effects, and faults to order."""

    def __init__(
        self,
        write: WriteCapability = CONDITIONAL,
        cursor: CursorKind = CursorKind.SEQUENCE,
        *,
        profile: Profile | None = None,
        time: Callable[[], float] = real_time.time,
    ) -> None:
        self.store = Store(profile or Profile("plain", write), time)
        self.reader = Reader(self.store, cursor)
        self.faults = Faults()
        self.lose_answer: set[str] = set()
        self.not_now: set[str] = set()
        self.kill_at: dict[str, str] = {}
        self.auth_fails = False
        self.tokens: set[str] | None = None
        self.token = ""
        self.read_fails = 0
        self.reads = 0
        self.fetches = True
        self.versions_rise = False
        self.jobs = Jobs(self.store, self._told_of)
        self.between_pages: Callable[[], None] = lambda: None
        self.on_request: Callable[[Change], None] = lambda change: None

    # --- what tests look at and order ---------------------------------------------------------------
    @property
    def write(self) -> WriteCapability:
        """What writes can count on here."""
        return self.store.profile.write

    @write.setter
    def write(self, offered: WriteCapability) -> None:
        self.store.profile = replace(self.store.profile, write=offered)

    @property
    def cursor(self) -> CursorKind:
        """How it can be read incrementally."""
        return self.reader.cursor

    @cursor.setter
    def cursor(self, kind: CursorKind) -> None:
        self.reader.cursor = kind

    @property
    def refuse(self) -> set[str]:
        """References it will not take."""
        return self.store.refuse

    @refuse.setter
    def refuse(self, references: set[str]) -> None:
        self.store.refuse = references

    @property
    def rows(self) -> dict[str, Row]:
        """Its records, by its own keys."""
        return self.store.rows

    @property
    def effects(self) -> list[tuple[str, str]]:
        """(operation, reference) of everything the hub brought about, in order."""
        return [(effect.operation, effect.reference) for effect in self.store.ledger.by_hub()]

    # --- as people there see it -----------------------------------------------------------------------
    def put(self, key: str, **data: Any) -> None:
        """A person there creates or edits a record."""
        self.store.put(key, data)

    def put_slowly(self, key: str, **data: Any) -> Callable[[], None]:
        """A person edits in a long transaction: stamped now, seen once what this returns is called."""
        before = self.rows.get(key)
        self.reader.hidden[key] = replace(before, data=dict(before.data)) if before else None
        self.store.put(key, data)

        def commit() -> None:
            self.reader.hidden.pop(key, None)

        return commit

    def drop(self, key: str) -> None:
        """A person there deletes a record."""
        self.store.drop(key)

    # --- as a connector sees it -----------------------------------------------------------------------
    def streams(self) -> list[Stream]:
        create, change = self.write, self.store.profile.of_update()
        delete = DeleteFeed.TOMBSTONES if self.cursor is not CursorKind.NONE else DeleteFeed.NONE
        offers = Capabilities(
            create, change, change, cursor=self.cursor, delete_feed=delete, stable_pages=not self.reader.by_offset,
            fetch_by_key=self.fetches, versions_rise=self.versions_rise,
        )  # fmt: skip
        return [Stream("things", "Things", offers, ("id",))]

    def check(self) -> str:
        return "The third party answers."

    def close(self) -> None:
        pass

    def read(self, stream: str, cursor: dict[str, Any] | None, limit: int) -> Page:
        self.reads += 1
        self.store.land()
        self._let_in()
        if self.read_fails:
            self.read_fails -= 1
            raise TransientError("The third party is closed for lunch.")
        page = self.reader.page(cursor, limit)
        self.between_pages()
        return page

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterable[Record]:
        self.store.land()
        return [self.reader.record(key) for key in keys if self.reader.has(key)]

    def find(self, stream: str, external_ids: Sequence[str]) -> Iterator[tuple[str, Record]]:
        self.store.land()
        for reference in external_ids:
            for key in self.store.found(reference):
                yield reference, self.reader.record(key)

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        if self.write.batch.atomic:
            yield from self._apply_whole(changes)
            return
        for change in changes:
            yield from self._apply_one(change)

    def _apply_one(self, change: Change) -> Iterator[Outcome]:
        self.store.land()
        self.on_request(change)
        self._killed("before", change)
        self._let_in()
        if change.external_id in self.not_now:
            yield Outcome(change.id, Answer.RETRY, message="Come back later.")
            return
        for step in self._calls(change):
            outcome = self._call(change, step)
            if outcome.answer is not Answer.STEP:
                break
            change = replace(change, step=step, key=outcome.key)
            yield outcome
        self._killed("after", change)
        if change.external_id in self.lose_answer:
            self.lose_answer.discard(change.external_id)
            raise SilenceError("No answer within the deadline.")
        yield replace(outcome, exchange=Exchange("PUT /things", str(outcome.answer), 200, 3))

    def _calls(self, change: Change) -> list[str]:
        """The calls that are left of this write; one without a name where a write is one call."""
        calls = [call.name for call in self.write.calls] if change.operation is Operation.CREATE else []
        return calls[calls.index(change.step) + 1 if change.step else 0 :] or [""]

    def _call(self, change: Change, step: str) -> Outcome:
        """One call of a write; of one in several, the first makes the record and the last fills in its city."""
        order = self.faults.next(change.external_id)
        if not step:
            return self._meet(change, order)
        first, last = (step == self.write.calls[place].name for place in (0, -1))
        fields = {name: value for name, value in change.fields.items() if (name == "city") != first}
        operation = Operation.CREATE if first else Operation.UPDATE
        part = replace(change, operation=operation, fields=fields, idempotency_key=f"{change.idempotency_key}/{step}")
        outcome = self._meet(part, order)
        goes_on = outcome.answer is Answer.APPLIED and not last
        return replace(outcome, answer=Answer.STEP, step=step) if goes_on else outcome

    def poll(self, stream: str, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """What became of writes that were taken for later."""
        self.store.land()
        for job in jobs:
            yield self.jobs.told(job)

    def _apply_whole(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """An atomic batch: one bad item refuses them all, one lost answer leaves them all in doubt."""
        size = self.write.batch.max_items
        for start in range(0, len(changes), size):
            batch = changes[start : start + size]
            bad = [change for change in batch if self.store.would_refuse(_asked(change))]
            for change in batch:
                if bad and change not in bad:
                    yield Outcome(change.id, Answer.RETRY, code="batch", message="Another item was refused.")
                else:
                    yield from self._apply_one(change)

    def _meet(self, change: Change, order: Order | None) -> Outcome:
        """The write, with what goes wrong with it."""
        asked = _asked(change)
        if order is None:
            return self._take(change, asked)
        if order.fault in NOT_HAPPENED:
            return _silence(change, order)
        if order.fault is Fault.DRIP:
            self.store.later(asked, min(order.delay, 1.0), blocks=True)
            return _silence(change, order)
        if order.fault in HAPPENED:
            self.store.take(asked)
            return _silence(change, order)
        return self._meet_rarer(change, asked, order)

    def _take(self, change: Change, asked: Asked) -> Outcome:
        """A write without any fault: done at once, or taken for later."""
        if self.write.asynchronous:
            return Outcome(change.id, Answer.ACCEPTED, job=self.jobs.begin(asked))
        return self._told(change, self.store.take(asked))

    def _meet_rarer(self, change: Change, asked: Asked, order: Order) -> Outcome:
        if order.fault is Fault.LATE:
            self.store.later(asked, order.delay)
            return _silence(change, order)
        if order.fault is Fault.TWICE:
            told = self._take(change, asked)
            if self.store.profile.absorbs(asked.operation):
                self.store.later(asked, order.delay)
            return told
        if order.fault is Fault.TOO_MANY:
            return Outcome(change.id, Answer.RETRY, code="429", message="Too many.", retry_after=order.delay)
        if order.fault is Fault.PARTIAL:
            raise SilenceError("The batch was answered in part.")
        return Outcome(change.id, Answer.REFUSED, code="validation", message="A fault in a body under status 200.")

    def _told(self, change: Change, reply: Reply) -> Outcome:
        return self._told_of(change.id, reply)

    def _told_of(self, change_id: str, reply: Reply) -> Outcome:
        is_there = reply.answer in (Answer.APPLIED, Answer.UNCHANGED) and reply.key in self.rows
        record = self.reader.record(reply.key) if is_there and reply.key else None
        return Outcome(
            change_id,
            reply.answer,
            key=reply.key,
            version=record.version if record else None,
            image=record.data if record else None,
            code=reply.code,
            message=reply.message,
        )

    def _let_in(self) -> None:
        """Who was opened with a token that counts no longer is turned away, whatever else is done meanwhile."""
        if self.auth_fails or (self.tokens is not None and self.token not in self.tokens):
            raise AuthError("The third party does not know this password.")

    def _killed(self, when: str, change: Change) -> None:
        if self.kill_at.get(change.external_id) == when:
            del self.kill_at[change.external_id]
            raise KilledError(change.external_id)


def _asked(change: Change) -> Asked:
    return Asked(
        change.operation, change.external_id, dict(change.fields), change.key, change.version, change.idempotency_key
    )


def _silence(change: Change, order: Order) -> Outcome:
    return Outcome(change.id, Answer.UNKNOWN, code=order.fault.value, message="No answer that tells anything.")
