"""Writing changes: what is applied, what is refused and why, and what somebody else changed first."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hub.sdk import Answer
from tests.connectors.sql.acts import Opener, answers, apply, create, delete, records, update
from tests.connectors.sql.databases import Database, PostgresSchema

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
