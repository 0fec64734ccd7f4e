"""Sockets that keep one deadline for everything read and sent, so that a slow drip cannot hold a worker."""

import math
import select
import socket
import ssl
import time
from typing import Any


class DeadlineSocket(socket.socket):
    """A socket whose timeout is the time left in total, not the time between two bytes."""

    _until: float | None = None

    def settimeout(self, value: float | None) -> None:
        """Start a new deadline `value` seconds from now."""
        self._until = None if value is None else time.monotonic() + value
        super().settimeout(value)

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        """Read what is there, within the time that is left."""
        super().settimeout(_left(self._until))
        return super().recv(*args, **kwargs)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read what is there into a buffer, within the time that is left."""
        super().settimeout(_left(self._until))
        return super().recv_into(*args, **kwargs)

    def begin(self, seconds: float) -> None:
        """Start a new deadline for `pour` and `take`.

        Each way into the system hands over to another thread. With a timeout Python goes there twice more for each
        call, to set it and to wait; here a call goes once, and waits only where it must.
        """
        self._until = time.monotonic() + seconds
        if self.gettimeout() != 0.0:
            super().settimeout(0.0)

    def pour(self, data: bytes) -> None:
        """Send all of it, within the time that is left."""
        try:
            sent = super().send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            super().settimeout(_left(self._until))
            super().sendall(memoryview(data)[sent:])
            super().settimeout(0.0)

    def take(self, most: int, ready: select.poll) -> bytes:
        """Read what is there once `ready` says that there is something, within the time that is left."""
        while True:
            if not ready.poll(math.ceil((_left(self._until) or 0) * 1000)):
                raise TimeoutError("the deadline has passed")
            try:
                return super().recv(most)
            except BlockingIOError:
                continue  # it was nothing after all


class DeadlineTlsSocket(ssl.SSLSocket):
    """The same over TLS."""

    _until: float | None = None

    def settimeout(self, value: float | None) -> None:
        """Start a new deadline `value` seconds from now."""
        self._until = None if value is None else time.monotonic() + value
        super().settimeout(value)

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        """Read what is there, within the time that is left."""
        super().settimeout(_left(self._until))
        return super().recv(*args, **kwargs)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read what is there into a buffer, within the time that is left."""
        super().settimeout(_left(self._until))
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        """Send one part, within the time that is left (TLS sends a long body in parts)."""
        super().settimeout(_left(self._until))
        return super().send(*args, **kwargs)


def _left(until: float | None) -> float | None:
    if until is None:
        return None
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left
