"""Every test of this folder runs on each kind of database that is here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.sql.acts import Opener
from tests.connectors.sql.databases import DATABASES, Database, PostgresSchema, SqliteFile, postgres_schema, sqlite_file


@pytest.fixture(params=list(DATABASES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    with DATABASES[request.param](tmp_path) as database:
        yield database


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresSchema]:
    """An empty PostgreSQL schema."""
    with postgres_schema(tmp_path) as database:
        yield database


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteFile]:
    """An empty SQLite file."""
    with sqlite_file(tmp_path) as database:
        yield database


@pytest.fixture
def connect() -> Iterator[Opener]:
    """`connect(settings)`: the connector in use, closed when the test ends."""
    opener = Opener()
    yield opener
    opener.close()
