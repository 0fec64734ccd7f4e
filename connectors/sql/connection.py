"""A database in use: its streams, reading, writing, finding again."""

import warnings
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import SAWarning

from connectors.sql.lookup import Lookup
from connectors.sql.pages import Pages
from connectors.sql.reflection import Catalogue
from connectors.sql.session import Session
from connectors.sql.shape import BATCH, Shape
from connectors.sql.spec import TableSpec
from connectors.sql.writing import Writer
from hub.sdk import (
    Answer,
    AuthError,
    Change,
    ConfigError,
    Cursor,
    HubError,
    Outcome,
    Page,
    Record,
    Stream,
)


class SqlConnection:
    """An open SQL connection. Tables are looked at when they are first used, and then remembered."""

    def __init__(self, session: Session, specs: dict[str, TableSpec], schema: str | None) -> None:
        self._session, self._specs, self._schema = session, specs, schema
        self._lookups: dict[str, Lookup] = {}

    def streams(self) -> Sequence[Stream]:
        """The configured tables, or all that have a primary key."""
        return [shape.as_stream() for shape in self._shapes()]

    def check(self) -> str:
        """Say which database answered and that every configured table is there."""
        with self._session.reading() as connection:
            version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
            answered = f"{connection.dialect.name} {version} answered"
        names = [shape.name for shape in self._shapes()]
        return f"{answered}; tables: {', '.join(names) or 'none'}."

    def read(self, stream: str, cursor: Cursor | None, limit: int) -> Page:
        """One page, ordered by key, or by cursor and key when it continues an earlier read."""
        with self._session.reading() as connection:
            return Pages(self._lookup(connection, stream)).read(connection, cursor, limit)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Record]:
        """These rows as they are now; a value that no record can carry comes as the database spells it."""
        for some in _batches(keys):
            with self._session.reading() as connection:
                rows, reader = self._lookup(connection, stream).by_keys(connection, some)
            yield from (reader.held(row).record for row in rows)

    def find(self, stream: str, external_ids: Sequence[str]) -> Iterator[tuple[str, Record]]:
        """Rows by our reference in them; several for one reference if the database allows that."""
        for some in _batches(external_ids):
            with self._session.reading() as connection:
                rows, reader = self._lookup(connection, stream).by_references(connection, some)
            yield from ((reader.reference(row), reader.held(row).record) for row in rows)

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Write changes, up to 500 in one transaction. What surely did not arrive is answered, never raised."""
        try:
            with self._session.reading() as connection:
                lookup = self._lookup(connection, stream)
        except HubError as error:
            answer = Answer.AUTH if isinstance(error, AuthError) else Answer.RETRY
            return iter([Outcome(c.id, answer, c.key, code=error.code, message=str(error)) for c in changes])
        return Writer(lookup, self._session).apply(changes)

    def close(self) -> None:
        """Close the connection to the database."""
        self._session.close()

    def _shapes(self) -> Iterator[Shape]:
        """The table of each stream. A large schema takes many questions, so each table has a deadline of its own."""
        with self._session.reading() as connection:
            names = self._named(connection)
        for name in names:
            with self._session.reading() as connection:
                shape = self._lookup(connection, name).shape
            yield shape

    def _named(self, connection: sa.Connection) -> list[str]:
        if not self._specs:
            self._specs = Catalogue(self._session, connection, self._schema).keyed_tables()
        return list(self._specs)

    def _lookup(self, connection: sa.Connection, stream: str) -> Lookup:
        if stream not in self._lookups:
            self._lookups[stream] = Lookup(self._shape(connection, stream), self._session)
        return self._lookups[stream]

    def _shape(self, connection: sa.Connection, stream: str) -> Shape:
        known = self._named(connection)
        if stream not in self._specs:
            raise ConfigError(f"There is no stream “{stream}”; known: {', '.join(known) or 'none'}.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # a type or index it does not know is no obstacle
            return Catalogue(self._session, connection, self._schema).shape(stream, self._specs[stream])


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]
