"""Writes changes: all in one transaction, and by halves around the records that the database refuses."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from connectors.sql.answers import Answers, answer_all, unknown
from connectors.sql.judge import Intent, Judge
from connectors.sql.keys import key_text
from connectors.sql.lookup import Lookup
from connectors.sql.rounds import rounds
from connectors.sql.rows import Held, Row
from connectors.sql.session import Session
from connectors.sql.statements import Statements
from connectors.sql.trouble import Trouble, Verdict
from connectors.sql.write import Form, Write
from hub.sdk import Change, Operation, Outcome, Record


class MissedError(Exception):
    """A statement touched fewer rows than it was given."""


class Writer:
    """Writes the changes of one table."""

    def __init__(self, lookup: Lookup, session: Session) -> None:
        self._lookup, self._session = lookup, session
        self._shape = lookup.shape
        self._judge = Judge(lookup.shape, session.dialect.dump)
        self._statements = Statements(lookup.shape, session.dialect)

    def apply(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """One outcome for each change."""
        for group in rounds(changes):
            intents = [self._judge.intend(change) for change in group]
            yield from (item for item in intents if isinstance(item, Outcome))
            yield from self._attempt([item for item in intents if isinstance(item, Intent)])

    def _attempt(self, group: Sequence[Intent], *, careful: bool = False) -> Iterable[Outcome]:
        """One transaction. At first all at once; should the database refuse that, once more and `careful`."""
        if not group:
            return []
        committing = False
        try:
            with self._session.connected(writing=True) as connection, self._session.deadline(connection):
                outcomes = self._transaction(connection, group, careful=careful)
                committing = True
                self._session.commit(connection)
        except MissedError:
            return self._attempt(group, careful=True)
        except SQLAlchemyError as error:
            trouble = self._session.trouble(error)
            if committing:
                return self._uncommitted(group, trouble)
            if trouble.verdict is Verdict.RECORD and not careful:
                return self._attempt(group, careful=True)
            return answer_all(group, trouble)
        return outcomes

    def _uncommitted(self, group: Sequence[Intent], trouble: Trouble) -> Iterable[Outcome]:
        """What a failed commit means: nobody knows, undone, or refused for what one record says."""
        if trouble.verdict is Verdict.LOST:
            return unknown(group, trouble)
        if trouble.verdict is not Verdict.RECORD or len(group) == 1:
            return answer_all(group, trouble)
        middle = len(group) // 2  # a constraint that is checked at commit: find out whose it is
        return [*self._attempt(group[:middle]), *self._attempt(group[middle:])]

    def _transaction(self, connection: sa.Connection, group: Sequence[Intent], *, careful: bool) -> list[Outcome]:
        started = time.perf_counter()
        sure = {} if careful else self._send_sure(connection, group)
        rest = [intent for intent in group if intent.change.id not in sure]
        judged = [self._judge.decide(intent, held) for intent, held in self._with_held(connection, rest)]
        writes = [item for item in judged if isinstance(item, Write)]
        for _, run in groupby(writes, key=lambda write: write.change.operation):
            (self._settle if careful else self._write)(connection, list(run))
        judged += sure.values()
        images = self._images(connection, [*sure.values(), *writes])
        told = Answers(self._shape, images, int((time.perf_counter() - started) * 1000))
        return [told.of(item) if isinstance(item, Write) else item for item in judged]

    def _send_sure(self, connection: sa.Connection, group: Sequence[Intent]) -> dict[str, Write]:
        """Write what carries its own condition, many rows by one statement; gives those that met it, by change."""
        found = [write for intent in group if (write := self._judge.sure(intent))]
        sure = found if self._statements.conditional else [w for w in found if w.change.operation is Operation.CREATE]
        done: dict[str, Write] = {}
        for form, same in self._statements.by_form(sure):
            rows = self._statements.sure(connection, form, same)
            done |= self._matched(same, rows)
        return done

    def _matched(self, writes: Sequence[Write], rows: Sequence[Row]) -> dict[str, Write]:
        """The writes of one form whose rows came back, by change. Raises MissedError for a row that is nobody's."""
        reader = self._lookup.rows
        by_reference = writes[0].key is None
        found = {reader.reference(row) if by_reference else reader.key(row): row for row in rows}
        done: dict[str, Write] = {}
        for write in writes:
            row = found.pop(write.change.external_id if by_reference else write.key or "", None)
            if row is not None:
                write.now = reader.held(row).record if self._shape.tells else None
                done[write.change.id] = write
        if found:
            raise MissedError  # a trigger gave it another key
        return done

    def _with_held(self, connection: sa.Connection, group: Sequence[Intent]) -> Iterator[tuple[Intent, Held | None]]:
        """Each intent with the row it is about, locked until the transaction ends."""
        by_key = self._lookup.held_by_key(connection, [intent.key for intent in group if intent.key is not None])
        creates = [i.change.external_id for i in group if i.change.operation is Operation.CREATE]
        by_reference = {} if self._shape.reference_is_key else self._lookup.held_by_reference(connection, creates)
        for intent in group:
            held = None if intent.key is None else by_key.get(intent.key)
            if held is None and intent.change.operation is Operation.CREATE:
                held = by_reference.get(intent.change.external_id)
            yield intent, held

    def _settle(self, connection: sa.Connection, writes: Sequence[Write]) -> None:
        """Write all, or by halves down to the one record that the database refuses."""
        try:
            with connection.begin_nested():
                self._write(connection, writes, telling=False)
        except (SQLAlchemyError, MissedError) as error:
            trouble = None if isinstance(error, MissedError) else self._session.trouble(error)
            if trouble and trouble.verdict is not Verdict.RECORD:
                raise
            self._halve(connection, writes, trouble)

    def _halve(self, connection: sa.Connection, writes: Sequence[Write], trouble: Trouble | None) -> None:
        if len(writes) == 1:
            writes[0].trouble, writes[0].missed = trouble, trouble is None
            return
        middle = len(writes) // 2
        self._settle(connection, writes[:middle])
        self._settle(connection, writes[middle:])

    def _write(self, connection: sa.Connection, writes: Sequence[Write], *, telling: bool = True) -> None:
        for form, same in self._statements.by_form(writes, telling=telling):
            self._send(connection, form, same)

    def _send(self, connection: sa.Connection, form: Form, writes: Sequence[Write]) -> None:
        if form.returning:
            for write in writes:
                statement, parameters = self._statements.build(form, [write])
                write.new_key = key_text(self._shape.key, tuple(connection.execute(statement, parameters).one()))
            return
        statement, parameters = self._statements.build(form, writes)
        if form.telling:
            rows = [tuple(row) for row in connection.execute(statement, parameters)]
            if len(self._matched(writes, rows)) < len(writes):
                raise MissedError
            return
        done = connection.execute(statement, parameters, execution_options={"preserve_rowcount": True})
        if 0 <= done.rowcount < len(writes):
            raise MissedError

    def _images(self, connection: sa.Connection, writes: Sequence[Write]) -> dict[str, Record]:
        """What the rows say after the write, by change: defaults, triggers and rounding included."""
        told = {w.change.id: w.now for w in writes if w.now is not None}
        done = [w for w in writes if not (w.now or w.trouble or w.change.operation is Operation.DELETE)]
        keys = {w.change.id: w.new_key or w.key for w in done}
        by_key = self._lookup.held_by_key(connection, [key for key in keys.values() if key is not None])
        new = [w.change.external_id for w in done if keys[w.change.id] is None]
        by_reference = self._lookup.held_by_reference(connection, new)
        found = {w.change.id: by_key.get(keys[w.change.id] or "") for w in done}
        found |= {w.change.id: by_reference.get(w.change.external_id) for w in done if keys[w.change.id] is None}
        return told | {change: held.record for change, held in found.items() if held}
