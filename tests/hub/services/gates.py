"""Gates of simulated workers in front of one connection, and a clock that stands still."""

from typing import Any

from hub.models import Connection, Mapping, RateState
from hub.sdk import PacedError, Signal, SignalClass
from hub.services.pace import ConnectionPace
from tests.factories import ConnectionFactory, IntegrationFactory

ORIGIN = "https://erp.example:443"


def connected(**limits: int) -> Connection:
    """A connection with these limits, written to by one mapping of one integration."""
    connection: Connection = ConnectionFactory(**limits)
    Mapping.objects.create(
        integration=IntegrationFactory(), name="things", source=ConnectionFactory(), source_stream="a",
        destination=connection, destination_stream="b",
    )  # fmt: skip
    return connection


def worker(connection: Connection) -> ConnectionPace:
    """What one worker is given."""
    return ConnectionPace(connection, (ORIGIN,))


def signal(kind: SignalClass, *, write: bool = True, **more: Any) -> Signal:
    return Signal(kind, write, ORIGIN, **more)


def goes(gate: ConnectionPace, kind: SignalClass = SignalClass.APPLIED, *, write: bool = True, **more: Any) -> bool:
    """Whether a request may leave; it ends like this."""
    try:
        gate.enter(write=write, origin=ORIGIN)
    except PacedError:
        return False
    gate.leave(signal(kind, write=write, **more))
    return True


def state() -> RateState:
    return RateState.objects.exclude(origin="").get()
