"""Reading tables in full, whatever their keys and values."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from hub.sdk import ConfigError, Record
from tests.connectors.sql.acts import Opener, apply, keys, pages, records, update
from tests.connectors.sql.databases import Database, PostgresSchema, SqliteFile


class TestFullRead:
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
    def test_gives_every_row_once_whatever_the_page_size(self, database: Database, connect: Opener, limit: int) -> None:
        database.run("create table t (k text primary key, n integer)")
        for number in range(7):
            database.rows("insert into t values (?, ?)", (f"k{number}", number))

        opened = connect(database.settings())

        assert keys(opened, "t", limit=limit) == [f"k{number}" for number in range(7)]

    def test_is_not_disturbed_by_rows_that_come_and_go(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k integer primary key)")
        for number in range(0, 100, 10):
            database.rows("insert into t values (?)", (number,))
        opened = connect(database.settings())

        first = opened.read("t", None, 4)
        database.rows("delete from t where k = 0")
        database.rows("insert into t values (5)")

        assert [record.key for record in first.records] == ["0", "10", "20", "30"]
        assert keys(opened, "t", first.cursor) == ["40", "50", "60", "70", "80", "90"]

    def test_orders_composite_keys_by_all_their_columns(self, database: Database, connect: Opener) -> None:
        database.run("create table t (a text, b integer, primary key (a, b))")
        for a, b in [("x", 10), ("x", 9), ("w", 11), ('"', 1), ("x", 11)]:
            database.rows("insert into t values (?, ?)", (a, b))
        opened = connect(database.settings())

        assert keys(opened, "t", limit=2) == ['["\\"","1"]', '["w","11"]', '["x","9"]', '["x","10"]', '["x","11"]']

    def test_reads_only_the_columns_allowed(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k text primary key, shown text, salary integer, rev integer)")
        database.rows("insert into t values ('a', 'b', 9, 3)")
        opened = connect(database.settings({"t": {"columns": ["shown"], "version": "rev"}}))

        [record] = records(opened, "t")

        assert record == Record("a", {"k": "a", "shown": "b"}, version="3")

    def test_of_every_table_with_a_key_when_none_is_configured(self, database: Database, connect: Opener) -> None:
        database.run(
            "create table a (k text primary key); create table b (k text); create table c (k text primary key)"
        )

        assert [stream.name for stream in connect(database.settings()).streams()] == ["a", "c"]

    def test_of_a_table_whose_name_needs_quotes(self, database: Database, connect: Opener) -> None:
        database.run('create table "Order % Lines" ("Line No" text primary key, "a:b%c" text)')
        database.rows(
            'insert into "Order %% Lines" values (?, ?)'.replace("%%", "%%" if database.name != "sqlite" else "%"),
            ("1", "x"),
        )
        opened = connect(database.settings({"lines": {"table": "Order % Lines"}}))

        apply(opened, "lines", update("1", None, None, **{"a:b%c": "y"}))

        assert [dict(record.data) for record in records(opened, "lines")] == [{"Line No": "1", "a:b%c": "y"}]

    def test_of_a_view_offers_no_writing(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k text primary key); create view v as select k from t")
        database.rows("insert into t values ('a')")
        opened = connect(database.settings({"v": {"key": ["k"]}}))

        [stream] = opened.streams()

        assert keys(opened, "v") == ["a"]
        assert stream.capabilities.create is stream.capabilities.update is stream.capabilities.delete is None

    @pytest.mark.parametrize(
        ("version", "cursor", "rises"),
        [
            ("seq", {"column": "seq", "kind": "sequence"}, True),
            ("revision", {"column": "seq", "kind": "sequence"}, False),
            ("at", {"column": "at", "kind": "timestamp"}, False),
            ("seq", None, False),
        ],
    )
    def test_promises_rising_versions_where_they_are_the_number_that_changes_are_read_by(
        self, version: str, cursor: dict[str, str] | None, rises: bool, sqlite: SqliteFile, connect: Opener
    ) -> None:
        sqlite.run("create table t (k text primary key, seq integer, revision integer, at text)")
        spec = {"version": {"column": version}, **({"cursor": cursor} if cursor else {})}

        (stream,) = connect(sqlite.settings({"t": spec})).streams()

        assert stream.capabilities.versions_rise is rises


class TestRowsThatCannotBeRead:
    def test_are_fetched_as_the_database_spells_them(self, postgres: PostgresSchema, connect: Opener) -> None:
        """Left out they would look deleted."""
        postgres.run("create table t (k integer primary key, d date); insert into t values (1, 'infinity'), (2, null)")
        opened = connect(postgres.settings())

        assert {r.key: r.data["d"] for r in opened.fetch("t", ["1", "2", "3"])} == {"1": "infinity", "2": None}

    @pytest.mark.parametrize("limit", [1, 2, 3, 10])
    def test_a_repeated_key_is_one_fault_and_no_record(self, database: Database, connect: Opener, limit: int) -> None:
        database.run("create table t (k text, n integer)")
        for k in ["a", "b", "b", "b", "c"]:
            database.rows("insert into t values (?, 1)", (k,))
        opened = connect(database.settings({"t": {"key": ["k"]}}))

        read = pages(opened, "t", limit=limit)

        assert [record.key for page in read for record in page.records] == ["a", "c"]
        assert {fault.key for page in read for fault in page.faults} == {"b"}
        assert max(len(page.records) for page in read) <= limit

    def test_rows_without_a_key_are_counted(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k text, n integer)")
        database.run("insert into t values ('a', 1), (null, 2), (null, 3)")
        opened = connect(database.settings({"t": {"key": ["k"]}}))

        [page] = pages(opened, "t", limit=10)

        assert [record.key for record in page.records] == ["a"]
        assert [fault.message for fault in page.faults] == ["2 rows have no k"]

    def test_a_date_beyond_the_calendar_is_a_fault(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run(
            "create table t (k integer primary key, d date, at timestamptz);"
            "insert into t values (1, '2026-01-02', '2026-01-02 03:04:05+02'), (2, 'infinity', now()),"
            " (3, '0044-03-15 BC', null), (4, null, '2026-01-02 03:04:05.5+00')"
        )
        opened = connect(postgres.settings())

        [page] = pages(opened, "t", limit=10)

        assert [dict(record.data) for record in page.records] == [
            {"k": 1, "d": date(2026, 1, 2), "at": datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)},
            {"k": 4, "d": None, "at": datetime(2026, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC)},
        ]
        assert [(fault.key, fault.where.split()[-1]) for fault in page.faults] == [("2", "d"), ("3", "d")]

    def test_not_a_number_is_a_fault(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run(
            "create table t (k integer primary key, a numeric, f double precision);"
            "insert into t values (1, 'NaN', 1), (2, 1, 'Infinity'), (3, 1, 1)"
        )
        opened = connect(postgres.settings())

        [page] = pages(opened, "t", limit=10)

        assert [record.key for record in page.records] == ["3"]
        assert [fault.key for fault in page.faults] == ["1", "2"]

    def test_text_where_a_time_should_be_is_a_fault(self, sqlite: SqliteFile, connect: Opener) -> None:
        sqlite.run(
            "create table t (k text primary key, at datetime, n integer, j json);"
            "insert into t values ('a', 'yesterday', 1, '{}'), ('b', '2026-01-01T10:00:00Z', 1, '{\"x\": 1.10}'),"
            " ('c', null, 'many', null), ('d', null, null, '{')"
        )
        opened = connect(sqlite.settings())

        [page] = pages(opened, "t", limit=10)

        assert [record.key for record in page.records] == ["b"]
        assert page.records[0].data["j"] == {"x": Decimal("1.10")}
        assert [fault.where for fault in page.faults] == ["t key a column at", "t key c column n", "t key d column j"]


class TestShapes:
    @pytest.mark.parametrize(
        ("table", "sign"),
        [
            ({"table": "gone"}, "no table “gone”"),
            ({"table": "t", "key": ["nope"]}, "no column nope"),
            ({"table": "t", "version": "rev"}, "no column rev"),
            ({"table": "keyless"}, "no primary key"),
            ({"table": "t", "cursor": {"column": "flag", "kind": "sequence"}}, "cannot be a cursor"),
            ({"table": "t", "deleted": "name"}, "needs the value"),
        ],
    )
    def test_that_do_not_fit_the_database_are_named(
        self, database: Database, connect: Opener, table: dict[str, object], sign: str
    ) -> None:
        database.run("create table t (k text primary key, name text, flag boolean); create table keyless (a text)")
        opened = connect(database.settings({"s": table}))

        with pytest.raises(ConfigError, match=sign):
            opened.streams()
        with pytest.raises(ConfigError, match=r"tables\.s"):
            opened.read("s", None, 10)

    def test_say_what_the_database_enforces(self, database: Database, connect: Opener) -> None:
        database.run(
            "create table nat (k text primary key);"
            "create table two (a text, b text, primary key (a, b));"
            "create table gen (id integer primary key generated by default as identity, ref text unique, note text)"
            if database.name == "postgresql"
            else "create table nat (k text primary key);"
            "create table two (a text, b text, primary key (a, b));"
            "create table gen (id integer primary key, ref text unique, note text)"
        )
        opened = connect(
            database.settings(
                {
                    "nat": {},
                    "own": {"table": "nat", "external_id": "k"},
                    "two": {},
                    "gen": {},
                    "ref": {"table": "gen", "external_id": "ref"},
                    "note": {"table": "gen", "external_id": "note"},
                }
            )
        )

        creates = {stream.name: stream.capabilities.create for stream in opened.streams()}
        told = {
            name: (c.conditional is not None, c.external_id and (c.external_id.field, c.external_id.unique))
            for name, c in creates.items()
            if c
        }

        assert told == {
            "nat": (True, None),
            "own": (True, ("k", True)),
            "two": (True, None),
            "gen": (False, None),
            "ref": (True, ("ref", True)),
            "note": (False, ("note", False)),
        }
