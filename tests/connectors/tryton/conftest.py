"""A real Tryton with no parties, and the connector opened on it."""

from atexit import register
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from connectors.tryton.connection import Connection
from tests.connectors.tryton.bench import settings
from tests.connectors.tryton.erp import Erp, erp
from tests.connectors.tryton.middleman import Middleman, middleman

Open = Callable[..., Connection]


@pytest.fixture
def system() -> Iterator[Erp]:
    """A real Tryton that knows no parties."""
    started = erp()
    started.clear()
    yield started
    started.clear()


@pytest.fixture
def between(system: Erp) -> Iterator[Middleman]:
    """Stands before that Tryton."""
    with middleman(system.port) as man:
        yield man


@cache
def shared(url: str) -> Connection:
    """One connection for all tests that need no other: a login costs Tryton a quarter of a second."""
    connection = Connection(settings(url))
    register(connection.close)
    return connection


@pytest.fixture
def connect(system: Erp) -> Iterator[Open]:
    """Opens the connector at an address, with further config; closes it after the test."""
    with ExitStack() as stack:

        def opened(url: str, **config: Any) -> Connection:
            if url == system.url and not config:
                return shared(url)
            connection = Connection(settings(url, **config))
            stack.callback(connection.close)
            return connection

        yield opened
