"""Holds back the calls of a connector that does not ask for leave itself, such as one of a database or a folder.

Each page, look-up and check counts as one request, each record that is written as one more. The breaker, the number
in flight, limits and the retry budget are those of the connectors that call over HTTP.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Self, TypeVar

from hub.sdk import (
    NOT_BEGUN,
    AbsentError,
    Answer,
    AuthError,
    Change,
    ConfigError,
    Cursor,
    ForbiddenError,
    HubError,
    Job,
    Opened,
    Orders,
    Outcome,
    Page,
    RateLimitedError,
    Record,
    Signal,
    SignalClass,
    SilenceError,
    Stream,
    TransientError,
)
from hub.services.pace.connection import ConnectionPace

# A lock in the way says nothing about whether the system works.
BUSY = frozenset({"busy", "locked", "serialization", "rolled-back"})
# What the outcomes of one call say about the system, the first of these that occurs.
TELLING = (SignalClass.APPLIED, SignalClass.AUTH, SignalClass.AMBIGUOUS, SignalClass.NOT_APPLIED)
ERRORS: tuple[tuple[type[BaseException], SignalClass], ...] = (
    (RateLimitedError, SignalClass.THROTTLED),
    (TransientError, SignalClass.NOT_APPLIED),
    (SilenceError, SignalClass.AMBIGUOUS),
    (AbsentError, SignalClass.NOT_SENT),
    (ForbiddenError, SignalClass.PERMISSION),
    (AuthError, SignalClass.AUTH),
    (ConfigError, SignalClass.CONFIG),
    (HubError, SignalClass.REJECTED),
)


T = TypeVar("T")


class _Turn:
    """One call: waits for leave, and tells how it ended. `granted`: how many records it may write."""

    def __init__(self, paced: "_Paced", *, write: bool, most: int = 1) -> None:
        self._paced, self._write, self.granted = paced, write, most
        self._thread = threading.get_ident()
        self._is_part = self._thread in paced.inside
        self._seen: Counter[SignalClass] = Counter()

    def __enter__(self) -> Self:
        if not self._is_part:
            self.granted = self._paced.pace.begin(write=self._write, most=self.granted)
            self._paced.inside.add(self._thread)
        return self

    def note(self, answer: Outcome) -> None:
        """Learn from what became of one record."""
        self._seen[_meaning(answer)] += 1

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._is_part:
            return
        self._paced.inside.discard(self._thread)
        # How long a page or a batch takes tells of its size: no time is given, so that it narrows nothing.
        later = error.retry_after if isinstance(error, RateLimitedError) else None
        signal = Signal(self._kind(error), self._write, retry_after=later)
        self._paced.pace.end(signal, max(1, self._seen[SignalClass.APPLIED]))

    def _kind(self, error: BaseException | None) -> SignalClass:
        for known, means in ERRORS:
            if isinstance(error, known):
                return means
        if isinstance(error, Exception):
            return SignalClass.AMBIGUOUS
        if not self._write:
            return SignalClass.APPLIED
        return next((one for one in TELLING if self._seen[one]), SignalClass.REJECTED)


def _meaning(answer: Outcome) -> SignalClass:
    """What one record's outcome says about the system."""
    if answer.answer is Answer.AUTH:
        return SignalClass.AUTH if answer.code == AuthError.code else SignalClass.PERMISSION
    if answer.answer is Answer.UNKNOWN:
        return SignalClass.AMBIGUOUS
    if answer.answer is not Answer.RETRY:
        return SignalClass.APPLIED  # a refusal too: the system works
    if answer.code in BUSY or answer.code == NOT_BEGUN:
        return SignalClass.BUSY
    return SignalClass.CONFIG if answer.code == ConfigError.code else SignalClass.NOT_APPLIED


class _Paced:
    """A conversation behind its gate. What is done while another call of the same thread goes on is a part of that."""

    def __init__(self, conversation: Any, pace: ConnectionPace) -> None:
        self.inner, self.pace = conversation, pace
        self.inside: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def streams(self) -> Sequence[Stream]:
        """What it offers, for which a database is asked."""
        return self.called(self.inner.streams)

    def check(self) -> str:
        """The harmless call."""
        told: str = self.called(self.inner.check)
        return told

    def close(self) -> None:
        """Never held back."""
        self.inner.close()

    def called(self, call: Callable[..., T], *given: Any) -> T:
        """What one call that reads gives."""
        with _Turn(self, write=False):
            return call(*given)

    def told(self, call: Callable[..., Iterable[T]], *given: Any) -> Iterator[T]:
        """What one call that reads gives bit by bit."""
        with _Turn(self, write=False):
            yield from call(*given)


def _read(paced: _Paced, stream: str, cursor: Cursor | None, limit: int) -> Page:
    page: Page = paced.called(paced.inner.read, stream, cursor, limit)
    return page


def _fetch(paced: _Paced, stream: str, keys: Sequence[str]) -> Iterator[Record]:
    return paced.told(paced.inner.fetch, stream, keys)


def _find(paced: _Paced, stream: str, external_ids: Sequence[str]) -> Iterator[tuple[str, Record]]:
    return paced.told(paced.inner.find, stream, external_ids)


def _poll(paced: _Paced, stream: str, jobs: Sequence[Job]) -> Iterator[Outcome]:
    return paced.told(paced.inner.poll, stream, jobs)


def _apply(paced: _Paced, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
    """As many records at once as may be written now; a probe writes one."""
    done = 0
    while done < len(changes):
        if done and isinstance(changes, Orders) and changes.is_stopped:
            yield from (Outcome(one.id, Answer.RETRY, code=NOT_BEGUN) for one in changes[done:])
            return
        with _Turn(paced, write=True, most=len(changes) - done) as turn:
            some = changes if turn.granted == len(changes) else Orders(changes[done : done + turn.granted])
            for answer in paced.inner.apply(stream, some):
                turn.note(answer)
                yield answer
        done += len(some)


METHODS: dict[str, Callable[..., Any]] = {
    "read": _read,
    "fetch": _fetch,
    "find": _find,
    "poll": _poll,
    "apply": _apply,
}


def by_call(conversation: Opened, pace: ConnectionPace) -> Opened:
    """The same conversation, each call of which waits for leave and tells how it ended."""
    offered = tuple(name for name in METHODS if hasattr(conversation, name))
    paced: Opened = _offering(offered)(conversation, pace)
    return paced


@cache
def _offering(names: tuple[str, ...]) -> Callable[[Opened, ConnectionPace], Any]:
    """A class that can do what the conversation can, so that it is a Source, a Destination or both as that is."""
    return type("PacedConversation", (_Paced,), {name: METHODS[name] for name in names})
