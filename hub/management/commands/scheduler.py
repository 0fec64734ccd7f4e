"""The scheduler: starts what is due, and rings again for work that nobody took."""

import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from redis.exceptions import RedisError

from hub import provenance
from hub.services import credential, delivery, health, incarnation, link, recovery, replay, schedule, sweep
from hub.services import export as exports
from hub.services.audit import seal, verification
from hub.services.credential import oauth

BEAT_SECONDS = 2.0
SWEEP_SECONDS = 5.0
TEND_SECONDS = 60.0
TIDY_SECONDS = 3600.0
SEAL_SECONDS = 45.0  # with the length of a round still within a minute

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
            with provenance.acting(provenance.Provenance(method="scheduler")):
                rounds.go()
            if stop.wait(BEAT_SECONDS):
                break
        rounds.end()


class Rounds:
    """What the scheduler does each time, and what it remembers between."""

    def __init__(self) -> None:
        self._done_at: dict[str, float] = {}
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
            self._every(SWEEP_SECONDS, self._sweep, now)
            self._every(TEND_SECONDS, self._tend, now)
            self._every(SEAL_SECONDS, self._seal, now)
            self._every(TIDY_SECONDS, self._tidy, now)
            self._is_back("The database")
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            self._is_away("The database", error)
        try:
            health.beat("scheduler")
            self._is_back("Redis")
        except RedisError as error:
            self._is_away("Redis", error)

    def _every(self, seconds: float, chore: Callable[[datetime], Any], now: datetime) -> None:
        """Do it once in so many seconds. What fails is due again at the next round."""
        name = chore.__qualname__
        if monotonic() - self._done_at.get(name, float("-inf")) >= seconds:
            chore(now)
            self._done_at[name] = monotonic()

    @staticmethod
    def _sweep(now: datetime) -> None:
        incarnation.advance()
        sweep.sweep(now)
        delivery.sweep(now)
        recovery.ring_waiting()
        oauth.ring_waiting(now)
        credential.end_overlaps(now)

    @staticmethod
    def _tend(now: datetime) -> None:
        delivery.tend(now)
        exports.ring_waiting()

    @staticmethod
    def _seal(now: datetime) -> None:
        seal.seal()

    @staticmethod
    def _tidy(now: datetime) -> None:
        schedule.forget_old(now)
        link.forget_old(now)
        seal.seal(everything=True)
        seal.watch_guard()
        verification.ask_due(now)
        exports.tidy()

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
