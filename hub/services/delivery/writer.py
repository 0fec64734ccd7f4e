"""Stores deliveries: one thread a process commits whatever waits in one transaction, and then lets each be answered."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from django.db import DatabaseError, DataError, Error, IntegrityError, connection

from hub import failpoint
from hub.models import Arrival, Delivery
from hub.services.delivery.bell import Bell

MOST_WAITING = 1000
MOST_BYTES = 64_000_000
BATCH, BATCH_BYTES = 500, 8_000_000
PATIENCE_SECONDS = 15.0
WATCH_SECONDS = 0.5

logger = logging.getLogger(__name__)


class BusyError(Exception):
    """Nothing more can wait now, or the database did not take it: the sender must send it again."""


class RejectedError(Exception):
    """The database refuses this one delivery."""


@dataclass(slots=True)
class Ticket:
    """A delivery that waits, and what is told once the commit that holds it is done, or has failed."""

    arrival: Arrival
    then: Callable[[Exception | None], None]
    error: Exception | None = None
    since: float = field(default_factory=time.monotonic)


class Writer:
    """The one thread of a process that stores deliveries; it is started at the first one, after any fork."""

    def __init__(self) -> None:
        self._start_lock = threading.Lock()
        self._pid = 0

    def store(self, arrival: Arrival) -> None:
        """Return once it is committed, or known already. Raises BusyError, RejectedError."""
        done = threading.Lock()
        done.acquire()
        ticket = self.submit(arrival, lambda error: done.release())
        if not done.acquire(timeout=PATIENCE_SECONDS):
            raise BusyError("The database takes too long.")
        if ticket.error is not None:
            raise ticket.error

    def submit(self, arrival: Arrival, then: Callable[[Exception | None], None]) -> Ticket:
        """Have it stored; `then` is told once, by another thread, with what went wrong. Raises BusyError."""
        ticket = Ticket(arrival, then)
        self._put(ticket)
        return ticket

    def note(self, arrival: Arrival) -> None:
        """Store it some time, if there is room."""
        try:
            self.submit(arrival, lambda error: None)
        except BusyError:
            logger.debug("No room to note a refusal.")

    def close(self) -> None:
        """Store what waits, write down what was counted, and end; it starts again when it is needed."""
        with self._start_lock:
            if self._pid == os.getpid():
                self._waiting.put(None)
                self._thread.join()
                self._bell.close()
                self._pid = 0

    def _put(self, ticket: Ticket) -> None:
        if self._pid != os.getpid():
            self._start()
        if self._waiting.qsize() >= MOST_WAITING or self._bytes > MOST_BYTES:
            raise BusyError("Too many deliveries wait.")
        self._bytes += ticket.arrival.size  # a bound, not an account: threads may lose a step of it
        self._open[id(ticket)] = ticket
        self._waiting.put(ticket)

    def _start(self) -> None:
        with self._start_lock:
            if self._pid == os.getpid():
                return
            self._waiting: SimpleQueue[Ticket | None] = SimpleQueue()
            self._bytes = 0
            self._open: dict[int, Ticket] = {}
            self._bell = Bell()
            self._thread = threading.Thread(target=self._work, name="deliveries", daemon=True)
            self._thread.start()
            threading.Thread(target=self._watch, args=[self._thread], name="deliveries-watch", daemon=True).start()
            self._pid = os.getpid()

    def tally(self, webhook_id: int, **counts: int) -> None:
        """Count what is not stored."""
        if self._pid != os.getpid():
            self._start()
        self._bell.tally(webhook_id, **counts)

    def _work(self) -> None:
        while batch := self._batch():
            try:
                self._store(batch)
            except Exception as error:
                logger.exception("Storing deliveries failed.")
                _refuse(batch, BusyError(type(error).__name__))
            for ticket in batch:
                self._settle(ticket)
        connection.close()

    def _settle(self, ticket: Ticket) -> None:
        """Tell how it ended, unless that was told already."""
        if self._open.pop(id(ticket), None) is None:
            return
        try:
            ticket.then(ticket.error)
        except Exception:  # it must not keep the others from being answered
            logger.exception("A delivery could not be answered.")

    def _watch(self, thread: threading.Thread) -> None:
        """Let nobody wait longer than is bearable, though the database may hold the thread that stores."""
        while thread.is_alive():
            time.sleep(WATCH_SECONDS)
            too_old = time.monotonic() - PATIENCE_SECONDS
            for ticket in list(self._open.values()):
                if ticket.since > too_old:
                    break
                ticket.error = BusyError("The database takes too long.")
                self._settle(ticket)

    def _batch(self) -> list[Ticket]:
        """Whatever waits, at least one; nothing when it is time to end."""
        batch: list[Ticket] = []
        size = 0
        ticket = self._waiting.get()
        while ticket is not None:
            batch.append(ticket)
            size += ticket.arrival.size
            if len(batch) >= BATCH or size >= BATCH_BYTES:
                break
            try:
                ticket = self._waiting.get_nowait()
            except Empty:
                break
        if ticket is None and batch:
            self._waiting.put(None)  # first what came before it
        self._bytes = 0 if self._waiting.empty() else max(0, self._bytes - size)
        return batch

    def _store(self, batch: list[Ticket]) -> None:
        try:
            failpoint.reach("delivery.before_commit")
            fresh = Delivery.objects.arrive([ticket.arrival for ticket in batch])
            failpoint.reach("delivery.committed")
        except (DataError, IntegrityError) as error:
            if len(batch) == 1:
                _refuse(batch, RejectedError(str(error)))
                return
            for ticket in batch:  # one that the database refuses must not take the others with it
                self._store([ticket])
            return
        except (DatabaseError, Error) as error:
            connection.close()
            _refuse(batch, BusyError(type(error).__name__))
            return
        came = Counter(ticket.arrival.webhook_id for ticket in batch)
        for webhook_id, count in came.items():
            self._bell.tally(webhook_id, received=fresh[webhook_id], repeated=count - fresh[webhook_id])
        self._bell.ring()


def _refuse(batch: list[Ticket], error: Exception) -> None:
    for ticket in batch:
        ticket.error = error


writer = Writer()
