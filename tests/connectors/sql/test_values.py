"""What stored values become, and the text forms of keys."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql.column import Column, Kind
from connectors.sql.keys import key_text, key_values
from tests.connectors.sql.acts import Opener, apply, keys, records, update
from tests.connectors.sql.databases import Database, PostgresSchema, SqliteFile


class TestValues:
    def test_arrive_as_plain_values_from_postgresql(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run(
            """
            create type mood as enum ('sad', 'happy');
            create table t (
              id bigint primary key, money numeric(12,2), free numeric, rate double precision, code char(6),
              name varchar(20), flag boolean, day date, at timestamptz, local timestamp, span interval, clock time,
              body jsonb, raw bytea, ref uuid, feeling mood, tags text[], address inet
            );
            insert into t values (9007199254740993, 1234567890.5, 0.1, 0.25, 'AB', 'Ł', true, '2026-02-28',
              '2026-03-29 01:30:00+01', '2026-03-29 02:30:00', '1 mon 2 days', '12:30',
              '{"price": 1.10, "n": [1, null]}', 'hi', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
              'happy', '{a,NULL}', '10.0.0.1/8')
            """
        )
        opened = connect(postgres.settings())

        [record] = records(opened, "t")
        kinds = {field.name: field.kind for field in opened.streams()[0].fields}

        assert dict(record.data) == {
            "id": 9007199254740993,
            "money": Decimal("1234567890.50"),
            "free": Decimal("0.1"),
            "rate": 0.25,
            "code": "AB",
            "name": "Ł",
            "flag": True,
            "day": date(2026, 2, 28),
            "at": datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
            "local": datetime.fromisoformat("2026-03-29 02:30"),
            "span": "1 mon 2 days",
            "clock": "12:30:00",
            "body": {"price": Decimal("1.10"), "n": [1, None]},
            "raw": "aGk=",
            "ref": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "feeling": "happy",
            "tags": ["a", None],
            "address": "10.0.0.1/8",
        }
        assert kinds == {
            "id": "integer",
            "money": "decimal",
            "free": "decimal",
            "rate": "number",
            "code": "string",
            "name": "string",
            "flag": "boolean",
            "day": "date",
            "at": "datetime",
            "local": "datetime",
            "span": "string",
            "clock": "string",
            "body": "object",
            "raw": "string",
            "ref": "string",
            "feeling": "string",
            "tags": "array",
            "address": "string",
        }

    def test_arrive_as_plain_values_from_sqlite(self, sqlite: SqliteFile, connect: Opener) -> None:
        sqlite.run(
            "create table t"
            " (id integer primary key, money decimal(12,2), flag boolean, day date, at timestamp, raw blob);"
            "insert into t values (1, 0.1, 1, '2026-02-28', '2026-03-29 01:30:00', x'6869')"
        )

        [record] = records(connect(sqlite.settings()), "t")

        assert dict(record.data) == {
            "id": 1,
            "money": Decimal("0.10"),
            "flag": True,
            "day": date(2026, 2, 28),
            "at": datetime.fromisoformat("2026-03-29 01:30"),
            "raw": "aGk=",
        }

    def test_of_blank_padded_keys_lose_their_blanks_and_are_found_again(
        self, postgres: PostgresSchema, connect: Opener
    ) -> None:
        postgres.run("create table t (k char(10) primary key, n integer); insert into t values ('A 1', 1), ('B', 2)")
        opened = connect(postgres.settings())

        [outcome] = apply(opened, "t", update("A 1", n=5))

        assert keys(opened, "t", limit=1) == ["A 1", "B"]
        assert [record.key for record in opened.fetch("t", ["B", "A 1", "C"])] == ["A 1", "B"]
        assert outcome.image == {"k": "A 1", "n": 5}


class TestKeys:
    COLUMNS = (
        Column("s", Kind.STRING),
        Column("i", Kind.INTEGER),
        Column("m", Kind.DECIMAL),
        Column("d", Kind.DATE),
        Column("b", Kind.BOOLEAN),
    )

    @given(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        st.integers(-(2**63), 2**63 - 1),
        st.decimals(allow_nan=False, allow_infinity=False, places=4),
        st.dates(),
        st.booleans(),
    )
    def test_of_several_columns_come_back_as_they_were(self, s: str, i: int, m: Decimal, d: date, b: bool) -> None:
        text = key_text(self.COLUMNS, (s, i, m, d, b))

        assert key_values(self.COLUMNS, text) == (s, i, m, d, b)

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
    def test_of_one_text_column_are_that_text(self, text: str) -> None:
        column = (Column("s", Kind.STRING),)

        assert key_text(column, (text,)) == text
        assert key_values(column, text) == (text,)

    @pytest.mark.parametrize("kind", [Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.BOOLEAN, Kind.UUID, Kind.DATETIME])
    @pytest.mark.parametrize("text", ["", "x", "007", "1e5", " 1", "１", "99999999999999999999999999999999", "NaN"])
    def test_that_no_row_can_have_are_no_key(self, kind: Kind, text: str) -> None:
        column = (Column("k", kind),)
        values = key_values(column, text)

        assert values is None or key_text(column, values) == text

    @pytest.mark.parametrize("key", ["abc", "007", "1\0", "\ud800", "99999999999999999999", '["1"]', ""])
    def test_of_any_shape_can_be_asked_for(self, database: Database, connect: Opener, key: str) -> None:
        database.run("create table n (k integer primary key); create table s (k varchar(5) primary key)")
        database.run("insert into n values (7); insert into s values ('x')")
        opened = connect(database.settings())

        assert [record.key for record in opened.fetch("n", [key, "7"])] == ["7"]
        assert [record.key for record in opened.fetch("s", [key, "x"])] == ["x"]
