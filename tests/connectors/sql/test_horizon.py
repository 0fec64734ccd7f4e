"""Rows that long transactions commit behind the reader, on a real PostgreSQL (correctness 2.3)."""

from datetime import UTC, datetime

import pytest

from connectors.sql.column import Column, Kind
from connectors.sql.spec import CursorSpec
from connectors.sql.watermark import not_after
from hub.sdk import CursorKind
from tests.connectors.sql.acts import Opener, keys, pages
from tests.connectors.sql.databases import PostgresSchema

# No overlap: what is found is found by the watermark alone.
BARE = {"t": {"cursor": {"column": "at", "kind": "timestamp", "overlap": 0}}}


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_what_was_open_when_the_read_began_is_read_by_the_next(
    postgres: PostgresSchema, connect: Opener, kind: str
) -> None:
    postgres.run(f"create table t (k text primary key, at {kind} not null default now())")
    opened = connect(postgres.settings(BARE))
    slow = postgres.connect()
    slow.execute("insert into t (k) values ('slow')")
    slow.execute("select pg_sleep(1.1)")  # marks are cut to the second
    postgres.run("insert into t (k) values ('quick')")
    first = pages(opened, "t")
    slow.commit()
    slow.close()

    assert [record.key for page in first for record in page.records] == ["quick"]
    assert "slow" in keys(opened, "t", first[-1].cursor)


def test_a_transaction_that_has_written_nothing_yet_counts(postgres: PostgresSchema, connect: Opener) -> None:
    postgres.run("create table t (k text primary key, at timestamptz not null default now())")
    opened = connect(postgres.settings(BARE))
    slow = postgres.connect()
    slow.execute("select now()")
    slow.execute("select pg_sleep(1.1)")
    postgres.run("insert into t (k) values ('quick')")
    first = pages(opened, "t", limit=1)
    slow.execute("insert into t (k) values ('slow')")
    slow.commit()
    slow.close()

    assert "slow" in keys(opened, "t", first[-1].cursor)


def test_a_read_of_several_pages_keeps_the_horizon_of_its_beginning(postgres: PostgresSchema, connect: Opener) -> None:
    postgres.run("create table t (k text primary key, at timestamptz default now())")
    postgres.run("insert into t values ('a', now() - interval '1 hour'), ('b', now() - interval '1 hour'), ('c', null)")
    opened = connect(postgres.settings(BARE))
    since = pages(opened, "t")[-1].cursor
    slow = postgres.connect()
    slow.execute("insert into t (k) values ('slow')")
    slow.execute("select pg_sleep(1.1)")
    postgres.run("insert into t (k) values ('quick')")
    first = opened.read("t", since, 1)
    slow.commit()
    slow.close()
    rest = pages(opened, "t", first.cursor, limit=1)

    assert "slow" in keys(opened, "t", rest[-1].cursor)


@pytest.mark.parametrize(
    ("mark", "kept"),
    [
        ("2026-06-01 12:00:00+00:00", "2026-06-01 11:00:00+00:00"),
        ("2026-06-01 07:00:00", "2026-06-01 06:00:00"),
        ("2026-06-01 05:59:00", "2026-06-01 05:59:00"),
    ],
)
def test_a_time_without_a_zone_is_compared_with_the_servers_local_time(mark: str, kept: str) -> None:
    """A server five hours behind UTC."""
    spec = CursorSpec("at", CursorKind.TIMESTAMP)
    utc, local = datetime(2026, 6, 1, 11, tzinfo=UTC), datetime(2026, 6, 1, 6)  # noqa: DTZ001

    assert not_after(Column("at", Kind.DATETIME), spec, mark, utc, local) == kept
