"""Simulated systems behind a gate: each call asks for leave and tells how it ended, as every HTTP call does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.sdk import (
    Answer,
    Change,
    Connector,
    HubError,
    Outcome,
    Pace,
    PacedError,
    Page,
    Record,
    Settings,
    Signal,
    SignalClass,
    Stream,
    TransientError,
)
from tests.simulator import ThirdParty


@dataclass
class Line:
    """The line to a system: it may be down, and it counts what reached the other side and what did not."""

    party: ThirdParty
    is_down: bool = False
    reached: int = 0
    lost: int = 0
    writes: list[str] = field(default_factory=list)


class Gated:
    """One opened connection over a line."""

    def __init__(self, line: Line, pace: Pace | None) -> None:
        self._line, self._party, self._pace = line, line.party, pace

    def streams(self) -> Sequence[Stream]:
        return self._party.streams()

    def check(self) -> str:
        self._pass(write=False)
        return self._party.check()

    def close(self) -> None:
        self._party.close()

    def read(self, stream: str, cursor: dict[str, Any] | None, limit: int) -> Page:
        self._pass(write=False)
        return self._party.read(stream, cursor, limit)

    def fetch(self, stream: str, keys: Sequence[str]) -> list[Record]:
        self._pass(write=False)
        return list(self._party.fetch(stream, keys))

    def find(self, stream: str, external_ids: Sequence[str]) -> list[tuple[str, Record]]:
        self._pass(write=False)
        return list(self._party.find(stream, external_ids))

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        for change in changes:
            try:
                self._pass(write=True)
            except HubError as error:
                wait = error.retry_after if isinstance(error, PacedError) else None
                yield Outcome(change.id, Answer.RETRY, code=error.code, message=str(error), retry_after=wait)
            else:
                self._line.writes.append(change.external_id)
                yield from self._party.apply(stream, [change])

    def _pass(self, *, write: bool) -> None:
        """Raises PacedError at the gate and TransientError on a line that is down."""
        if self._pace is not None:
            self._pace.enter(write=write)
        kind = SignalClass.NOT_SENT if self._line.is_down else SignalClass.APPLIED
        if self._line.is_down:
            self._line.lost += 1
        else:
            self._line.reached += 1
        if self._pace is not None:
            self._pace.leave(Signal(kind, write))
        if self._line.is_down:
            raise TransientError("Nobody answers.")


def connector(name: str, line: Line) -> Connector:
    """A plate for a system behind a line."""
    return Connector(
        name, name.title(), "For tests.", (), lambda settings: Gated(line, settings.pace),
        lambda config: (f"https://{name}.example:443",),
    )  # fmt: skip


def opened(line: Line, settings: Settings) -> Gated:
    """A connection over the line."""
    return Gated(line, settings.pace)
