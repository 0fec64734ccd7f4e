"""While a system is away, runs and changes wait without wearing out; when it is back, they go on in order (I20)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from hub import registry
from hub.engine.breaker import BreakerState
from hub.models import AuditEvent, Change, RateState, ReconciliationException, RunState, SyncRun
from hub.services import run as runs
from tests.hub.services.run import gated
from tests.hub.services.run.conftest import Pair
from tests.hub.services.run.gated import Line

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass
class Distance:
    """A pair of systems behind lines, and a clock that moves when it is told to."""

    pair: Pair
    shop: Line
    books: Line
    clock: time_machine.Traveller

    def pass_time(self, **some: float) -> None:
        """Let time pass, and do what has become due."""
        self.clock.shift(timedelta(**some))
        self.pair.expire()
        self.pair.work()

    def last(self) -> SyncRun:
        found = SyncRun.objects.order_by("id").last()
        assert found
        return found

    def alarms(self) -> list[str]:
        told = AuditEvent.objects.filter(subject="integration", action__startswith="connection.").order_by("id")
        return list(told.values_list("action", flat=True))


@pytest.fixture
def away(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distance]:
    shop, books = Line(pair.source), Line(pair.destination)
    plates = {"shop": gated.connector("shop", shop), "books": gated.connector("books", books)}
    monkeypatch.setattr(registry, "get", plates.__getitem__)
    monkeypatch.setattr("hub.services.pace.gate.PATIENCE", 0.0)
    with time_machine.travel(NOON, tick=False) as clock:
        yield Distance(pair, shop, books, clock)


def fill(pair: Pair, count: int) -> None:
    for number in range(count):
        pair.source.put(f"c{number:04}", name=f"Customer {number}", city="Kiel")


class TestOutageOfTheDestination:
    def test_makes_the_run_wait_instead_of_failing(self, away: Distance) -> None:
        fill(away.pair, 30)
        away.books.is_down = True
        run = away.pair.run()

        assert (run.state, run.reason_code) == (RunState.QUEUED, "paced")
        assert "is held" in run.reason
        assert run.due_at is not None
        assert run.due_at >= NOON + timedelta(seconds=30)
        assert RateState.objects.get(connection__name="books").breaker == BreakerState.OPEN

    def test_wears_out_no_record_however_long_it_lasts(self, away: Distance) -> None:
        fill(away.pair, 30)
        away.books.is_down = True
        away.pair.run()
        for _ in range(60):
            away.pass_time(minutes=16)

        assert Change.objects.filter(tries__gt=1).count() == 0
        assert ReconciliationException.objects.count() == 0
        assert away.last().state == RunState.QUEUED

    def test_costs_the_system_one_call_a_probe(self, away: Distance) -> None:
        fill(away.pair, 30)
        away.books.is_down = True
        away.pair.run()
        before = away.books.lost
        for _ in range(20):
            away.pass_time(minutes=20)

        assert away.books.lost - before == 20

    def test_ends_with_everything_written_once(self, away: Distance) -> None:
        fill(away.pair, 30)
        away.books.is_down = True
        away.pair.run()
        for _ in range(5):
            away.pass_time(minutes=16)
        away.books.is_down = False
        for _ in range(8):
            away.pass_time(minutes=16)

        assert len(away.pair.there()) == 30
        assert sorted(away.books.writes) == sorted(set(away.books.writes))
        assert away.last().state == RunState.SUCCEEDED
        assert away.alarms() == ["connection.held", "connection.works"]


class TestOutageOfTheSource:
    def test_makes_the_run_wait(self, away: Distance) -> None:
        fill(away.pair, 10)
        away.shop.is_down = True
        away.pair.run()
        for _ in range(12):
            away.pass_time(minutes=16)

        assert (away.last().state, away.last().reason_code) == (RunState.QUEUED, "paced")
        assert SyncRun.objects.count() == 1
        away.shop.is_down = False
        away.pass_time(minutes=16)
        assert len(away.pair.there()) == 10


class TestTwoDaysOfOutage:
    """R-05, 48 simulated hours: one alarm, one write a record, in key order, at ten times the rate of arrival."""

    HOURS = 48

    def test_cost_one_alarm_and_drain_in_order(self, away: Distance) -> None:
        away.pair.mapping.page_size = 100
        away.pair.mapping.save()
        fill(away.pair, 200)
        away.pair.run()
        away.books.writes.clear()
        away.books.is_down = True
        for hour in range(self.HOURS):
            for number in range(10):  # the same ten records are edited every hour, and one is new
                away.pair.source.put(f"c{number:04}", name=f"Customer {number} at {hour}")
            away.pair.source.put(f"n{hour:04}", name=f"New {hour}", city="Kiel")
            if not SyncRun.objects.filter(state=RunState.QUEUED).exists():
                away.pair.ask()
            away.pass_time(hours=1)
        away.books.is_down = False
        back, turns = datetime.now(UTC), 0
        while len(away.pair.there()) < 200 + self.HOURS:
            away.pass_time(minutes=1)
            turns += 1
            assert turns < 60
        while SyncRun.objects.filter(state=RunState.QUEUED).exists():
            away.pass_time(minutes=1)
        away.pair.run()

        assert away.alarms() == ["connection.held", "connection.works"]
        assert ReconciliationException.objects.count() == 0
        assert away.pair.there()["c0003"]["name"] == "Customer 3 at 47"
        new = [key for key in away.books.writes if key.startswith("n")]
        assert new == sorted(new)
        assert len(new) == self.HOURS
        # 480 edits of ten records: one write each, and one more of the five that were tried before the breaker opened.
        assert sum(key.startswith("c") for key in away.books.writes) <= 15
        taken = datetime.now(UTC) - back
        assert taken <= timedelta(hours=self.HOURS) / 10


def test_five_hundred_missed_edits_cost_one_write(away: Distance) -> None:
    fill(away.pair, 20)
    away.pair.run()
    away.books.writes.clear()
    away.books.is_down = True
    for number in range(20):
        away.pair.source.put(f"c{number:04}", name="Edited once")
    away.pair.run()
    for edit in range(500):
        away.pair.source.put("c0019", name=f"Edit {edit}")
    away.books.is_down = False
    for _ in range(4):
        away.pass_time(minutes=16)
    away.pair.run()

    assert away.books.writes.count("c0019") == 1
    assert away.pair.there()["c0019"]["name"] == "Edit 499"
    assert len(away.books.writes) == 20


def test_a_run_that_is_held_may_be_cancelled(away: Distance) -> None:
    fill(away.pair, 30)
    away.books.is_down = True
    run = away.pair.run()

    runs.cancel(run=run, by=None, reason="no use")

    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
