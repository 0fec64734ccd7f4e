"""A connection that does not work is left alone, found out about with the least, and told of once (I20)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from hub.engine.breaker import BreakerState
from hub.models import AuditEvent, Integration, Mapping, User
from hub.sdk import AuthError, Loss, SignalClass
from hub.services import pace
from tests.factories import ConnectionFactory, CredentialFactory, IntegrationFactory
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
class TestBreaker:
    def test_opens_for_every_worker_after_half_of_twenty_calls(self, noon: Clock) -> None:
        connection = connected()
        one, other = worker(connection), worker(connection)
        for number in range(20):
            goes(one, SignalClass.AMBIGUOUS if number % 2 else SignalClass.APPLIED)
        noon.shift(6)

        assert goes(other) is False
        assert state().breaker == BreakerState.OPEN

    def test_opens_after_five_failures_in_a_row_over_hours(self, noon: Clock) -> None:
        connection = connected()
        for _ in range(5):
            gate = worker(connection)
            assert goes(gate, SignalClass.NOT_SENT, loss=Loss.NOT_SENT)
            gate.close()
            noon.shift(timedelta(hours=1))

        assert state().breaker == BreakerState.OPEN

    def test_opens_at_once_when_credentials_are_refused(self, noon: Clock) -> None:
        gate = worker(connected())

        assert goes(gate, SignalClass.AUTH, status=401)
        assert goes(gate) is False
        assert state().code == "auth"

    def test_is_tried_again_at_once_when_new_credentials_are_set(self, noon: Clock) -> None:
        connection = connected()
        connection.credential = CredentialFactory()
        connection.save()
        gate = worker(connection)
        goes(gate, SignalClass.AUTH, status=401)

        pace.try_again(connection.credential)
        noon.shift(2)

        assert goes(gate, write=False)

    def test_leaves_an_ended_session_to_the_connector_until_it_gives_up(self, noon: Clock) -> None:
        connection = connected()

        def use() -> None:
            with pace.opened(connection, (ORIGIN,)) as gate:
                assert goes(gate, SignalClass.AUTH, status=401, is_handled=True)
                assert goes(gate, SignalClass.AUTH, status=401, is_handled=True)
                raise AuthError("The password is wrong.")

        with pytest.raises(AuthError):
            use()
        assert state().code == "auth"

    def test_lets_one_read_and_then_one_write_find_out(self, noon: Clock) -> None:
        """I20: no call while the breaker is open except the probe."""
        connection = connected()
        gate, other = worker(connection), worker(connection)
        for _ in range(5):
            goes(gate, SignalClass.NOT_SENT)
        noon.shift(31)

        assert goes(gate, write=True) is False
        gate.enter(write=False, origin=ORIGIN)
        assert goes(other, write=False) is False
        gate.leave(signal(SignalClass.APPLIED, write=False))
        noon.shift(2)
        assert goes(other, write=False) is True
        gate.enter(write=True, origin=ORIGIN)
        assert goes(other, write=True) is False
        gate.leave(signal(SignalClass.APPLIED))
        gate.close()
        noon.shift(2)
        assert goes(other, write=True) is True
        assert state().breaker == BreakerState.CLOSED

    def test_begins_with_one_request_at_a_time_after_an_outage(self, noon: Clock) -> None:
        gate = worker(connected())
        for _ in range(5):
            goes(gate, SignalClass.NOT_SENT)
        noon.shift(31)
        goes(gate, write=False)
        goes(gate, write=True)

        assert gate.width == 1

    def test_waits_longer_after_each_probe_that_failed(self, noon: Clock) -> None:
        gate = worker(connected())
        for _ in range(5):
            goes(gate, SignalClass.NOT_SENT)
        for seconds in (31, 61, 121):
            noon.shift(seconds)
            assert goes(gate, SignalClass.NOT_SENT, write=False)
            assert goes(gate, write=False) is False

        assert state().failed_probes == 3


@pytest.mark.django_db
class TestAlarm:
    def test_is_raised_once_for_each_integration_and_once_when_it_works_again(self, noon: Clock) -> None:
        connection = connected()
        Mapping.objects.create(
            integration=IntegrationFactory(), name="more", source=connection, source_stream="a",
            destination=ConnectionFactory(), destination_stream="b",
        )  # fmt: skip
        gate = worker(connection)
        for _ in range(50):
            goes(gate, SignalClass.NOT_SENT)
        for _ in range(10):
            noon.shift(1000)
            goes(gate, SignalClass.NOT_SENT, write=False)
        noon.shift(1000)
        goes(gate, write=False)
        goes(gate, write=True)

        told = AuditEvent.objects.filter(subject="integration").order_by("id").values_list("action", "subject_id")
        both = set(Integration.objects.values_list("pk", flat=True))
        assert {each for each in told if each[0] == "connection.held"} == {("connection.held", pk) for pk in both}
        assert len(told) == 2 * len(both)


@pytest.mark.django_db
class TestPeople:
    def test_close_the_breaker(self, noon: Clock, operator: User) -> None:
        connection = connected()
        gate = worker(connection)
        for _ in range(5):
            goes(gate, SignalClass.NOT_SENT)
        pace.close_breaker(connection=connection, by=operator, reason="They restarted it.")
        noon.shift(2)

        assert goes(gate)
        assert AuditEvent.objects.filter(action="breaker.close", actor=operator, reason="They restarted it.").exists()

    def test_ask_for_the_probe_now(self, noon: Clock, operator: User) -> None:
        connection = connected()
        gate = worker(connection)
        for _ in range(5):
            goes(gate, SignalClass.NOT_SENT)
        pace.probe_now(connection=connection, by=operator)
        noon.shift(2)

        assert goes(gate, write=False)
        assert AuditEvent.objects.filter(action="breaker.probe", actor=operator).exists()

    def test_prove_by_a_test_that_it_works(self, noon: Clock) -> None:
        connection = connected()
        gate = worker(connection)
        for _ in range(5):
            goes(gate, SignalClass.NOT_SENT)
        pace.proven(connection)

        assert pace.hold_of(connection, NOON) is None
        assert state().breaker == BreakerState.HALF_OPEN
