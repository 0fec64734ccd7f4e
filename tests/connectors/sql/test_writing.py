"""Writing changes: what is applied, what is refused and why, and what somebody else changed first."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql.column import Column, Kind
from connectors.sql.rounds import rounds
from hub.sdk import Answer, Change, Fields, Operation
from tests.connectors.sql.acts import Opener, answers, apply, create, delete, records, update
from tests.connectors.sql.databases import Database, PostgresSchema, SqliteFile

GOODS = "create table goods (sku varchar(8) primary key, name varchar(20) not null, stock integer check (stock >= 0))"


class TestCreate:
    def test_inserts_a_whole_batch(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        opened = connect(database.settings())
        changes = [create(f"x{n}", sku=f"S{n}", name=f"N {n}", stock=n) for n in range(1200)]

        outcomes = apply(opened, "goods", *changes)

        assert {outcome.answer for outcome in outcomes} == {Answer.APPLIED}
        assert outcomes[7].key == "S7"
        assert outcomes[7].image == {"sku": "S7", "name": "N 7", "stock": 7}
        assert database.rows("select count(*), sum(stock) from goods") == [(1200, 1200 * 1199 // 2)]

    def test_takes_the_key_from_the_source_when_the_fields_have_none(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        opened = connect(database.settings({"goods": {"external_id": "sku"}}))

        [outcome] = apply(opened, "goods", create("S1", name="A"))

        assert outcome.key == "S1"
        assert [(e, r.key) for e, r in opened.find("goods", ["S1", "S2"])] == [("S1", "S1")]

    def test_is_refused_when_the_declared_reference_is_mapped_to_something_else(
        self, database: Database, connect: Opener
    ) -> None:
        database.run(GOODS)
        opened = connect(database.settings({"goods": {"external_id": "sku"}}))

        [outcome] = apply(opened, "goods", create("S1", sku="other", name="A"))

        assert (outcome.answer, outcome.code) == (Answer.REFUSED, "key")

    def test_returns_the_key_that_the_database_gives(self, database: Database, connect: Opener) -> None:
        number = "integer primary key" if database.name == "sqlite" else "serial primary key"
        database.run(f"create table t (id {number}, ref text unique, note text); insert into t (note) values ('first')")
        plain, by_ref = connect(database.settings()), connect(database.settings({"t": {"external_id": "ref"}}))

        one, two = apply(plain, "t", create("a", note="x"), create("b", note="y"))
        three, four = apply(by_ref, "t", create("c", note="x"), create("d", note="y"))

        assert [outcome.key for outcome in (one, two, three, four)] == ["2", "3", "4", "5"]
        assert four.image == {"id": 5, "ref": "d", "note": "y"}
        assert [(e, r.key) for e, r in by_ref.find("t", ["d", "c", "b"])] == [("c", "4"), ("d", "5")]

    def test_of_a_record_that_is_there_already_and_equal_changes_nothing(
        self, database: Database, connect: Opener
    ) -> None:
        """A resent create must not become a second record, nor a false alarm."""
        database.run("create table t (k text primary key, price decimal(8,2), day date, at timestamp, note text)")
        opened = connect(database.settings())
        change = create(
            "a",
            k="a",
            price=Decimal("1.5"),
            day=date(2026, 1, 2),
            at=datetime.fromisoformat("2026-01-02 03:04"),
            note=None,
        )

        first, again = apply(opened, "t", change), apply(opened, "t", change)

        assert [outcome.answer for outcome in (*first, *again)] == [Answer.APPLIED, Answer.UNCHANGED]
        assert again[0].key == "a"

    def test_of_a_record_that_is_there_already_and_differs_is_refused(
        self, database: Database, connect: Opener
    ) -> None:
        database.run(GOODS + "; insert into goods values ('S1', 'Old', 4)")
        opened = connect(database.settings())

        new, taken = apply(opened, "goods", create("b", sku="S2", name="B"), create("a", sku="S1", name="New"))

        assert new.answer is Answer.APPLIED
        assert (taken.answer, taken.code, taken.key) == (Answer.REFUSED, "exists", "S1")
        assert taken.image == {"sku": "S1", "name": "Old", "stock": 4}
        assert database.rows("select name from goods order by sku") == [("Old",), ("B",)]

    def test_without_a_key_is_refused(self, database: Database, connect: Opener) -> None:
        database.run("create table t (a text, b text, primary key (a, b))")
        opened = connect(database.settings())

        [outcome] = apply(opened, "t", create("x", a="1"))

        assert (outcome.answer, outcome.code) == (Answer.REFUSED, "no-key")

    def test_twice_in_one_call_of_the_same_record_is_written_once(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        opened = connect(database.settings())
        change = create("x", sku="S1", name="A")

        first, second = apply(opened, "goods", change, replace(change, id="again"))

        assert (first.answer, second.answer) == (Answer.APPLIED, Answer.UNCHANGED)


class TestCompositeKeys:
    TABLE = "create table t (a varchar(9), n integer, d date, v text, primary key (a, n, d))"

    def test_work_for_everything(self, database: Database, connect: Opener) -> None:
        database.run(self.TABLE)
        opened = connect(database.settings())
        days = [date(2026, 1, day) for day in range(1, 8)]

        created = apply(opened, "t", *(create(str(d), a='x,"y', n=d.day, d=d, v="old") for d in days))
        names = [outcome.key or "" for outcome in created]
        changed = answers(opened, "t", update(names[0], v="new"), *(update(name, v="other") for name in names[1:3]))
        gone = answers(opened, "t", delete(names[3]), delete(names[4]))

        assert names[0] == '["x,\\"y","1","2026-01-01"]'
        assert set(changed) | set(gone) == {Answer.APPLIED}
        assert [r.data["v"] for r in opened.fetch("t", names)] == ["new", "other", "other", "old", "old"]
        assert answers(opened, "t", create("again", a='x,"y', n=1, d="2026-01-01", v="new")) == [Answer.UNCHANGED]

    def test_are_read_back_page_by_page(self, database: Database, connect: Opener) -> None:
        database.run(self.TABLE)
        for n in range(9):
            database.rows("insert into t values (?, ?, '2026-01-02', null)", ("ab"[n % 2], n))

        found = records(connect(database.settings()), "t", limit=2)

        assert [(r.data["a"], r.data["n"]) for r in found] == sorted(("ab"[n % 2], n) for n in range(9))


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


class TestUpdate:
    def test_is_unchanged_when_it_was_already_so(self, database: Database, connect: Opener) -> None:
        database.run(GOODS + "; insert into goods values ('S1', 'A', 1)")
        opened = connect(database.settings())

        assert answers(opened, "goods", update("S1", name="A", stock=1)) == [Answer.UNCHANGED]

    def test_of_nothing_is_missing(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        opened = connect(database.settings())

        assert answers(opened, "goods", update("S1", name="A")) == [Answer.MISSING]

    def test_never_changes_a_key(self, database: Database, connect: Opener) -> None:
        database.run(GOODS + "; insert into goods values ('S1', 'A', 1)")
        opened = connect(database.settings())

        same, other = apply(opened, "goods", update("S1", sku="S1", stock=5), replace(update("S1", sku="S2"), id="2"))

        assert (same.answer, other.answer, other.code) == (Answer.APPLIED, Answer.REFUSED, "key")

    def test_returns_what_the_database_made_of_it(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run(
            "create table t (k text primary key, m numeric(8,2), c char(4)); insert into t values ('a', 1, 'x')"
        )
        opened = connect(postgres.settings())
        change = update("a", m=Decimal("2.005"), c="y")

        [outcome] = apply(opened, "t", change)

        assert outcome.image == {"k": "a", "m": Decimal("2.01"), "c": "y"}
        assert answers(opened, "t", change) == [Answer.UNCHANGED]

    def test_writes_each_kind_of_value_so_that_it_reads_the_same(
        self, postgres: PostgresSchema, connect: Opener
    ) -> None:
        postgres.run(
            "create table t (k text primary key, i bigint, m numeric, f float8, b boolean, d date, at timestamptz,"
            " j jsonb, u uuid, r bytea, a integer[], ip inet, iv interval, s smallint, c char(5));"
            "insert into t (k) values ('a'), ('b'), ('c')"
        )
        opened = connect(postgres.settings())
        fields: dict[str, Any] = {
            "i": 2**62,
            "m": Decimal("0.1000000000000000000001"),
            "f": 0.1,
            "b": False,
            "d": date(2026, 1, 2),
            "at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
            "j": {"x": [Decimal("1.10"), None, "Ł"]},
            "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "r": "aGk=",
            "ip": "10.0.0.1",
            "iv": "1 day",
            "s": 7,
            "c": "ab",
        }

        one = apply(opened, "t", update("a", **fields, a=[1, 2]))
        many = apply(opened, "t", update("b", **fields), update("c", **fields))

        assert {outcome.answer for outcome in (*one, *many)} == {Answer.APPLIED}
        assert one[0].image == {"k": "a", **fields, "a": [1, 2], "ip": "10.0.0.1/32"}
        assert [dict(r.data) for r in records(opened, "t")][1:] == [
            {"k": k, **fields, "a": None, "ip": "10.0.0.1/32"} for k in "bc"
        ]
        assert answers(opened, "t", update("a", **{**fields, "ip": "10.0.0.1/32"})) == [Answer.UNCHANGED]


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
