"""Counts of calls in a window that slides: what the breaker and the retry budget judge by."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

WINDOW = 60.0  # seconds
SLOT = 5.0  # seconds; what is older than the window goes slot by slot


@dataclass(frozen=True, slots=True)
class Slot:
    """What happened in the `SLOT` seconds from `at`, a multiple of it: calls, how many passed by, how many again."""

    at: float
    calls: int = 0
    transients: int = 0
    retries: int = 0


def added(slots: Sequence[Slot], now: float, more: Slot) -> list[Slot]:
    """The slots of the window at `now` with the counts of `more` in the newest."""
    at = now - now % SLOT
    kept = [slot for slot in slots if now - WINDOW < slot.at < at]
    newest = [slot for slot in slots if slot.at >= at]
    calls = sum(slot.calls for slot in newest) + more.calls
    transients = sum(slot.transients for slot in newest) + more.transients
    retries = sum(slot.retries for slot in newest) + more.retries
    return [*kept, Slot(at, calls, transients, retries)]


def total(slots: Sequence[Slot], now: float) -> Slot:
    """All of the window at `now`."""
    live = [slot for slot in slots if slot.at > now - WINDOW]
    return Slot(
        now - WINDOW,
        sum(slot.calls for slot in live),
        sum(slot.transients for slot in live),
        sum(slot.retries for slot in live),
    )


def to_json(slots: Sequence[Slot]) -> list[list[float]]:
    """The slots as they are stored."""
    return [list(astuple(slot)) for slot in slots]


def from_json(stored: Sequence[Sequence[float]]) -> list[Slot]:
    """The slots as they were stored."""
    return [Slot(at, int(calls), int(transients), int(retries)) for at, calls, transients, retries in stored]
