"""What the database refuses, said of one record while the others are written."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from hub.sdk import Answer, Fields
from tests.connectors.sql.acts import Opener, apply, create, update
from tests.connectors.sql.databases import Database, PostgresSchema, SqliteFile

GOODS = "create table goods (sku varchar(8) primary key, name varchar(20) not null, stock integer check (stock >= 0))"


class TestRefusals:
    BAD: Mapping[str, Fields] = {
        "not-null": {"name": None},
        "check": {"stock": -1},
        "unknown-field": {"colour": "red"},
    }

    def test_leave_every_other_record_applied(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        opened = connect(database.settings())
        good = [create(f"g{n}", sku=f"G{n}", name="ok", stock=1) for n in range(40)]
        bad = [
            create(code, **{"sku": f"B{n}", "name": "x", "stock": 1} | dict(fields))
            for n, (code, fields) in enumerate(self.BAD.items())
        ]

        outcomes = apply(opened, "goods", *good[:10], bad[0], *good[10:11], bad[1], *good[11:], bad[2])

        refused = {outcome.code: outcome for outcome in outcomes if outcome.answer is Answer.REFUSED}
        assert set(refused) == set(self.BAD)
        assert {outcome.change_id for outcome in refused.values()} == {f"c-{code}" for code in self.BAD}
        assert all(outcome.message for outcome in refused.values())
        assert database.rows("select count(*) from goods") == [(40,)]

    def test_of_updates_leave_every_other_record_applied(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        opened = connect(database.settings())
        apply(opened, "goods", *(create(f"g{n}", sku=f"G{n}", name="ok", stock=1) for n in range(30)))

        outcomes = apply(
            opened,
            "goods",
            *(update(f"G{n}", stock=n) for n in range(10)),
            update("G10", stock=-5),
            *(update(f"G{n}", name="new") for n in range(11, 30)),
        )

        assert [outcome.answer for outcome in outcomes].count(Answer.REFUSED) == 1
        assert (outcomes[10].code, outcomes[10].key) == ("check", "G10")
        assert database.rows("select stock from goods where sku in ('G0', 'G9', 'G10') order by sku") == [
            (0,),
            (1,),
            (9,),
        ]
        assert database.rows("select count(*) from goods where name = 'new'") == [(19,)]

    def test_leave_the_others_their_new_keys(self, database: Database, connect: Opener) -> None:
        number = "integer primary key" if database.name == "sqlite" else "serial primary key"
        database.run(f"create table t (id {number}, n integer check (n > 0), note text)")
        opened = connect(database.settings())

        outcomes = apply(opened, "t", *(create(f"x{n}", n=n if n != 5 else -1, note=f"x{n}") for n in range(1, 10)))

        stored = {note: str(key) for key, note in database.rows("select id, note from t")}
        assert {o.change_id: o.key for o in outcomes if o.answer is Answer.APPLIED} == {
            f"c-{note}": key for note, key in stored.items()
        }
        assert [o.image["note"] for o in outcomes if o.image] == [f"x{n}" for n in (1, 2, 3, 4, 6, 7, 8, 9)]
        assert (outcomes[4].answer, outcomes[4].code) == (Answer.REFUSED, "check")

    def test_say_what_the_database_said(self, database: Database, connect: Opener) -> None:
        database.run(
            GOODS + "; create table lines (id integer primary key, sku varchar(8) references goods, ean text unique);"
            "insert into goods values ('S1', 'A', 1); insert into lines values (1, 'S1', 'e1')"
        )
        opened = connect(database.settings())

        unique, orphan = apply(opened, "lines", create("a", id=2, ean="e1"), create("b", id=3, sku="gone"))

        assert (unique.answer, unique.code) == (Answer.REFUSED, "unique")
        assert (orphan.answer, orphan.code) == (Answer.REFUSED, "foreign-key")
        assert "unique" in unique.message.lower()
        assert "foreign key" in orphan.message.lower()

    def test_never_carry_the_values_of_another_record_or_column(
        self, postgres: PostgresSchema, connect: Opener
    ) -> None:
        postgres.run(
            "create table t (k text primary key, n integer check (n > 0), salary text default 'secret-salary');"
            "insert into t (k, n) values ('a', 1), ('b', 1)"
        )
        opened = connect(postgres.settings({"t": {"columns": ["n"]}}))

        bad, other = apply(opened, "t", update("a", n=-77), create("other-key", k="other-key", n=-88))

        for outcome in (bad, other):
            assert outcome.answer is Answer.REFUSED
            assert "secret-salary" not in repr(outcome)
        assert "other-key" not in bad.message
        assert "-77" not in other.message

    @pytest.mark.parametrize(
        ("column", "value", "code"),
        [
            ("varchar(3)", "much too long", "too-long"),
            ("char(3)", "much too long", "too-long"),
            ("smallint", 70_000, "range"),
            ("integer", "many", "type"),
            ("numeric(4,2)", Decimal("1234.5"), "range"),
            ("date", "yesterday", "type"),
            ("date", "2026-02-30", "type"),
            ("boolean", "perhaps", "type"),
            ("uuid", "no uuid", "type"),
            ("mood", "furious", "type"),
            ("text", "a\0b", "type"),
            ("text", "\ud800", "type"),
            ("text", {"a": 1}, "type"),
            ("text", ["a"], "type"),
            ("bytea", "not base 64!", "type"),
            ("jsonb", float("nan"), "type"),
        ],
    )
    def test_on_postgresql_name_what_is_wrong(
        self, postgres: PostgresSchema, connect: Opener, column: str, value: Any, code: str
    ) -> None:
        postgres.run(f"create type mood as enum ('sad'); create table t (k text primary key, v {column})")
        opened = connect(postgres.settings())

        bad, good = apply(opened, "t", create("a", k="a", v=value), create("b", k="b", v=None))

        assert (bad.answer, bad.code) == (Answer.REFUSED, code)
        assert bad.message
        assert good.answer is Answer.APPLIED

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("integer", "many"),
            ("integer", 2**63),
            ("integer", Decimal("1.5")),
            ("decimal(30,2)", Decimal("12345678901234567.89")),
            ("decimal(8,2)", Decimal("NaN")),
            ("date", "yesterday"),
            ("date", datetime.fromisoformat("2026-01-01 10:00")),
            ("timestamp", "soon"),
            ("boolean", "perhaps"),
            ("text", "\ud800"),
            ("text", {"a": 1}),
            ("blob", "not base 64!"),
            ("float", float("inf")),
        ],
    )
    def test_on_sqlite_are_made_here_because_it_takes_anything(
        self, sqlite: SqliteFile, connect: Opener, column: str, value: Any
    ) -> None:
        sqlite.run(f"create table t (k text primary key, v {column})")
        opened = connect(sqlite.settings())

        bad, good = apply(opened, "t", create("a", k="a", v=value), create("b", k="b", v=None))

        assert (bad.answer, bad.code) == (Answer.REFUSED, "type")
        assert bad.message.startswith("v: ")
        assert good.answer is Answer.APPLIED

    def test_by_a_trigger_carry_its_words(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        database.run(
            "create trigger closed before update on goods when new.stock = 13 begin"
            " select raise(abort, 'period closed'); end"
            if database.name == "sqlite"
            else "create function closed() returns trigger language plpgsql as $$ begin"
            " if new.stock = 13 then raise exception 'period closed'; end if; return new; end $$;"
            "create trigger closed before update on goods for each row execute function closed()"
        )
        opened = connect(database.settings())
        apply(opened, "goods", create("a", sku="A", name="a"), create("b", sku="B", name="b"))

        bad, good = apply(opened, "goods", update("A", stock=13), update("B", stock=14))

        assert (bad.answer, bad.message) == (Answer.REFUSED, "period closed")
        assert good.answer is Answer.APPLIED

    def test_at_commit_find_the_one_record(self, database: Database, connect: Opener) -> None:
        """A deferred constraint is checked only when everything is written."""
        database.run(
            "create table parent (k text primary key); insert into parent values ('p');"
            "create table child (k text primary key, p text references parent deferrable initially deferred)"
        )
        opened = connect(database.settings())
        changes = [create(f"x{n}", k=f"c{n}", p="gone" if n == 5 else "p") for n in range(9)]

        outcomes = apply(opened, "child", *changes)

        assert [outcome.answer for outcome in outcomes].count(Answer.APPLIED) == 8
        assert (outcomes[5].answer, outcomes[5].code) == (Answer.REFUSED, "foreign-key")
        assert database.rows("select count(*) from child") == [(8,)]

    def test_of_a_statement_that_a_trigger_swallows(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run(
            GOODS + "; create function swallow() returns trigger language plpgsql as $$ begin"
            " if new.name = 'ghost' then return null; end if; return new; end $$;"
            "create trigger swallow before insert on goods for each row execute function swallow()"
        )
        opened = connect(postgres.settings())

        ghost, good = apply(opened, "goods", create("a", sku="A", name="ghost"), create("b", sku="B", name="b"))

        assert (ghost.answer, ghost.code) == (Answer.REFUSED, "ignored")
        assert good.answer is Answer.APPLIED
