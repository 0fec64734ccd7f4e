"""One mapping in both directions between two real databases of the kind the hub itself uses, laid out differently."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from connectors.sql import CONNECTOR
from connectors.sql.connection import SqlConnection
from hub import registry
from hub.models import Direction, Mapping, ReconciliationException, RunState, SyncRun, Trigger
from hub.sdk import Connector, Settings
from hub.services import run as runs
from tests.connectors.sql.databases import DATABASES, Database
from tests.factories import ConnectionFactory, IntegrationFactory
from tests.hub.services.run.conftest import activate

# The shop stamps its rows and marks what is deleted; nothing but the old values protects an edit there.
SHOP = {
    "sqlite": """
create table customers (
  id integer primary key autoincrement, ref text unique, name text not null, city text,
  at datetime not null default (strftime('%Y-%m-%d %H:%M:%f', 'now')), gone boolean not null default false
);
create trigger stamp after update of name, city, gone on customers begin
  update customers set at = strftime('%Y-%m-%d %H:%M:%f', 'now') where id = new.id;
end;
""",
    "postgresql": """
create table customers (
  id bigserial primary key, ref text unique, name text not null, city text,
  at timestamptz not null default clock_timestamp(), gone boolean not null default false
);
create function stamp() returns trigger language plpgsql as $$
begin new.at := clock_timestamp(); return new; end $$;
create trigger stamp before update on customers for each row execute function stamp();
""",
}
CUSTOMERS = {
    "external_id": "ref",
    "cursor": {"column": "at", "kind": "timestamp"},
    "columns": ["name", "city"],
    "deleted": "gone",
}
# The books count versions, tell nothing of what has changed, and delete for good.
SERIAL = {"sqlite": "integer primary key autoincrement", "postgresql": "bigserial primary key"}
BOOKS = "create table accounts (id {}, ref text unique, name text not null, town text, revision int default 1 not null)"
ACCOUNTS = {
    "external_id": "ref",
    "version": {"column": "revision", "step": 1},
    "columns": ["name", "town"],
}


def body(**of_city: Any) -> dict[str, Any]:
    """Either side may change both fields, unless `of_city` says otherwise of one."""
    city = {"steps": [{"path": "city"}], "authority": "either", **of_city}
    return {
        "fields": {"name": {"steps": [{"path": "name"}], "authority": "either"}, "town": city},
        "back": {"name": {"steps": [{"path": "name"}]}, "city": {"steps": [{"path": "town"}]}},
    }


@dataclass
class Two:
    """Two databases and the mapping between them. Everything is done and seen without the connector."""

    shop: Database
    books: Database
    mapping: Mapping

    def run(self, *, full: bool = False) -> SyncRun:
        mapping = Mapping.objects.select_related("integration").get(pk=self.mapping.pk)
        asked = runs.request(mapping=mapping, trigger=Trigger.SHELL, full=full)
        runs.execute_here(run=asked)
        asked.refresh_from_db()
        assert asked.received == sum(asked.balance.values()) - asked.received
        return asked

    def customers(self) -> list[tuple[Any, ...]]:
        return self.shop.rows("select name, city from customers where not gone order by name")

    def accounts(self) -> list[tuple[Any, ...]]:
        return self.books.rows("select name, town from accounts order by name")

    def at_shop(self, assignment: str, name: str) -> None:
        """Somebody edits a customer."""
        self.shop.rows(f"update customers set {assignment} where name = ?", (name,))

    def at_books(self, assignment: str, name: str) -> None:
        """Somebody edits an account."""
        self.books.rows(f"update accounts set {assignment}, revision = revision + 1 where name = ?", (name,))

    def everything(self) -> list[tuple[Any, ...]]:
        """All there is, versions and stamps as well."""
        rows = self.shop.rows("select * from customers order by id")
        return rows + self.books.rows("select * from accounts order by id")

    def is_calm(self) -> bool:
        """I11, I12: whether further runs, of changes and of everything, touch no row on either side."""
        before = self.everything()
        applied = [self.run(full=full).applied for full in (False, True)]
        return applied == [0, 0] and self.everything() == before


@pytest.fixture
def two(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    """Three customers of the shop, known in the books as well."""
    kind = connection.vendor
    with ExitStack() as stack:
        shop, books = (stack.enter_context(DATABASES[kind](_folder(tmp_path, name))) for name in ("shop", "books"))
        shop.run(SHOP[kind])
        books.run(BOOKS.format(SERIAL[kind]))
        for name in ("Ada", "Bob", "Cy"):
            shop.rows("insert into customers (name, city) values (?, 'Kiel')", (name,))
        plates = {
            "shop": _plate("shop", shop.settings({"customers": CUSTOMERS})),
            "books": _plate("books", books.settings({"accounts": ACCOUNTS})),
        }
        monkeypatch.setattr(registry, "get", plates.__getitem__)
        monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)
        mapping = _mapping()
        activate(mapping, body())
        found = Two(shop, books, mapping)
        assert found.run().created == 3
        yield found


def _folder(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name


def _plate(name: str, settings: Settings) -> Connector:
    return Connector(name, name.title(), "A real database.", (), lambda _: CONNECTOR.open(settings), lambda _: ())


def _mapping() -> Mapping:
    return Mapping.objects.create(
        integration=IntegrationFactory(),
        name="customers",
        source=ConnectionFactory(name="shop", connector="shop", config={}),
        source_stream="customers",
        destination=ConnectionFactory(name="books", connector="books", config={}),
        destination_stream="accounts",
        direction=Direction.TWO_WAY,
        delete_policy="delete",
        back_delete_policy="delete",
        page_size=2,
        max_deletions=10,
    )


def test_what_came_over_does_not_come_back(two: Two) -> None:
    """I11: neither the stamps nor the versions of the hub's own writes are taken for edits."""
    assert two.accounts() == [("Ada", "Kiel"), ("Bob", "Kiel"), ("Cy", "Kiel")]
    assert two.is_calm()


def test_edits_of_different_fields_are_merged(two: Two) -> None:
    two.at_shop("city = 'Bonn'", "Ada")
    two.at_books("name = 'Ada L.'", "Ada")
    two.at_books("town = 'Jena'", "Bob")

    run = two.run()

    assert run.state == RunState.SUCCEEDED
    assert two.customers() == two.accounts() == [("Ada L.", "Bonn"), ("Bob", "Jena"), ("Cy", "Kiel")]
    assert two.is_calm()


def test_edits_of_one_field_stay_as_they_are_until_a_person_decides(two: Two) -> None:
    """I8."""
    two.at_shop("city = 'Bonn'", "Ada")
    two.at_books("town = 'Jena'", "Ada")

    two.run()

    assert (two.customers()[0], two.accounts()[0]) == (("Ada", "Bonn"), ("Ada", "Jena"))
    asked = ReconciliationException.objects.get(state="open")
    assert (asked.kind, asked.evidence["sent"], asked.evidence["destination"]) == (
        "conflict", {"town": "Bonn"}, {"town": "Jena"},
    )  # fmt: skip
    assert two.is_calm()


def test_an_edit_made_while_the_hub_writes_is_not_written_over(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """I8: the shop has no versions, so the write there is bound to the value that was read."""
    two.at_books("town = 'Jena'", "Ada")
    apply = SqlConnection.apply

    def edited(opened: SqlConnection, stream: str, changes: Any) -> Any:
        monkeypatch.setattr(SqlConnection, "apply", apply)
        two.at_shop("city = 'Bonn'", "Ada")
        return apply(opened, stream, changes)

    monkeypatch.setattr(SqlConnection, "apply", edited)

    two.run()

    assert (two.customers()[0], two.accounts()[0]) == (("Ada", "Bonn"), ("Ada", "Jena"))
    assert ReconciliationException.objects.get(state="open").kind == "conflict"
    assert two.is_calm()


def test_edits_of_one_field_end_by_its_policy(two: Two) -> None:
    activate(two.mapping, body(authority="source", conflict="authority"))
    two.run(full=True)
    two.at_shop("city = 'Bonn'", "Ada")
    two.at_books("town = 'Jena'", "Ada")

    two.run()

    assert two.customers()[0] == two.accounts()[0] == ("Ada", "Bonn")
    assert two.is_calm()


def test_what_is_new_or_gone_on_one_side_is_so_on_the_other(two: Two) -> None:
    """I1: the record of the books is made at the shop once."""
    two.books.rows("insert into accounts (name, town) values ('Dan', 'Ulm')")
    two.at_shop("gone = true", "Ada")
    two.books.rows("delete from accounts where name = 'Bob'")

    two.run()

    assert two.customers() == two.accounts() == [("Cy", "Kiel"), ("Dan", "Ulm")]
    assert two.is_calm()
