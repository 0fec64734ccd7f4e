"""Bodies that come too slowly are answered while their thread still waits, and hold only some of the threads.

The server offers no way to stop waiting for a body; a sender that was answered ends its connection, which does.
"""

import os
import threading
import time
from collections.abc import Callable

BODY_SECONDS = 20.0
WATCH_SECONDS = 0.5
# Half of a process's threads: the other half goes on with the pages, whatever senders do.
MOST_READING = 16
PATIENCE_SECONDS = 0.5


class Reading:
    """The bodies being read in this process."""

    def __init__(self) -> None:
        self._start_lock = threading.Lock()
        self._pid = 0

    def begin(self, give_up: Callable[[], None]) -> int | None:
        """From now on a body has so many seconds; returns what `end` wants to know, None when too many are read."""
        if self._pid != os.getpid():
            self._start()
        if not self._room.acquire(timeout=PATIENCE_SECONDS):
            return None
        key = id(give_up)
        self._open[key] = (time.monotonic(), give_up)
        return key

    def end(self, key: int) -> bool:
        """Whether it came in time; if not, its sender was answered."""
        self._room.release()
        return self._open.pop(key, None) is not None

    def _start(self) -> None:
        with self._start_lock:
            if self._pid != os.getpid():
                self._open: dict[int, tuple[float, Callable[[], None]]] = {}
                self._room = threading.BoundedSemaphore(MOST_READING)
                threading.Thread(target=self._watch, name="deliveries-slow", daemon=True).start()
                self._pid = os.getpid()

    def _watch(self) -> None:
        while True:
            time.sleep(WATCH_SECONDS)
            too_old = time.monotonic() - BODY_SECONDS
            for key, (since, give_up) in list(self._open.items()):
                if since > too_old:
                    break
                if self._open.pop(key, None) is not None:
                    give_up()


reading = Reading()
