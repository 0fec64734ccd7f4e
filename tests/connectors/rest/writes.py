"""A JSON API of one stream, for tests of writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.rest import CONNECTOR
from connectors.rest.client import RestConnection
from hub.sdk import Change, Operation, Outcome, Secret, Settings
from tests.connectors.rest.listener import Answering, Asked, Told, listening

WRITES: dict[str, Any] = {
    "version": {"field": "v"},
    "create": {"path": "/things", "exists": [409]},
    "update": {"path": "/things/{key}", "if_match": {"format": '"{version}"'}, "current": "existing"},
    "delete": {"path": "/things/{key}", "if_match": {}},
}
CREATE = Change("c", Operation.CREATE, "R-1", {"name": "Ada"}, {"name": "Ada"}, idempotency_key="k-1")
UPDATE = Change("u", Operation.UPDATE, "R-1", {"name": "Ada"}, {"name": "Ada", "city": "Ulm"}, "7", "3")
DELETE = Change("d", Operation.DELETE, "R-1", key="7", version="3")


@contextmanager
def writing(answering: Answering, top: dict[str, Any] | None = None, **stream: Any) -> Iterator[RestConnection]:
    """A connection to an API that answers so, with one stream `things`."""
    with listening(answering) as base_url:
        connection = opened(base_url, {**(top or {}), "streams": {"things": {**WRITES, **stream}}})
        try:
            yield connection
        finally:
            connection.close()


def opened(base_url: str, manifest: Any) -> RestConnection:
    """A connection with this manifest."""
    config = {"base_url": base_url, "manifest": manifest, "auth": "bearer"}
    secrets = {"token": Secret("t0ken-t0ken")}
    return RestConnection(Settings(config, secrets, CONNECTOR.origins(config), 5.0))


def write(told: Told, change: Change, **stream: Any) -> Outcome:
    """The outcome of one change that is answered so."""
    with writing(lambda _: told, **stream) as connection:
        [outcome] = connection.apply("things", [change])
    return outcome


def request_of(change: Change, **stream: Any) -> Asked:
    """The request that a change becomes."""
    asked: list[Asked] = []

    def answering(request: Asked) -> Told:
        asked.append(request)
        return Told(200, {"id": 7})

    with writing(answering, **stream) as connection:
        list(connection.apply("things", [change]))
    return asked[0]


def many(count: int) -> list[Change]:
    """So many updates of different records."""
    return [
        Change(f"u{number}", Operation.UPDATE, f"R-{number}", {"n": number}, key=str(number)) for number in range(count)
    ]
