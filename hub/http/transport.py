"""What carries a request: one small interface for both carriers, `session` for asking and `wire` for writing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One request, complete and permitted. `timeout` is the deadline of the whole exchange in seconds."""

    method: str
    origin: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What came back. Header names are in lower case; `body` is decoded from its content encoding."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(Exception):
    """A request got no usable answer. The text never contains a header or a body."""


class NotSentError(TransportError):
    """Not one byte of the request left. `settled`: it will not help to try again unchanged."""

    def __init__(self, message: str, *, settled: bool = False) -> None:
        super().__init__(message)
        self.settled = settled


class LostAnswerError(TransportError):
    """The request may have arrived, but no complete answer came back."""


class OversizeError(TransportError):
    """The answer is larger than allowed; the request did arrive."""


class Transport(Protocol):
    """Sends one request and returns its answer: no retry, no redirect, nothing from the environment."""

    def send(self, request: WireRequest) -> WireAnswer:
        """Raises NotSentError, LostAnswerError or OversizeError; nothing else."""
        ...

    def close(self) -> None:
        """Close every open connection."""
        ...
