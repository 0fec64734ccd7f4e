"""Databases and folders stand behind the breaker, the limits and the budget of what is called by HTTP (I20)."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from hub.engine.breaker import BreakerState
from hub.models import Connection, RateState
from hub.sdk import (
    Answer,
    AuthError,
    Change,
    Destination,
    HubError,
    Operation,
    Orders,
    Outcome,
    PacedError,
    Poller,
    Record,
    Source,
    TransientError,
)
from hub.services import connection as connections
from hub.services import pace
from hub.services.pace import ConnectionPace
from tests.factories import ConnectionFactory
from tests.hub.services.gates import ORIGIN, connected, goes, state, worker

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
Clock = time_machine.Traveller
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """A clock that moves only when it is told to; nobody waits for it."""
    monkeypatch.setattr("hub.services.pace.gate.PATIENCE", 0.0)
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


class Table:
    """A destination whose answers, or whose error, are given. `sizes` are those of the calls it got."""

    def __init__(self, answer: Answer = Answer.APPLIED, code: str = "", error: HubError | None = None) -> None:
        self.answer, self.code, self.error = answer, code, error
        self.sizes: list[int] = []
        self.paced: Any = self

    def streams(self) -> list[Any]:
        return []

    def check(self) -> str:
        if self.error:
            raise self.error
        return "answered."

    def close(self) -> None: ...

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Record]:
        yield from (Record(key, {}) for key in keys)

    def find(self, stream: str, external_ids: Sequence[str]) -> Iterator[tuple[str, Record]]:
        yield from ()

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        self.sizes.append(len(changes))
        if self.error:
            raise self.error
        for change in changes:
            yield Outcome(change.id, self.answer, code=self.code)


def orders(count: int) -> Orders:
    return Orders(Change(str(number), Operation.CREATE, str(number), {}, {}) for number in range(count))


def behind(connection: Connection, table: Table, gate: ConnectionPace | None = None) -> Any:
    """The table as a worker has it."""
    return pace.by_call(table, gate or ConnectionPace(connection, (ORIGIN,), 1))


def fails(call: Any) -> str:
    try:
        call()
    except HubError as error:
        return error.code
    return ""


class TestBreaker:
    def test_opens_for_every_worker_after_five_calls_in_a_row_that_found_nobody(self) -> None:
        connection = connected()
        one = behind(connection, Table(error=TransientError("refused")))

        assert [fails(one.check) for _ in range(6)] == ["transient"] * 5 + ["paced"]
        assert state().breaker == BreakerState.OPEN
        assert goes(worker(connection)) is False

    @pytest.mark.parametrize("answer", [Answer.RETRY, Answer.UNKNOWN])
    def test_opens_when_nothing_of_five_batches_arrives(self, answer: Answer) -> None:
        one = behind(connected(), Table(answer, "connection"))
        for _ in range(5):
            list(one.apply("things", orders(3)))

        assert state().breaker == BreakerState.OPEN

    @pytest.mark.parametrize(
        ("answer", "code"), [(Answer.REFUSED, "type"), (Answer.RETRY, "locked"), (Answer.AUTH, "forbidden")]
    )
    def test_stays_closed_where_the_system_answers(self, answer: Answer, code: str) -> None:
        one = behind(connected(), Table(answer, code))
        for _ in range(20):
            list(one.apply("things", orders(3)))

        assert state().breaker == BreakerState.CLOSED

    def test_opens_at_once_when_the_login_is_refused(self) -> None:
        assert fails(behind(connected(), Table(error=AuthError("no"))).check) == "auth"

        assert (state().breaker, state().code) == (BreakerState.OPEN, "auth")

    def test_is_tried_with_one_read_and_then_with_one_record(self, noon: Clock) -> None:
        connection, table = connected(), Table(error=TransientError("refused"))
        gate = ConnectionPace(connection, (ORIGIN,), 1)
        one = behind(connection, table, gate)
        for _ in range(5):
            fails(one.check)
        noon.shift(31)
        table.error = None
        with pytest.raises(PacedError):
            list(one.apply("things", orders(3)))
        one.check()

        assert len(list(one.apply("things", orders(3)))) == 3
        assert table.sizes == [1, 2]
        assert state().breaker == BreakerState.CLOSED


class TestLimit:
    def test_holds_for_records_of_all_workers_together(self, noon: Clock) -> None:
        connection = connected(per_minute=60, burst=6)
        one, other = behind(connection, Table()), behind(connection, Table())
        taken = 0
        for table in (one, other):
            answers = table.apply("things", orders(10))
            with suppress(PacedError):
                while next(answers, None):
                    taken += 1

        assert taken == 6

    def test_is_no_reason_to_cut_a_batch_where_there_is_none(self) -> None:
        table = Table()
        list(behind(connected(), table).apply("things", orders(500)))

        assert table.sizes == [500]

    def test_leaves_what_is_not_begun_alone_once_it_is_told_to_stop(self) -> None:
        table, asked = Table(), orders(10)
        answers = []
        for answer in behind(connected(per_second=3, burst=3), table).apply("things", asked):
            asked.is_stopped = True
            answers.append(answer)

        assert len(answers) == 10
        assert {answer.code for answer in answers[sum(table.sizes) :]} == {"not-begun"}


def test_counts_each_record_that_arrived_for_the_retry_budget() -> None:
    connection = connected()
    gate = ConnectionPace(connection, (ORIGIN,), 1)
    list(behind(connection, Table(), gate).apply("things", orders(300)))
    gate.close()

    assert pace.grant_retries(connection, 50) == 30


def test_what_is_looked_up_while_answers_come_in_is_a_part_of_the_write() -> None:
    one = behind(connected(max_in_flight=1), Table())

    found = [list(one.fetch("things", ["a"])) for _ in one.apply("things", orders(2))]

    assert len(found) == 2


def test_a_worker_takes_no_more_of_the_width_than_it_uses() -> None:
    connection = connected(max_in_flight=4)
    workers = [ConnectionPace(connection, (ORIGIN,), 1) for _ in range(4)]
    for gate in workers:
        behind(connection, Table(), gate).check()

    assert sorted(share[0] for share in state().shares.values()) == [1, 1, 1, 1]


def test_a_conversation_is_what_it_was() -> None:
    one = behind(connected(), Table())

    assert (isinstance(one, Destination), isinstance(one, Source), isinstance(one, Poller)) == (True, False, False)


@pytest.mark.django_db(transaction=True)
class TestConnectors:
    def breaker_of(self, connection: Connection) -> str:
        return RateState.objects.exclude(origin="").get(connection=connection).breaker

    def look(self, connection: Connection) -> str:
        try:
            with connections.opened(connection) as system:
                list(system.streams())
                system.check()
        except HubError as error:
            return error.code
        return ""

    def test_a_folder_that_is_gone_holds_its_connection_until_it_is_back(self, tmp_path: Path, noon: Clock) -> None:
        folder = tmp_path / "share"
        stream = {"pattern": "rates.csv", "key": ["code"], "columns": ["code"]}
        connection = ConnectionFactory(
            connector="files", config={"url": f"file://{folder}", "streams": {"rates": stream}}
        )

        assert [self.look(connection) for _ in range(6)] == ["absent"] * 5 + ["paced"]
        folder.mkdir()
        noon.shift(timedelta(seconds=31))
        assert self.look(connection) == ""
        assert self.breaker_of(connection) == BreakerState.CLOSED

    def test_a_database_that_is_down_holds_its_connection(self) -> None:
        config = {"driver": "postgresql+psycopg", "host": "127.0.0.1", "port": 1, "database": "x", "user": "x"}
        connection = ConnectionFactory(connector="sql", config=config)

        assert [self.look(connection) for _ in range(6)] == ["transient"] * 5 + ["paced"]
        assert self.breaker_of(connection) == BreakerState.OPEN

    def test_a_table_that_is_not_there_holds_nothing(self, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "x.db")) as made, made:
            made.execute("create table a (id integer primary key)")
        tables = {"b": {"table": "b", "key": ["id"]}}
        config = {"driver": "sqlite", "database": str(tmp_path / "x.db"), "tables": tables}
        connection = ConnectionFactory(connector="sql", config=config)

        assert [self.look(connection) for _ in range(6)] == ["config"] * 6
