"""How many requests may be in flight: one more after each good window, half as many at each sign of congestion.

AIMD, the rule of TCP and of Vector's adaptive request concurrency (correctness paper 6.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass

SLOWER = 2.0  # times the usual latency that count as congestion
NOTICEABLE = 0.1  # seconds; below that, a doubled latency is noise
MEMORY = 0.3  # weight of the newest window in the usual latency
AFTER_AN_OUTAGE = 1
WIDE = 4  # from here on one place is kept for a worker that comes


@dataclass(frozen=True, slots=True)
class Window:
    """What one window saw: answers, the most in flight at once, refusals to take more, and the mean latency."""

    answers: int = 0
    most_in_flight: int = 0
    is_congested: bool = False
    latency: float | None = None


def adjusted(width: int, most: int, window: Window, usual: float | None) -> int:
    """The width after a window: from 1 to `most`. It grows only where it was used up."""
    if window.is_congested or is_slow(window, usual):
        return max(1, width // 2)
    if window.answers and window.most_in_flight >= width:
        return max(1, min(most, width + 1))
    return max(1, min(most, width))


def is_slow(window: Window, usual: float | None) -> bool:
    """Whether answers took more than twice as long as usual."""
    if window.latency is None or usual is None:
        return False
    return window.latency > NOTICEABLE and window.latency > SLOWER * usual


def learned(usual: float | None, window: Window) -> float | None:
    """The usual latency with what this window saw."""
    if window.latency is None:
        return usual
    return window.latency if usual is None else (1 - MEMORY) * usual + MEMORY * window.latency


def share(width: int, held: Mapping[str, int], me: str, turn: int = 0) -> int:
    """How much of `width` worker `me` may have, beside what the others hold (0 of it included): as even as possible.

    Never more than the others leave, so that all together stay within the width; nobody is asked to give back at
    once, so of a width that allows it one place is kept for who comes next. What cannot be divided goes to another
    worker each `turn`, so that a width of 1 serves all of them.
    """
    others = {worker: count for worker, count in held.items() if worker != me}
    workers = sorted([*others, me])
    even, rest = divmod(width - 1 if width >= WIDE else width, len(workers))
    place = (workers.index(me) - turn) % len(workers)
    return max(0, min(even + (place < rest), width - sum(others.values())))
