"""Sockets that keep one deadline for everything read and sent, so that a slow drip cannot hold a worker."""

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

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read what is there, within the time that is left."""
        super().settimeout(_left(self._until))
        return super().recv_into(*args, **kwargs)


class DeadlineTlsSocket(ssl.SSLSocket):
    """The same over TLS."""

    _until: float | None = None

    def settimeout(self, value: float | None) -> None:
        """Start a new deadline `value` seconds from now."""
        self._until = None if value is None else time.monotonic() + value
        super().settimeout(value)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read what is there, within the time that is left."""
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
