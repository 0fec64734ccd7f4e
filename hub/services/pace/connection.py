"""The pace of one connection in use: a gate for each origin it calls."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hub.models import Connection
from hub.sdk import AuthError, ForbiddenError, Signal
from hub.services.pace.gate import Gate


class ConnectionPace:
    """What a connector is given as `Settings.pace`. Gates are made when they are first needed."""

    def __init__(self, connection: Connection, origins: Sequence[str], most: int | None = None) -> None:
        self._connection, self._most = connection, most
        self._first = origins[0] if origins else ""
        self._home = threading.get_ident()
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()

    @property
    def width(self) -> int:
        """How many requests of this worker may be in flight towards the first origin."""
        return self._gate(self._first).width

    def enter(self, *, write: bool, origin: str = "") -> None:
        """Wait for leave to send a request. Raises PacedError."""
        self._gate(origin).enter(write=write)

    def begin(self, *, write: bool, most: int = 1) -> int:
        """Wait for leave to do something that costs up to `most` requests; how many of them may go. Raises PacedError.

        For connectors that do not ask before each request. `end` must follow.
        """
        return self._gate("").enter(write=write, most=most)

    def end(self, signal: Signal, count: int = 1) -> None:
        """Tell how that ended, and what it counted as where it worked."""
        self._gate("").leave(signal, count)

    def leave(self, signal: Signal) -> None:
        """Tell how it ended."""
        self._gate(signal.origin).leave(signal)

    def refused(self) -> None:
        """Open the breakers of the origins whose last word was that the credentials are wrong."""
        for gate in self._gates.values():
            gate.refused()

    def close(self) -> None:
        """Give back what is leased."""
        for gate in self._gates.values():
            gate.close()

    def _gate(self, origin: str) -> Gate:
        name = origin or self._first
        gate = self._gates.get(name)
        if gate is None:
            with self._lock:
                gate = self._gates.setdefault(name, Gate(self._connection, name, self._home, self._most))
        return gate


@contextmanager
def opened(connection: Connection, origins: Sequence[str], most: int | None = None) -> Iterator[ConnectionPace]:
    """A pace for as long as a connection is in use; learns when it ends with refused credentials.

    `most` is how many requests it sends at once; None: as many as may be.
    """
    pace = ConnectionPace(connection, origins, most)
    try:
        yield pace
    except AuthError as error:
        if not isinstance(error, ForbiddenError):
            pace.refused()
        raise
    finally:
        pace.close()
