"""Keeps a lane's lease alive while its worker waits for slow systems, and refuses to send on a lease about to end."""

import logging
import threading
from datetime import timedelta
from types import TracebackType

from django.db import DatabaseError, connection

from hub.models import Lane, LeaseLostError
from hub.models.lane import LEASE

BEAT_SECONDS = 15.0
MARGIN_SECONDS = 5.0  # for what happens between the last look at the lease and the first byte of a request
logger = logging.getLogger(__name__)


def fit(lane: Lane, deadline: float) -> None:
    """Let the lease be longer than one request may take, `deadline` in seconds, with two beats to spare."""
    lane.term = max(LEASE, timedelta(seconds=deadline + MARGIN_SECONDS + 2 * BEAT_SECONDS))


def secure(lane: Lane, deadline: float) -> None:
    """Before a request leaves: be sure to hold the lane until its `deadline` (seconds) has passed.

    A worker that slept past its lease must not send: another one may have begun to settle what it left. Raises
    LeaseLostError. (Fencing by the third party would be better; none offers it.)
    """
    if lane.sure_for < deadline + MARGIN_SECONDS and not lane.prolong():
        raise LeaseLostError(f"The lease on {lane} was lost before a request left.")


class Heartbeat:
    """Prolongs the lease every 15 seconds from a thread of its own, until left. Fencing stays with the epoch."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{lane.pk}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(BEAT_SECONDS):
                self._lane.prolong()
        except DatabaseError:
            logger.warning("The lease of lane %s could not be prolonged.", self._lane.pk)
        finally:
            connection.close()
