"""A line to a PostgreSQL server leads only where an open zone lets it, also one that is kept."""

from typing import Any

import pytest

from connectors.sql import CONNECTOR
from hub.http import Zone
from hub.http.zone import install, networks_of
from hub.sdk import Answer, ConfigError
from tests.conftest import THIS_MACHINE
from tests.connectors.sql.acts import create
from tests.connectors.sql.databases import PostgresSchema, postgres_schema


@pytest.fixture
def database(tmp_path: Any) -> Any:
    with postgres_schema(tmp_path) as made:
        made.run("create table goods (sku varchar(8) primary key)")
        yield made


def test_is_refused_without_a_zone(database: PostgresSchema, no_zone: None) -> None:
    with pytest.raises(ConfigError, match=r"is a loopback address that no open egress zone lets in at port"):
        CONNECTOR.open(database.settings()).check()


def test_is_refused_at_a_port_that_the_zone_leaves_out(database: PostgresSchema) -> None:
    install([Zone("others", networks_of(["127.0.0.0/8"]), frozenset({1}))])

    with pytest.raises(ConfigError, match="no open egress zone"):
        CONNECTOR.open(database.settings()).check()


def test_is_refused_where_the_hub_keeps_its_own_data(database: PostgresSchema) -> None:
    install([THIS_MACHINE], [("localhost", database.address.port or 5432)])

    with pytest.raises(ConfigError, match="keeps its own data"):
        CONNECTOR.open(database.settings()).check()


def test_that_is_kept_is_left_when_its_zone_is_closed(database: PostgresSchema) -> None:
    opened = CONNECTOR.open(database.settings())
    assert "answered" in opened.check()
    install([])

    with pytest.raises(ConfigError, match="no open egress zone"):
        opened.read("goods", None, 10)  # type: ignore[attr-defined]
    opened.close()


def test_is_refused_for_a_write_as_something_that_did_not_happen(database: PostgresSchema) -> None:
    opened = CONNECTOR.open(database.settings())
    opened.check()
    install([])

    (outcome,) = opened.apply("goods", [create("a", sku="A")])  # type: ignore[attr-defined]

    assert outcome.answer is Answer.RETRY
    assert "no open egress zone" in outcome.message
    assert database.rows("select count(*) from goods") == [(0,)]
    opened.close()
