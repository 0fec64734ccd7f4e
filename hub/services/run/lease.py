"""Keeps a lane's lease alive while its worker waits for slow systems."""

import logging
import threading
from types import TracebackType

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from hub.models import Lane
from hub.models.lane import LEASE

BEAT_SECONDS = 15.0
logger = logging.getLogger(__name__)


class Heartbeat:
    """Prolongs the lease every 15 seconds from a thread of its own, until left. Fencing stays with the epoch."""

    def __init__(self, lane: Lane) -> None:
        self._lane = (lane.pk, lane.epoch, lane.owner)
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
        lane_id, epoch, owner = self._lane
        try:
            while not self._stop.wait(BEAT_SECONDS):
                Lane.objects.filter(pk=lane_id, epoch=epoch, owner=owner).update(lease_until=Now() + LEASE)
        except DatabaseError:
            logger.warning("The lease of lane %s could not be prolonged.", lane_id)
        finally:
            connection.close()
