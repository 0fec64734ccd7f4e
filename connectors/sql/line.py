"""Where the lines of a driver lead that dials for itself: only to addresses that the egress rules let through."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from hub.http import current, route
from hub.sdk import HubError, TransientError

NUMBER = "zones"


class UnreachableError(SQLAlchemyError):
    """No line was opened. `is_settled`: it will not help to try again unchanged."""

    def __init__(self, error: HubError) -> None:
        super().__init__(str(error))
        self.is_settled = not isinstance(error, TransientError)


def pin(engine: sa.Engine, host: str, port: int) -> None:
    """Have libpq dial only the addresses that were classified just before; it keeps the name for its checks.

    A zone's own authorities take the place of the system's where the server's certificate is verified.
    """

    @event.listens_for(engine, "do_connect")
    def dial(_: sa.Dialect, record: ConnectionPoolEntry, arguments: Any, parameters: dict[str, Any]) -> Any:
        try:
            found = route(host, port, "postgresql")
        except HubError as error:
            raise UnreachableError(error) from None
        parameters["host"] = ",".join([host] * len(found.addresses))
        parameters["hostaddr"] = ",".join(found.addresses)
        if found.authorities and "sslrootcert" in parameters:
            parameters["sslrootcert"] = found.authorities
        record.info[NUMBER] = found.number
        return engine.dialect.connect(*arguments, **parameters)


def is_stale(record: ConnectionPoolEntry) -> bool:
    """Whether a zone was opened or closed since the line was dialled."""
    return bool(record.info.get(NUMBER) != current().number)
