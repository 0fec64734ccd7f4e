"""How many statements a batch takes, and that what they give back is what the rows say."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from connectors.sql.connection import SqlConnection
from hub.sdk import Answer, Operation
from tests.connectors.sql.acts import Opener, answers, apply, create, update
from tests.connectors.sql.databases import Database, PostgresSchema

GOODS = "create table goods (sku varchar(8) primary key, name varchar(20) not null, stock integer default 7)"


@contextmanager
def counted(opened: SqlConnection) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []
    opened.read("goods", None, 1)  # what it must ask about the table first is asked by now

    def note(_: object, __: object, statement: str, *___: object) -> None:
        sent.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)


class TestCreates:
    def test_take_one_statement(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        opened = connect(database.settings())

        with counted(opened) as sent:
            outcomes = apply(opened, "goods", *(create(f"x{n}", sku=f"S{n}", name=f"N {n}") for n in range(400)))

        assert len([text for text in sent if not text.startswith("BEGIN")]) == 1
        assert outcomes[3].image == {"sku": "S3", "name": "N 3", "stock": 7}

    def test_find_those_that_are_there_already(self, database: Database, connect: Opener) -> None:
        database.run(GOODS + "; insert into goods values ('S1', 'One', 7), ('S2', 'Two', 2)")
        opened = connect(database.settings())

        found = apply(opened, "goods", *(create(f"x{n}", sku=f"S{n}", name="One", stock=7) for n in range(4)))

        expected = [Answer.APPLIED, Answer.UNCHANGED, Answer.REFUSED, Answer.APPLIED]
        assert [outcome.answer for outcome in found] == expected
        assert found[2].image == {"sku": "S2", "name": "Two", "stock": 2}

    def test_of_one_reference_are_found_again_where_the_database_gives_the_key(
        self, database: Database, connect: Opener
    ) -> None:
        number = "integer primary key" if database.name == "sqlite" else "serial primary key"
        database.run(f"create table t (id {number}, ref text unique, note text)")
        opened = connect(database.settings({"t": {"external_id": "ref"}}))
        first = apply(opened, "t", create("b", note="x"), create("a", note="y"))

        again = apply(opened, "t", create("a", note="y"), create("c", note="z"), create("b", note="other"))

        assert [outcome.answer for outcome in again] == [Answer.UNCHANGED, Answer.APPLIED, Answer.REFUSED]
        assert (again[0].key, again[2].key) == (first[1].key, first[0].key)

    def test_show_what_a_trigger_made_of_them_afterwards(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        database.run(
            "create trigger later after insert on goods begin update goods set stock = 99 where sku = new.sku; end"
            if database.name == "sqlite"
            else "create function later() returns trigger language plpgsql as $$ begin"
            " execute format('update %I.goods set stock = 99 where sku = $1', tg_table_schema) using new.sku;"
            " return new; end $$;"
            "create trigger later after insert on goods for each row execute function later()"
        )
        opened = connect(database.settings())

        found = apply(opened, "goods", create("a", sku="A", name="a"), create("b", sku="B", name="b"))

        assert [outcome.image["stock"] for outcome in found if outcome.image] == [99, 99]

    def test_are_written_once_where_a_trigger_gives_another_key(
        self, postgres: PostgresSchema, connect: Opener
    ) -> None:
        postgres.run(
            GOODS + "; create function other() returns trigger language plpgsql as $$ begin"
            " new.sku := new.sku || 'x'; return new; end $$;"
            "create trigger other before insert on goods for each row execute function other()"
        )
        opened = connect(postgres.settings())

        found = answers(opened, "goods", create("a", sku="A", name="a"), create("b", sku="B", name="b"))

        assert set(found) == {Answer.APPLIED}
        assert postgres.rows("select sku from goods order by sku") == [("Ax",), ("Bx",)]

    @pytest.mark.parametrize("kind", ["deferrable initially deferred", "deferrable"])
    def test_are_found_again_under_a_key_that_is_checked_late(
        self, postgres: PostgresSchema, connect: Opener, kind: str
    ) -> None:
        postgres.run(f"create table t (k text primary key {kind}, v text)")
        opened = connect(postgres.settings())
        both = [create("a", k="a", v="x"), create("b", k="b", v="y")]

        assert answers(opened, "t", *both) == [Answer.APPLIED, Answer.APPLIED]
        assert answers(opened, "t", *both) == [Answer.UNCHANGED, Answer.UNCHANGED]

    def test_of_a_table_with_a_rule_are_written(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run(
            GOODS + "; create table log (sku text);"
            "create rule noted as on insert to goods do also insert into log values (new.sku)"
        )
        opened = connect(postgres.settings())

        found = answers(opened, "goods", create("a", sku="A", name="a"), create("b", sku="B", name="b"))

        assert set(found) == {Answer.APPLIED}


class TestUpdates:
    def test_take_a_look_and_one_statement_on_postgresql(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run(GOODS + "; insert into goods select 'S' || n, 'old' from generate_series(0, 99) n")
        opened = connect(postgres.settings())

        with counted(opened) as sent:
            found = apply(opened, "goods", *(update(f"S{n}", name="new") for n in range(100)))

        assert len(sent) == 2
        assert found[3].image == {"sku": "S3", "name": "new", "stock": 7}

    def test_of_a_row_with_a_date_beyond_the_calendar_are_applied(
        self, postgres: PostgresSchema, connect: Opener
    ) -> None:
        postgres.run(
            "create table t (k text primary key, v text, d date);"
            "insert into t values ('a', 'x', 'infinity'), ('b', 'x', null)"
        )
        opened = connect(postgres.settings())

        found = apply(opened, "t", update("a", v="y"), update("b", v="y"))

        assert [outcome.answer for outcome in found] == [Answer.APPLIED, Answer.APPLIED]
        assert found[0].image == {"k": "a", "v": "y", "d": "infinity"}


def test_a_create_and_an_update_of_one_batch_keep_their_own_answers(database: Database, connect: Opener) -> None:
    database.run(GOODS + "; insert into goods values ('S1', 'One', 7)")
    opened = connect(database.settings())
    changes = [update("S1", name="Uno"), create("x", sku="S2", name="Two"), update("S9", name="Nine")]

    found = apply(opened, "goods", *changes)

    assert [change.operation for change in changes] == [Operation.UPDATE, Operation.CREATE, Operation.UPDATE]
    assert [outcome.answer for outcome in found] == [Answer.APPLIED, Answer.APPLIED, Answer.MISSING]
