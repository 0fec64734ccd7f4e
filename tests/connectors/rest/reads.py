"""A JSON API of one stream, for tests of reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.rest import CONNECTOR
from connectors.rest.client import RestConnection
from hub.sdk import Cursor, Page, Settings
from tests.connectors.rest.listener import Answering, listening


@contextmanager
def reading(answering: Answering, **stream: Any) -> Iterator[RestConnection]:
    """A connection to an API that answers so, with one stream `things`."""
    with listening(answering) as base_url:
        manifest = {"streams": {"things": {"list": {"path": "/things"}, **stream}}}
        config = {"base_url": base_url, "manifest": manifest, "auth": "none"}
        connection = RestConnection(Settings(config, {}, CONNECTOR.origins(config), 5.0))
        try:
            yield connection
        finally:
            connection.close()


def all_pages(connection: RestConnection, cursor: Cursor | None = None, limit: int = 3) -> list[Page]:
    """Every page."""
    pages = [connection.read("things", cursor, limit)]
    while not pages[-1].done:
        pages.append(connection.read("things", pages[-1].cursor, limit))
        assert len(pages) < 100
    return pages


def keys(pages: list[Page]) -> list[str]:
    """The keys of all records of these pages, in order."""
    return [record.key for page in pages for record in page.records]


def rows(*numbers: int, **more: Any) -> list[dict[str, Any]]:
    """Items with these ids."""
    return [{"id": number, **more} for number in numbers]
