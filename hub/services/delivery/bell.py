"""What a web process does beside storing deliveries: it rings for a worker, and writes down what it counted."""

import logging
import threading
import time
from collections import Counter

from django.db import DatabaseError, InterfaceError, connection

from hub import clock, queue
from hub.models import bulk

RING_SECONDS = 0.5
AWAY_SECONDS = 15.0
TALLY_SECONDS = 2.0
COUNTS = ("received", "repeated", "refused")
COLUMNS = {"webhook_id": "bigint", "hour": "timestamptz", **dict.fromkeys((*COUNTS, "missed"), "int")}

logger = logging.getLogger(__name__)


class Bell:
    """A thread of its own, so that a Redis that is away holds nobody up. What it loses, the sweeper finds."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._is_ringing = False
        self._lock = threading.Lock()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="deliveries-bell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Have a worker take what was stored, soon; many asks are one ring."""
        self._is_ringing = True
        self._wanted.set()

    def tally(self, webhook_id: int, **counts: int) -> None:
        """Count for the present hour."""
        with self._lock:
            for name, count in counts.items():
                self._counts[webhook_id, name] += count
        self._wanted.set()

    def close(self) -> None:
        """Write down what was counted, and end."""
        self._is_closing = True
        self._wanted.set()
        self._thread.join()

    def _work(self) -> None:
        ring_at = tally_at = 0.0
        while not self._is_closing:
            self._wanted.wait()
            self._wanted.clear()
            now = time.monotonic()
            if self._is_ringing and now >= ring_at:
                self._is_ringing = False
                ring_at = now + (RING_SECONDS if queue.ring_deliveries() else AWAY_SECONDS)
            if self._counts and now >= tally_at:
                tally_at = now + TALLY_SECONDS
                self._write_down()
            if self._is_ringing or self._counts:
                self._wanted.set()
                time.sleep(0.1)
        if self._counts:
            self._write_down()

    def _write_down(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
        try:
            tally(counts)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("What was counted of webhooks is lost (%s).", type(error).__name__)
        finally:
            connection.close()


def tally(counts: Counter[tuple[int, str]]) -> None:
    """Add to the counts of the present hour: (webhook id, name of the count) to number."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    rows = [
        (webhook_id, hour, *(counts[webhook_id, name] for name in COUNTS), 0)
        for webhook_id in sorted({webhook_id for webhook_id, _ in counts})
    ]
    bulk.upsert("hub_webhookhour", key=("webhook_id", "hour"), columns=COLUMNS, rows=rows, adding=(*COUNTS, "missed"))
