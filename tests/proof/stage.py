"""What a simulated world plays on: the hub's doors to systems, time and queue lead into the world, not outside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hub import clock, failpoint, registry
from tests.simulator.simulated_time import START

if TYPE_CHECKING:
    from tests.proof.world import World

COMPARE = clock.compare  # with the world's time, which the real database does not know
PLATES: dict[str, Any] = {}
CURRENT: list["World"] = []


def _ring(job: str, **ids: int) -> None:
    if CURRENT and "lane_id" in ids:
        CURRENT[0].rings.append(ids)


def _elapsed() -> float:
    """Seconds since anything, those of a frozen process included."""
    return CURRENT[0].slept if CURRENT else 0.0


def _now() -> datetime:
    return CURRENT[0].time.now() if CURRENT else START


def _host() -> datetime:
    """What the clock of the worker's host shows."""
    return _now() + timedelta(seconds=CURRENT[0].ahead if CURRENT else 0)


@contextmanager
def simulated() -> Iterator[None]:
    """The hub knows only simulated third parties, their time, and a doorbell that the world answers itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "get", PLATES.__getitem__)
        patch.setattr("hub.queue._enqueue", _ring)
        patch.setattr("hub.clock.host", _host)
        patch.setattr("hub.clock.compare", lambda database, *by_host: COMPARE(_now(), *by_host))
        patch.setattr("hub.models.lane._elapsed", _elapsed)
        try:
            yield
        finally:
            failpoint.disarm()
            PLATES.clear()
            CURRENT.clear()
            COMPARE(START, START, START)


def watched(work: Callable[[], None]) -> list[str]:
    """The points that `work` comes to, in order."""
    names: list[str] = []
    failpoint.watch(names.append)
    try:
        work()
    finally:
        failpoint.disarm()
    return names
