"""The gate every request of a connection passes: it says whether one may leave now, and learns how each one ended."""

from typing import Protocol

from hub.sdk.signal import Signal


class Pace(Protocol):
    """Asked before each request and told after it. Safe to share between threads."""

    @property
    def width(self) -> int:
        """How many requests of this process may be in flight now; 1 or more."""
        ...

    def enter(self, *, write: bool, origin: str = "") -> None:
        """Ask to send a request to `origin` (empty: the only one); may wait briefly.

        Raises PacedError when it must not be sent now: nothing has left, and `leave` must not be called.
        """
        ...

    def leave(self, signal: Signal) -> None:
        """Tell how a request that `enter` let through ended. Never raises."""
        ...
