"""An edit at the destination that only shows in the answer to a write of other fields is decided, never swallowed."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connectors.sql import CONNECTOR
from hub import registry
from hub.models import Change, ReconciliationException, RunState
from hub.services import exception as exceptions
from tests.factories import ConnectionFactory, UserFactory
from tests.hub.services.run.conftest import Pair
from tests.simulator import PROFILES


def body(**city: Any) -> dict[str, Any]:
    return {"fields": {"name": {"steps": [{"path": "name"}]}, "city": {"steps": [{"path": "city"}], **city}}}


def in_capitals(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.upper() for name, value in fields.items()}


def edited(pair: Pair, profile: str = "unique", **city: Any) -> Pair:
    """A record whose city somebody changed at the destination before its name changed at the source."""
    pair.destination.store.profile = PROFILES[profile]
    pair.activate(pair.mapping, body(**city))
    pair.source.put("a", name="Ada", city="Kiel")
    pair.run()
    pair.destination.put(next(iter(pair.destination.rows)), city="Ulm")
    pair.source.put("a", name="Ada L.")
    return pair


def question() -> ReconciliationException:
    return ReconciliationException.objects.get(state="open")


@pytest.mark.parametrize("profile", ["unique", "key", "conditional"])
def test_is_put_to_a_person_with_both_values(pair: Pair, profile: str) -> None:
    edited(pair, profile)

    run = pair.run()

    assert run.state == RunState.SUCCEEDED
    assert pair.there()["a"]["city"] == "Ulm"
    assert pair.open_exceptions() == [("a", "edited")]
    evidence = question().evidence
    assert (evidence["sent"], evidence["destination"]["city"]) == ({"city": "Kiel"}, "Ulm")


def test_stays_a_question_when_the_source_agrees_with_itself(pair: Pair) -> None:
    edited(pair).run()

    pair.run(full=True)

    assert pair.open_exceptions() == [("a", "edited")]


def test_leaves_the_field_alone_while_a_person_is_asked_and_lets_the_others_go_on(pair: Pair) -> None:
    edited(pair).run()
    pair.source.put("a", name="Ada Lovelace", city="Bonn")

    pair.run()

    assert pair.there()["a"] == {"name": "Ada Lovelace", "city": "Ulm"}
    assert pair.open_exceptions() == [("a", "edited")]


def test_is_left_as_a_person_says_until_the_source_changes_the_field(pair: Pair) -> None:
    edited(pair).run()
    exceptions.leave_edit(exception=question(), by=UserFactory(), reason="they moved")
    pair.work()
    pair.source.put("a", name="Ada Lovelace")
    pair.run()
    assert (pair.there()["a"], pair.open_exceptions()) == ({"name": "Ada Lovelace", "city": "Ulm"}, [])
    pair.source.put("a", city="Bonn")

    pair.run()

    assert pair.there()["a"]["city"] == "Bonn"


def test_does_not_lose_what_the_source_changed_while_it_was_open(pair: Pair) -> None:
    edited(pair).run()
    pair.source.put("a", city="Bonn")
    pair.run()
    exceptions.leave_edit(exception=question(), by=UserFactory(), reason="ask the source")

    pair.work()

    assert pair.there()["a"]["city"] == "Bonn"


def test_is_written_over_when_a_person_says_so(pair: Pair) -> None:
    edited(pair).run()
    exceptions.overwrite_edit(exception=question(), by=UserFactory(), reason="a slip")

    pair.work()

    assert pair.there()["a"] == {"name": "Ada L.", "city": "Kiel"}
    assert pair.open_exceptions() == []


@pytest.mark.parametrize("profile", ["unique", "conditional"])
def test_is_written_over_where_the_mapping_says_so_and_the_lost_value_is_kept(pair: Pair, profile: str) -> None:
    edited(pair, profile, when_unauthorised="revert").run()

    pair.run()

    assert pair.there()["a"]["city"] == "Kiel"
    assert pair.open_exceptions() == []
    change = Change.objects.order_by("-id")[0]
    assert (change.fields, (change.before or {})["city"]) == ({"city": "Kiel"}, "Ulm")


@pytest.mark.parametrize("rule", [{"when_unauthorised": "accept"}, {"authority": "either"}])
def test_stays_where_the_mapping_lets_it(pair: Pair, rule: dict[str, str]) -> None:
    edited(pair, **rule).run()

    pair.run(full=True)

    assert pair.there()["a"] == {"name": "Ada L.", "city": "Ulm"}
    assert pair.open_exceptions() == []


@pytest.mark.parametrize("profile", ["unique", "conditional"])
def test_is_not_seen_in_what_the_destination_makes_of_a_value(pair: Pair, profile: str) -> None:
    pair.destination.store.profile = replace(PROFILES[profile], normalise=in_capitals)
    pair.source.put("a", name="Ada", city="Kiel")
    pair.run()
    pair.source.put("a", name="Ada L.")

    pair.run()

    assert pair.there()["a"] == {"name": "ADA L.", "city": "KIEL"}
    assert pair.open_exceptions() == []


def test_is_seen_beside_what_the_destination_makes_of_a_value(pair: Pair) -> None:
    pair.destination.store.profile = replace(PROFILES["unique"], normalise=in_capitals)
    pair.source.put("a", name="Ada", city="Kiel")
    pair.run()
    pair.destination.put(next(iter(pair.destination.rows)), city="Ulm")
    pair.source.put("a", name="Ada L.")

    pair.run()

    assert question().evidence["destination"] == {"city": "ULM"}


@pytest.mark.parametrize("is_edited", [False, True])
def test_costs_one_query_for_many_records_and_none_where_nothing_is_odd(pair: Pair, is_edited: bool) -> None:
    pair.destination.store.profile = PROFILES["unique"]
    for number in range(30):
        pair.source.put(f"a{number}", name="Ada", city="Kiel")
    pair.mapping.page_size = 100
    pair.mapping.save()
    pair.run()
    for row in list(pair.destination.rows) if is_edited else ():
        pair.destination.put(row, city="Ulm")
    for number in range(30):
        pair.source.put(f"a{number}", name="Ada L.")

    with CaptureQueriesContext(connection) as seen:
        pair.run()

    told = [one["sql"] for one in seen if one["sql"].startswith("SELECT") and '"hub_linkimage"' in one["sql"]]
    assert len([one for one in told if '"destination"' in one]) in (range(1, 6) if is_edited else [0])


def test_is_seen_in_a_table_of_a_database_too(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "books.db"
    with closing(sqlite3.connect(file)) as books, books:
        books.execute("create table things (ref text primary key, name text, city text)")
    table = {"table": "things", "key": ["ref"], "columns": ["ref", "name", "city"], "external_id": "ref"}
    plates = {"shop": registry.get("shop"), "sql": CONNECTOR}
    monkeypatch.setattr(registry, "get", plates.__getitem__)
    config = {"driver": "sqlite", "database": str(file), "tables": {"things": table}}
    pair.mapping.destination = ConnectionFactory(name="database", connector="sql", config=config)
    pair.mapping.save()
    pair.source.put("a", name="Ada", city="Kiel")
    pair.run()
    with closing(sqlite3.connect(file)) as books, books:
        books.execute("update things set city = 'Ulm'")
    pair.source.put("a", name="Ada L.")

    pair.run()

    with closing(sqlite3.connect(file)) as books:
        assert books.execute("select name, city from things").fetchall() == [("Ada L.", "Ulm")]
    assert pair.open_exceptions() == [("a", "edited")]
    assert question().evidence["destination"] == {"city": "Ulm"}
