"""Somebody else at the same rows of PostgreSQL, with a database connection of their own."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import pytest
from django.db import connection

Answer = TypeVar("Answer")


class Rival(Generic[Answer]):
    """Does `work` in a thread, from now on; `done` waits for its answer."""

    def __init__(self, work: Callable[[], Answer]) -> None:
        self.work = work
        self.answers: list[Answer] = []
        self.backend = 0
        self._is_connected = threading.Event()
        self.thread = threading.Thread(target=self._go)
        self.thread.start()
        self._is_connected.wait()

    def done(self) -> Answer:
        """What came of it."""
        self.thread.join()
        return self.answers[0]

    def _go(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("select pg_backend_pid()")
                (self.backend,) = cursor.fetchone()
            self._is_connected.set()
            self.answers.append(self.work())
        finally:
            self._is_connected.set()
            connection.close()


def wait_until_blocked(rivals: Sequence[Rival[Answer]]) -> None:
    """Wait until each of them stands at a lock; fails when one of them has ended instead."""
    backends = [rival.backend for rival in rivals]
    pause = threading.Event()
    while all(rival.thread.is_alive() for rival in rivals):
        with connection.cursor() as cursor:
            cursor.execute("select count(distinct pid) from pg_locks where not granted and pid = any(%s)", [backends])
            if cursor.fetchone() == (len(backends),):
                return
        pause.wait(0.01)
    pytest.fail("Somebody went on although what they need was locked.")
