"""A connection is never asked for more than it allows, by all workers together (I20)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import thread_time
from timeit import timeit

import pytest
import time_machine

from hub.sdk import PacedError, SignalClass
from hub.services import pace
from tests.hub.services.gates import ORIGIN, connected, goes, signal, state, worker

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
Clock = time_machine.Traveller


@pytest.fixture
def noon() -> Iterator[Clock]:
    """A clock that moves only when it is told to."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Nobody waits at a gate whose clock stands still."""
    if "noon" in request.fixturenames:
        monkeypatch.setattr("hub.services.pace.gate.PATIENCE", 0.0)


@pytest.mark.django_db
class TestLimits:
    def test_of_a_minute_hold_for_all_workers_together(self, noon: Clock) -> None:
        connection = connected(per_minute=60)
        gates = [worker(connection) for _ in range(3)]
        sent = 0
        for _ in range(60):
            sent += sum(goes(gate) for gate in gates)
            noon.shift(0.99)

        assert 50 <= sent <= 60

    def test_say_when_to_come_again(self, noon: Clock) -> None:
        gate = worker(connected(per_day=20))
        while goes(gate):
            pass

        with pytest.raises(PacedError, match="request limit") as raised:
            gate.enter(write=True, origin=ORIGIN)
        assert raised.value.retry_after is not None
        assert raised.value.retry_after > 60

    def test_take_back_what_a_worker_did_not_use(self, noon: Clock) -> None:
        connection = connected(per_second=100, burst=10)
        first, second = worker(connection), worker(connection)
        goes(first)
        first.close()

        assert sum(goes(second) for _ in range(9)) == 9

    def test_that_the_system_tells_of_are_kept(self, noon: Clock) -> None:
        connection = connected()
        gate, other = worker(connection), worker(connection)

        assert goes(gate, remaining=0, reset=600.0)
        assert (goes(gate), goes(other)) == (False, False)
        noon.shift(601)
        assert goes(other)


@pytest.mark.django_db
class TestRetryAfter:
    def test_holds_every_worker_and_is_told(self, noon: Clock) -> None:
        connection = connected()
        goes(worker(connection), SignalClass.THROTTLED, status=429, retry_after=7200.0)

        hold = pace.hold_of(connection, NOON)

        assert hold is not None
        assert (hold.until, hold.is_due) == (NOON + timedelta(hours=2), False)
        assert "asked to be left alone until 2026-11-25 14:00:00 UTC" in hold.reason
        assert goes(worker(connection)) is False
        noon.shift(7201)
        assert goes(worker(connection)) is True


@pytest.mark.django_db
class TestWidth:
    def test_is_shared_by_workers_and_given_back(self, noon: Clock) -> None:
        connection = connected(max_in_flight=9)
        first = worker(connection)
        second = worker(connection)
        assert (first.width, second.width) == (8, 1)
        noon.shift(6)
        goes(first)
        goes(second)

        assert (first.width, second.width) == (4, 4)
        second.close()
        noon.shift(6)
        goes(first)
        assert first.width == 8

    def test_halves_when_the_system_asks_for_less(self, noon: Clock) -> None:
        gate = worker(connected(max_in_flight=8))
        goes(gate, SignalClass.THROTTLED, status=429, retry_after=1.0)
        noon.shift(6)
        goes(gate)

        assert state().width == 4


@pytest.mark.django_db
class TestGrants:
    def test_of_retries_are_a_tenth_of_the_calls(self, noon: Clock) -> None:
        connection = connected()
        gate = worker(connection)
        for _ in range(300):
            goes(gate)
        gate.close()

        assert pace.grant_retries(connection, 25) == 25
        assert pace.grant_retries(connection, 25) == 5
        noon.shift(70)
        assert pace.grant_retries(connection, 25) == 10

    def test_of_what_waited_follow_the_catch_up_rate(self, noon: Clock) -> None:
        connection = connected(catch_up_rate=120)

        assert pace.grant_catch_up(connection, 1000)[0] == 60
        noon.shift(3)
        assert pace.grant_catch_up(connection, 1000)[0] == 6
        assert pace.grant_catch_up(connected(), 1000) == (1000, 0.0)


@pytest.mark.django_db(transaction=True)
def test_many_threads_of_many_workers_never_have_more_in_flight_than_allowed() -> None:
    """I20, with real threads: in flight ≤ limit."""
    connection = connected(max_in_flight=6)
    gates = [worker(connection) for _ in range(2)]
    lock, in_flight, most = threading.Lock(), 0, 0

    def call(number: int) -> None:
        nonlocal in_flight, most
        gate = gates[number % 2]
        gate.enter(write=True, origin=ORIGIN)
        with lock:
            in_flight += 1
            most = max(most, in_flight)
        threading.Event().wait(0.005)
        with lock:
            in_flight -= 1
        gate.leave(signal(SignalClass.APPLIED))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(80)))

    assert 1 < most <= 6


@pytest.mark.django_db
def test_a_gate_costs_a_request_less_than_twenty_microseconds() -> None:
    gate = worker(connected())
    ended = signal(SignalClass.APPLIED, status=200, seconds=0.01)

    def call() -> None:
        gate.enter(write=True, origin=ORIGIN)
        gate.leave(ended)

    call()
    assert min(timeit(call, timer=thread_time, number=200) for _ in range(20)) / 200 < 20e-6
