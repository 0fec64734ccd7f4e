"""A run towards a database waits while that is down, and keeps to its limit, as towards anything else."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from connectors.sql import CONNECTOR
from hub import registry
from hub.models import Change, RunState, SyncRun
from tests.factories import ConnectionFactory
from tests.hub.services.run.conftest import Pair

Into = Callable[..., Pair]
TABLE = {"table": "things", "key": ["ref"], "columns": ["ref", "name", "city"], "external_id": "ref"}


@pytest.fixture
def into(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Into:
    """The pair with a database at its end."""
    plates = {"shop": registry.get("shop"), "sql": CONNECTOR}
    monkeypatch.setattr(registry, "get", plates.__getitem__)

    def given(config: dict[str, Any], **limits: int) -> Pair:
        made = ConnectionFactory(
            name="tables", connector="sql", config={"tables": {"things": TABLE}} | config, **limits
        )
        pair.mapping.destination, pair.mapping.page_size = made, 100
        pair.mapping.save()
        return pair

    return given


def test_one_that_is_down_is_left_alone_and_costs_no_further_try(into: Into) -> None:
    pair = into({"driver": "postgresql+psycopg", "host": "127.0.0.1", "port": 1, "database": "x", "user": "x"})
    run = pair.ask()
    for _ in range(8):
        SyncRun.objects.update(due_at=None)
        pair.work()

    run.refresh_from_db()
    assert (run.state, run.tries) == (RunState.QUEUED, 5)
    assert "is held" in run.reason


def test_a_limit_of_records_a_second_is_kept_without_a_loss(into: Into, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "books.db")) as books, books:
        books.execute("create table things (ref text primary key, name text, city text)")
    config = {"driver": "sqlite", "database": str(tmp_path / "books.db")}
    pair = into(config, per_second=8, burst=8)
    for number in range(20):
        pair.source.put(f"a{number}", name="Ada", city="Kiel")

    started = monotonic()
    run = pair.run()

    assert (run.state, run.created) == (RunState.SUCCEEDED, 20)
    assert {change.tries for change in Change.objects.all()} == {1}
    assert monotonic() - started > 1
