"""Changes that hold only as long as nobody else changed the record first."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql.column import Column, Kind
from connectors.sql.rounds import rounds
from hub.sdk import Answer, Change, Operation
from tests.connectors.sql.acts import Opener, answers, apply, delete, records, update
from tests.connectors.sql.databases import Database, PostgresSchema

GOODS = "create table goods (sku varchar(8) primary key, name varchar(20) not null, stock integer check (stock >= 0))"


class TestConditions:
    VERSIONED = "create table t (k text primary key, n integer, m text, rev integer not null default 1)"
    STEP = {"t": {"version": {"column": "rev", "step": 1}, "columns": ["n", "m"]}}

    def test_a_stale_version_is_a_conflict_that_shows_what_is_there(self, database: Database, connect: Opener) -> None:
        database.run(self.VERSIONED + "; insert into t values ('a', 1, 'x', 7), ('b', 1, 'x', 2)")
        opened = connect(database.settings(self.STEP))

        stale, good = apply(opened, "t", update("a", version="6", n=2), update("b", version="2", n=2))

        assert (stale.answer, stale.version, stale.image) == (Answer.CONFLICT, "7", {"k": "a", "n": 1, "m": "x"})
        assert (good.answer, good.version) == (Answer.APPLIED, "3")
        assert database.rows("select n, rev from t order by k") == [(1, 7), (2, 3)]

    def test_a_stale_version_that_says_the_same_is_adopted(self, database: Database, connect: Opener) -> None:
        database.run(self.VERSIONED + "; insert into t values ('a', 1, 'x', 7)")
        opened = connect(database.settings(self.STEP))

        [outcome] = apply(opened, "t", update("a", version="6", n=1))

        assert (outcome.answer, outcome.version) == (Answer.UNCHANGED, "7")

    def test_a_version_that_the_database_raises_comes_back(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run(
            "create table t (k text primary key, n integer, at timestamptz default clock_timestamp());"
            "create function touch() returns trigger language plpgsql as $$"
            " begin new.at := clock_timestamp(); return new; end $$;"
            "create trigger touch before update on t for each row execute function touch();"
            "insert into t (k, n) values ('a', 1)"
        )
        opened = connect(postgres.settings({"t": {"version": "at"}}))
        [record] = records(opened, "t")

        [first] = apply(opened, "t", update("a", version=record.version, n=2))
        [second] = apply(opened, "t", update("a", version=first.version, n=3))
        [stale] = apply(opened, "t", update("a", version=first.version, n=4))

        assert [o.answer for o in (first, second, stale)] == [Answer.APPLIED, Answer.APPLIED, Answer.CONFLICT]

    def test_without_a_version_the_old_values_of_what_is_sent_decide(self, database: Database, connect: Opener) -> None:
        database.run("create table t (k text primary key, n decimal(8,2), m text)")
        database.run("insert into t values ('a', 1.5, 'edited'), ('b', 9, null)")
        opened = connect(database.settings())
        before = {"k": "a", "n": Decimal("1.50"), "m": "as known"}

        mine, theirs = apply(
            opened, "t", update("a", before=before, n=2), update("b", before={"n": 8, "m": None}, n=2, m="x")
        )
        [text] = apply(opened, "t", replace(update("a", before=before, m="new"), id="m"))

        assert mine.answer is Answer.APPLIED  # somebody edited m, and only n is sent
        assert (theirs.answer, theirs.image) == (Answer.CONFLICT, {"k": "b", "n": Decimal("9.00"), "m": None})
        assert text.answer is Answer.CONFLICT

    def test_a_delete_of_something_edited_is_a_conflict(self, database: Database, connect: Opener) -> None:
        database.run(self.VERSIONED + "; insert into t values ('a', 1, 'x', 7), ('b', 1, 'x', 7), ('c', 1, 'x', 7)")
        by_version = connect(database.settings(self.STEP))
        by_value = connect(database.settings({"t": {"columns": ["n", "m"]}}))

        assert answers(by_version, "t", delete("a", version="6"), delete("b", version="7")) == ["conflict", "applied"]
        assert answers(by_value, "t", delete("a", before={"n": 2}), delete("c", before={"n": 1})) == [
            "conflict",
            "applied",
        ]
        assert database.rows("select k from t") == [("a",)]

    def test_a_delete_of_nothing_is_unchanged(self, database: Database, connect: Opener) -> None:
        database.run(self.VERSIONED)
        opened = connect(database.settings(self.STEP))

        assert answers(opened, "t", delete("a", version="6")) == [Answer.UNCHANGED]

    def test_two_writers_with_one_version_make_one_conflict(self, postgres: PostgresSchema, connect: Opener) -> None:
        """The second waits for the first one's lock, and then sees what it wrote."""
        postgres.run(self.VERSIONED + "; insert into t values ('a', 1, 'x', 7)")
        opened = connect(postgres.settings(self.STEP))
        other = postgres.connect()
        other.execute("update t set n = 99, rev = 8 where k = 'a'")

        outcomes = opened.apply("t", [update("a", version="7", n=2)])
        threading.Timer(0.3, other.commit).start()
        [outcome] = outcomes
        other.close()

        assert (outcome.answer, outcome.version) == (Answer.CONFLICT, "8")
        assert postgres.rows("select n from t") == [(99,)]


class TestRounds:
    @given(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, "1", "2"])), max_size=30), st.integers(1, 7)
    )
    def test_keep_the_order_and_never_hold_a_record_twice(
        self, names: list[tuple[str, str | None]], limit: int
    ) -> None:
        changes = [
            Change(str(n), Operation.UPDATE if key else Operation.CREATE, reference, key=key)
            for n, (reference, key) in enumerate(names)
        ]

        batches = list(rounds(changes, limit))

        assert [change for batch in batches for change in batch] == changes
        for batch in batches:
            assert 1 <= len(batch) <= limit
            assert len({change.external_id for change in batch}) == len(batch)
            keys = [change.key for change in batch if change.key]
            assert len(set(keys)) == len(keys)


class TestSameness:
    @pytest.mark.parametrize(
        ("column", "stored", "wanted", "same"),
        [
            (Column("m", Kind.DECIMAL, scale=2), Decimal("1.50"), Decimal("1.5"), True),
            (Column("m", Kind.DECIMAL, scale=2), Decimal("1.50"), "1.5", True),
            (Column("m", Kind.DECIMAL, scale=2), Decimal("1.50"), 1.5, True),
            (Column("m", Kind.DECIMAL), Decimal("1.50"), Decimal("1.51"), False),
            (Column("m", Kind.DECIMAL), Decimal("1.50"), "much", False),
            (Column("i", Kind.INTEGER), 5, "5", True),
            (Column("s", Kind.STRING), "5", 5, True),
            (Column("s", Kind.STRING), "5", None, False),
            (Column("s", Kind.STRING), None, None, True),
            (Column("s", Kind.STRING), None, "", False),
            (Column("s", Kind.STRING, padded=True), "ab", "ab   ", True),
            (Column("d", Kind.DATE), date(2026, 1, 2), "2026-01-02", True),
            (Column("t", Kind.DATETIME), datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T01:00:00+01:00", True),
            (Column("t", Kind.DATETIME), datetime(2026, 1, 2, tzinfo=UTC), datetime.fromisoformat("2026-01-02"), False),
            (Column("j", Kind.JSON), {"a": Decimal("1.1")}, {"a": 1.1}, True),
            (Column("j", Kind.JSON), "text", "text", True),
            (Column("a", Kind.ARRAY), ["a", None], ["a", None], True),
            (Column("b", Kind.BOOLEAN), True, 1, True),
        ],
    )
    def test_is_judged_by_the_column(self, column: Column, stored: Any, wanted: Any, *, same: bool) -> None:
        assert column.same(stored, wanted) is same
