"""The scheduler: starts what is due, and rings again for work that nobody took."""

import logging
import signal
import threading
from time import monotonic
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from redis.exceptions import RedisError

from hub.services import delivery, health, incarnation, link, recovery, replay, schedule, sweep

BEAT_SECONDS = 2.0
SWEEP_SECONDS = 5.0
TEND_SECONDS = 60.0
TIDY_SECONDS = 3600.0

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """`manage.py scheduler`."""

    help = "Start what is due and ring again for waiting work, until SIGTERM. Several may run; one wins each slot."

    def handle(self, *args: Any, **options: Any) -> None:
        """Go round every two seconds; whatever is away is waited for, and said once."""
        stop = threading.Event()
        _stop_on_signals(stop)
        rounds = Rounds()
        while True:
            rounds.go()
            if stop.wait(BEAT_SECONDS):
                break
        rounds.end()


class Rounds:
    """What the scheduler does each time, and what it remembers between."""

    def __init__(self) -> None:
        self._swept_at = self._tended_at = self._tidied_at = float("-inf")
        self._away: dict[str, str] = {}

    def go(self) -> None:
        """One round: slots, sometimes the sweep, and the sign of life. Nothing that is away ends it."""
        try:
            close_old_connections()
            now = schedule.the_time()
            incarnation.watch(at_once=True)
            schedule.plan_unplanned(now)
            schedule.start_due(now)
            replay.go_on(now)
            if monotonic() - self._swept_at >= SWEEP_SECONDS:
                incarnation.advance()
                sweep.sweep(now)
                delivery.sweep(now)
                recovery.ring_waiting()
                self._swept_at = monotonic()
            if monotonic() - self._tended_at >= TEND_SECONDS:
                delivery.tend(now)
                self._tended_at = monotonic()
            if monotonic() - self._tidied_at >= TIDY_SECONDS:
                schedule.forget_old(now)
                link.forget_old(now)
                self._tidied_at = monotonic()
            self._is_back("The database")
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            self._is_away("The database", error)
        try:
            health.beat("scheduler")
            self._is_back("Redis")
        except RedisError as error:
            self._is_away("Redis", error)

    def end(self) -> None:
        """Say goodbye, if there is anyone to hear it."""
        try:
            health.fall_silent("scheduler")
        except RedisError:
            logger.info("Redis does not answer; ending without a word.")
        connections.close_all()

    def _is_away(self, what: str, error: Exception) -> None:
        kind = type(error).__name__
        if self._away.get(what) != kind:
            logger.warning("%s does not answer (%s); waiting for it.", what, kind)
        self._away[what] = kind

    def _is_back(self, what: str) -> None:
        if self._away.pop(what, None):
            logger.warning("%s answers again.", what)


def _stop_on_signals(stop: threading.Event) -> None:
    def ask(signum: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
