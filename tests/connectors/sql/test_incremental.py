"""Reading what changed since the last time, although times tie, commits come late and values are missing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql.column import Column, Kind
from connectors.sql.spec import CursorSpec
from connectors.sql.watermark import not_after, stepped_back
from hub.sdk import ConfigError, CursorKind, DeleteFeed
from tests.connectors.sql.acts import Opener, apply, delete, keys, pages, records
from tests.connectors.sql.databases import Database, PostgresSchema, SqliteFile

BY_SEQUENCE = {"t": {"cursor": {"column": "seq", "kind": "sequence"}}}
BY_TIME = {"t": {"cursor": {"column": "at", "kind": "timestamp"}}}
STAMP = {"sqlite": "datetime", "postgresql": "timestamptz"}
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class TestReadBySequence:
    def test_gives_only_what_came_later(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k text primary key, seq integer not null)")
        for number in range(5):
            database.rows("insert into t values (?, ?)", (f"k{number}", number))
        opened = connect(database.settings(BY_SEQUENCE))
        done = pages(opened, "t")[-1].cursor

        assert keys(opened, "t", done) == []
        database.run("update t set seq = 9 where k = 'k1'; insert into t values ('new', 8)")
        assert keys(opened, "t", done, limit=1) == ["new", "k1"]

    def test_takes_what_changes_during_a_full_read(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k text primary key, seq integer not null)")
        database.run("insert into t values ('a', 1), ('b', 2), ('c', 3)")
        opened = connect(database.settings(BY_SEQUENCE))

        first = opened.read("t", None, 2)
        database.run("update t set seq = 4 where k = 'a'")
        last = opened.read("t", first.cursor, 2)

        assert last.done
        assert keys(opened, "t", last.cursor) == ["a"]

    def test_ends_although_rows_keep_changing(self, database: Database, connect: Opener) -> None:
        database.run(
            "create table t (k text primary key, seq integer not null); insert into t values ('a', 1), ('b', 2)"
        )
        opened = connect(database.settings(BY_SEQUENCE))
        cursor = pages(opened, "t")[-1].cursor
        database.run("update t set seq = seq + 10")

        first = opened.read("t", cursor, 1)
        database.run("update t set seq = 50 where k = 'a'")
        rest = pages(opened, "t", first.cursor, limit=1)

        assert [record.key for page in [first, *rest] for record in page.records] == ["a", "b"]
        assert keys(opened, "t", rest[-1].cursor) == ["a"]

    def test_goes_back_by_the_overlap(self, database: Database, connect: Opener) -> None:
        """Numbers handed out before commit arrive behind the reader."""
        database.run(
            "create table t (k text primary key, seq integer not null); insert into t values ('a', 1), ('z', 20)"
        )
        tables = {"t": {"cursor": {"column": "seq", "kind": "sequence", "overlap": 5}}}
        opened = connect(database.settings(tables))
        done = pages(opened, "t")[-1].cursor

        database.run("insert into t values ('late', 17), ('too-late', 3)")

        assert keys(opened, "t", done) == ["late", "z"]

    def test_of_an_empty_table_starts_with_the_first_row(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k text primary key, seq integer)")
        opened = connect(database.settings(BY_SEQUENCE))
        done = pages(opened, "t")[-1].cursor
        assert keys(opened, "t", done) == []

        database.run("insert into t values ('a', -3)")

        assert keys(opened, "t", done) == ["a"]

    def test_starts_again_when_the_cursor_column_is_another(self, database: Database, connect: Opener) -> None:
        database.run(
            "create table t (k text primary key, seq integer, other integer); insert into t values ('a', 9, 1)"
        )
        done = pages(connect(database.settings(BY_SEQUENCE)), "t")[-1].cursor

        other = connect(database.settings({"t": {"cursor": {"column": "other", "kind": "sequence"}}}))

        assert keys(other, "t", done) == ["a"]

    def test_of_a_table_without_cursor_is_always_complete(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k text primary key); insert into t values ('a')")
        opened = connect(database.settings())

        assert keys(opened, "t", pages(opened, "t")[-1].cursor) == ["a"]


class TestReadByTime:
    def test_takes_all_rows_of_one_moment(self, database: Database, connect: Opener) -> None:
        database.run(f"create table t (k text primary key, at {STAMP[database.name]})")
        for number in range(9):
            database.rows("insert into t values (?, '2026-01-01 10:00:00')", (f"k{number}",))
        opened = connect(database.settings(BY_TIME))
        done = pages(opened, "t")[-1].cursor
        database.run("insert into t values ('k10', '2026-01-01 10:00:00')")

        assert sorted(keys(opened, "t", done, limit=2)) == sorted([*(f"k{n}" for n in range(9)), "k10"])

    def test_takes_a_row_that_was_committed_late(self, database: Database, connect: Opener) -> None:
        database.run(f"create table t (k text primary key, at {STAMP[database.name]} not null)")
        database.run("insert into t values ('old', '2026-01-01 09:00:00'), ('last', '2026-01-01 13:00:00')")
        opened = connect(database.settings(BY_TIME))
        done = pages(opened, "t")[-1].cursor

        database.run("insert into t values ('late', '2026-01-01 12:56:00')")

        assert keys(opened, "t", done) == ["late", "last"]

    def test_reads_rows_without_a_time_every_time(self, database: Database, connect: Opener) -> None:
        database.run(f"create table t (k text primary key, at {STAMP[database.name]})")
        database.run(
            "insert into t values ('a', null), ('b', null), ('c', '2026-01-01 10:00:00'), ('d', '2026-01-02 10:00:00')"
        )
        opened = connect(database.settings(BY_TIME))
        first = pages(opened, "t")

        later = pages(opened, "t", first[-1].cursor, limit=1)

        assert sorted(record.key for page in first for record in page.records) == ["a", "b", "c", "d"]
        assert [record.key for page in later for record in page.records] == ["a", "b", "d"]

    def test_is_not_led_astray_by_a_time_in_the_future(self, database: Database, connect: Opener) -> None:
        database.run(f"create table t (k text primary key, at {STAMP[database.name]})")
        database.run("insert into t values ('typo', '2062-01-01 00:00:00')")
        opened = connect(database.settings(BY_TIME))
        done = pages(opened, "t")[-1].cursor

        database.run("insert into t values ('now', current_timestamp)")

        assert set(keys(opened, "t", done)) == {"now", "typo"}

    def test_reads_again_what_a_local_clock_repeats(self, database: Database, connect: Opener) -> None:
        """At the end of summer the hour from two to three comes twice."""
        database.run("create table t (k text primary key, at timestamp)")
        database.run("insert into t values ('first', '2026-10-25 02:59:00')")
        opened = connect(database.settings(BY_TIME))
        done = pages(opened, "t")[-1].cursor

        database.run("insert into t values ('second', '2026-10-25 02:01:00')")

        assert set(keys(opened, "t", done)) == {"first", "second"}

    def test_says_what_was_deleted(self, database: Database, connect: Opener) -> None:
        database.run(f"create table t (k text primary key, at {STAMP[database.name]}, gone {STAMP[database.name]})")
        database.run("insert into t values ('a', '2026-01-01 10:00:00', null), ('b', '2026-01-01 10:00:00', null)")
        opened = connect(database.settings({"t": {**BY_TIME["t"], "deleted": "gone"}}))
        done = pages(opened, "t")[-1].cursor
        database.run("update t set gone = '2026-01-03 10:00:00', at = '2026-01-03 10:00:00' where k = 'a'")

        found = {record.key: record.deleted for record in records(opened, "t", done)}

        assert found == {"a": True, "b": False}
        assert opened.streams()[0].capabilities.delete_feed is DeleteFeed.TOMBSTONES

    def test_of_text_that_is_no_time_names_the_column(self, sqlite: SqliteFile, connect: Opener) -> None:
        sqlite.run("create table t (k text primary key, at text); insert into t values ('a', 'soon')")
        opened = connect(sqlite.settings(BY_TIME))

        with pytest.raises(ConfigError, match="cursor column at holds “soon”"):
            pages(opened, "t")

    @pytest.mark.parametrize(
        "stored", ["2026-01-01 10:00:00", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00.250+00:00", "2026-01-01"]
    )
    def test_understands_each_spelling_in_sqlite(self, sqlite: SqliteFile, connect: Opener, stored: str) -> None:
        sqlite.run("create table t (k text primary key, at text)")
        sqlite.rows("insert into t values ('a', ?)", (stored,))
        opened = connect(sqlite.settings(BY_TIME))
        done = pages(opened, "t")[-1].cursor

        sqlite.rows("insert into t values ('b', ?)", (stored,))

        assert set(keys(opened, "t", done)) == {"a", "b"}

    def test_sees_a_commit_behind_the_cursor(self, postgres: PostgresSchema, connect: Opener) -> None:
        """A transaction draws its time first and commits last."""
        postgres.run("create table t (k text primary key, at timestamptz not null default now())")
        opened = connect(postgres.settings(BY_TIME))
        slow = postgres.connect()
        slow.execute("insert into t (k) values ('slow')")
        postgres.run("insert into t (k) values ('quick')")
        first = pages(opened, "t")
        slow.commit()
        slow.close()

        assert [record.key for page in first for record in page.records] == ["quick"]
        assert keys(opened, "t", first[-1].cursor) == ["slow", "quick"]


class TestSoftDelete:
    @pytest.mark.parametrize(
        ("column", "deleted"),
        [
            ("gone boolean not null default false", "gone"),
            ("gone timestamp", "gone"),
            ("gone date", "gone"),
            ("gone integer not null default 0", "gone"),
            ("gone text not null default 'active'", {"column": "gone", "value": "deleted"}),
        ],
    )
    def test_marks_the_row_and_keeps_it(
        self, database: Database, connect: Opener, column: str, deleted: object
    ) -> None:
        database.run(f"create table t (k text primary key, {column}); insert into t (k) values ('a'), ('b')")
        opened = connect(database.settings({"t": {"deleted": deleted}}))

        [outcome] = apply(opened, "t", delete("a"))
        [again] = apply(opened, "t", delete("a"))

        assert (outcome.answer, again.answer) == ("applied", "unchanged")
        assert {record.key: record.deleted for record in records(opened, "t")} == {"a": True, "b": False}


class TestWatermark:
    TIMES = CursorSpec("at", CursorKind.TIMESTAMP)
    COLUMN = Column("at", Kind.DATETIME)

    @given(st.datetimes(), st.integers(0, 10**6), st.sampled_from([" ", "T"]))
    def test_goes_back_by_at_least_the_overlap(self, moment: datetime, overlap: int, separator: str) -> None:
        spec = CursorSpec("at", CursorKind.TIMESTAMP, overlap)
        mark = moment.isoformat(sep=separator)

        back = stepped_back(self.COLUMN, spec, mark)

        assert back <= mark  # texts compare as the times do
        if back != mark:
            gap = moment - datetime.fromisoformat(back) - timedelta(seconds=overlap)
            assert timedelta(0) <= gap < timedelta(seconds=1)

    @pytest.mark.parametrize(
        ("mark", "back"),
        [
            ("2026-01-01 10:00:00+00:00", "2026-01-01 09:55:00+00:00"),
            ("2026-01-01T10:00:00.9", "2026-01-01T07:55:00"),
            (1_000, 700),
            ("0001-01-01 00:00:00", "0001-01-01 00:00:00"),
        ],
    )
    def test_has_an_overlap_of_its_own_for_each_kind_of_time(self, mark: object, back: object) -> None:
        assert stepped_back(self.COLUMN, self.TIMES, mark) == back

    def test_goes_back_whole_days_for_dates(self) -> None:
        column = Column("day", Kind.DATE)

        assert stepped_back(column, CursorSpec("day", CursorKind.TIMESTAMP), "2026-03-01") == "2026-02-28"
        assert stepped_back(column, CursorSpec("day", CursorKind.TIMESTAMP), "0001-01-01") == "0001-01-01"

    @pytest.mark.parametrize(
        ("mark", "kept"),
        [
            ("2026-06-01 11:00:00+00:00", "2026-06-01 11:00:00+00:00"),
            ("2026-06-01 15:00:00+02:00", "2026-06-01 12:00:00+00:00"),
            ("2062-06-01T15:00:00", "2026-06-01T12:00:00"),
            (99, 99),
        ],
    )
    def test_never_lies_in_the_future(self, mark: object, kept: object) -> None:
        assert not_after(self.COLUMN, self.TIMES, mark, NOW) == kept


def test_a_cursor_survives_a_restart(database: Database, connect: Opener) -> None:
    database.run("create table t (a text, b integer, seq integer, primary key (a, b))")
    for number in range(10):
        database.rows("insert into t values ('x', ?, ?)", (number, number))
    found: list[str] = []
    cursor = None
    for _ in range(20):
        opened = connect(database.settings(BY_SEQUENCE))
        page = opened.read("t", cursor, 3)
        found += [record.key for record in page.records]
        cursor = page.cursor
        opened.close()
        if page.done:
            break

    assert found == [f'["x","{number}"]' for number in range(10)]
