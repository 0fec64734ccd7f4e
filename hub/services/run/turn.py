"""Gives way: a worker works on a lane for a turn, and then lets others go first when any wait for a worker."""

import time

from django.db.models import Exists, OuterRef, Sum

from hub import queue
from hub.engine import fair
from hub.engine.intent import IN_FLIGHT
from hub.models import LIVE, Change, Lane, Mapping, SyncRun
from hub.sdk import PacedError

LOOK_SECONDS = 1.0


class GaveWayError(PacedError):
    """The run's turn is over and others wait; it goes on at once when it is its turn again."""

    code = "gave-way"


class Turn:
    """The time one worker gives to one lane before it looks whether others wait."""

    def __init__(self, lane: Lane, *, gives_way: bool) -> None:
        self._integration_id = lane.mapping.integration_id
        self._gives_way = gives_way
        self._is_over = False
        self._began = time.monotonic()
        self._look_at = self._began + fair.LEAST

    def is_over(self) -> bool:
        """Whether it is somebody else's turn now; from then on it stays so."""
        now = time.monotonic()
        if self._gives_way and not self._is_over and now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            lasted = now - self._began
            self._is_over = queue.waiting() > 0 and lasted >= fair.turn_seconds(_busy_lanes(self._integration_id))
        return self._is_over

    def give_way(self) -> None:
        """Raise GaveWayError when it is somebody else's turn."""
        if self.is_over():
            raise GaveWayError("Others had their turn.", 0.0)


def _busy_lanes(integration_id: int) -> int:
    """How many lanes of an integration have something to do."""
    live = SyncRun.objects.filter(mapping=OuterRef("pk"), state__in=LIVE)
    waiting = Change.objects.filter(mapping=OuterRef("pk"), state__in=sorted(IN_FLIGHT))
    busy = Mapping.objects.filter(Exists(live.order_by()) | Exists(waiting.order_by()), integration_id=integration_id)
    return int(busy.order_by().aggregate(lanes=Sum("slices"))["lanes"] or 1)
