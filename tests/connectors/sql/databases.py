"""Real databases for tests: an SQLite file and a PostgreSQL schema, looked at without the connector."""

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import psycopg
import pytest

from hub.sdk import Secret, Settings

HERE = "postgresql://postgres@127.0.0.1:5432/test"
CONFIGURED = os.environ.get("DATABASE_URL", "")
ADDRESS = CONFIGURED if CONFIGURED.startswith("postgresql://") else HERE


class Database(Protocol):
    """One empty database and a way to look at it from outside."""

    name: str

    def run(self, script: str) -> None:
        """Execute a script of statements."""
        ...

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute one statement, with ? for parameters, and return what it gives."""
        ...

    def settings(self, tables: Mapping[str, Any] | None = None, **changes: Any) -> Settings:
        """How the connector opens this database."""
        ...


class SqliteFile:
    """An SQLite file in a folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "real.db"
        sqlite3.connect(self.path).close()
        self.run("pragma journal_mode=wal")

    def run(self, script: str) -> None:
        """Execute a script of statements."""
        connection = sqlite3.connect(self.path)
        connection.executescript(script)
        connection.close()

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute one statement and return what it gives."""
        connection = sqlite3.connect(self.path)
        found = connection.execute(query, parameters).fetchall()
        connection.commit()
        connection.close()
        return found

    def settings(self, tables: Mapping[str, Any] | None = None, **changes: Any) -> Settings:
        """How the connector opens this file."""
        timeout = changes.pop("timeout", 10.0)
        config = {"driver": "sqlite", "database": str(self.path), "tables": dict(tables or {}), **changes}
        return Settings(config, timeout=timeout)


class PostgresSchema:
    """A schema of its own on a PostgreSQL server."""

    name = "postgresql"

    def __init__(self) -> None:
        self.schema = f"hub_test_{uuid.uuid4().hex[:12]}"
        self.address = urlsplit(ADDRESS)

    def run(self, script: str) -> None:
        """Execute a script of statements."""
        with self.connect() as connection:
            connection.execute(script.encode())

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute one statement and return what it gives."""
        with self.connect() as connection:
            cursor = connection.execute(query.replace("?", "%s").encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection that sees this schema first."""
        return psycopg.connect(ADDRESS, options=f"-c search_path={self.schema}")

    def settings(self, tables: Mapping[str, Any] | None = None, **changes: Any) -> Settings:
        """How the connector opens this schema."""
        secret = changes.pop("password", self.address.password)
        timeout = changes.pop("timeout", 10.0)
        config = {
            "driver": "postgresql+psycopg",
            "host": self.address.hostname,
            "port": self.address.port or 5432,
            "database": self.address.path.removeprefix("/"),
            "user": self.address.username,
            "schema": self.schema,
            "tables": dict(tables or {}),
            **changes,
        }
        return Settings(config, {"password": Secret(secret)} if secret else {}, timeout=timeout)


@contextmanager
def sqlite_file(folder: Path) -> Iterator[SqliteFile]:
    """An empty SQLite file."""
    yield SqliteFile(folder)


@contextmanager
def postgres_schema(_: Path) -> Iterator[PostgresSchema]:
    """An empty schema, removed afterwards; skips where no server answers."""
    database = PostgresSchema()
    try:
        database.run(f"create schema {database.schema}")
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at {database.address.hostname}: {error}")
    yield database
    database.run(f"drop schema {database.schema} cascade")


DATABASES: Mapping[str, Callable[[Path], AbstractContextManager[Database]]] = {
    "sqlite": sqlite_file,
    "postgresql": postgres_schema,
}
