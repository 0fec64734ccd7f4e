"""A conversation with the database: one connection, a deadline for each piece of work, errors in the hub's words."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from connectors.sql.dialect import Dialect
from connectors.sql.line import UnreachableError
from connectors.sql.trouble import Trouble, Verdict
from hub.sdk import Settings

IDLE = 10.0  # seconds after which a line is asked whether it still stands


class Session:
    """Opens the database when first asked. Safe to use from several threads: they take turns."""

    def __init__(self, dialect: Dialect, settings: Settings) -> None:
        self.dialect = dialect
        self.timeout = settings.timeout
        self._place = dialect.origin(settings.config)
        self._secret = settings.secrets.get("password")
        self._engine = dialect.engine(settings)
        event.listen(self._engine, "checkout", self._lent)
        event.listen(self._engine, "checkin", self._returned)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to read with, within the deadline. Raises HubErrors only."""
        try:
            with self.connected() as connection, self.deadline(connection):
                yield connection
        except SQLAlchemyError as error:
            raise self.trouble(error).error() from None

    @contextmanager
    def connected(self, *, writing: bool = False) -> Iterator[sa.Connection]:
        """A connection without anything around it; what was not committed is undone at the end."""
        with self._engine.connect() as connection:
            yield connection.execution_options(writing=writing)

    def commit(self, connection: sa.Connection) -> None:
        """Commit. A connection on which that failed is not used again: its transaction may still be open."""
        try:
            connection.commit()
        except SQLAlchemyError:
            connection.invalidate()
            raise

    @contextmanager
    def deadline(self, connection: sa.Connection) -> Iterator[None]:
        """End what the connection is doing when the time is up, whatever the other side does or does not do."""
        with self._limited(connection.connection.driver_connection):
            yield

    @contextmanager
    def _limited(self, driver: Any) -> Iterator[None]:
        timer = threading.Timer(self.timeout, self.dialect.abort, [driver])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _lent(self, driver: Any, record: ConnectionPoolEntry, _: object) -> None:
        """Ask a line that was idle whether it still stands, before it is relied on; the pool opens another if not.

        So it does when an egress zone was opened or closed since.
        """
        if self.dialect.stale(record):
            raise DisconnectionError
        idle = time.monotonic() - record.info.get("returned", math.inf)
        if idle < IDLE:
            return
        try:
            with self._limited(driver):
                self.dialect.ping(driver)
        except Exception as error:  # drivers share no class of errors
            raise DisconnectionError from error

    def _returned(self, _: object, record: ConnectionPoolEntry) -> None:
        record.info["returned"] = time.monotonic()

    def trouble(self, error: BaseException) -> Trouble:
        """What an error means, without the password should anything have put it there."""
        if isinstance(error, PoolTimeoutError):
            return Trouble(Verdict.LATER, "busy", "the connection was in use until the deadline")
        if isinstance(error, UnreachableError):
            return Trouble(Verdict.SETTING if error.is_settled else Verdict.LOST, "unreachable", str(error))
        found = self.dialect.diagnose(error)
        secret = self._secret.reveal() if self._secret else ""
        message = found.message.replace(secret, "•••") if secret else found.message
        place = f" ({self._place})" if found.verdict is Verdict.SETTING else ""
        return Trouble(found.verdict, found.code, message + place)

    def close(self) -> None:
        """Give back the connection."""
        self._engine.dispose()
