"""A mapping that goes both ways between two simulated systems, and what tests ask of it."""

from typing import Any

import pytest

from hub.models import DeletePolicy, Direction, Link, RunState
from tests.hub.services.run.conftest import Pair


def field(name: str, authority: str = "either", **more: Any) -> dict[str, Any]:
    return {"steps": [{"path": name}], "authority": authority, **more}


def body(**more: Any) -> dict[str, Any]:
    """Either side may change name and city; `owned` belongs to the source."""
    fields = {"name": field("name"), "city": field("city"), "owned": field("owned", "source")}
    back = {"name": {"steps": [{"path": "name"}]}, "city": {"steps": [{"path": "city"}]}}
    return {"fields": {**fields, **more.pop("fields", {})}, "back": {**back, **more.pop("back", {})}, **more}


@pytest.fixture
def both(pair: Pair) -> Pair:
    """Two systems, one record on both sides, in agreement."""
    pair.mapping.direction = Direction.TWO_WAY
    pair.mapping.back_delete_policy = DeletePolicy.DELETE
    pair.mapping.save()
    pair.activate(pair.mapping, body())
    pair.source.put("a", name="Ada", city="Kiel", owned="x")
    assert pair.run().state == RunState.SUCCEEDED
    return pair


def key_there(pair: Pair, key: str = "a") -> str:
    found = Link.objects.get(mapping=pair.mapping, source_key=key).destination_key
    assert found
    return found


def at_source(pair: Pair, key: str = "a") -> dict[str, Any]:
    return pair.source.rows[key].data


def at_destination(pair: Pair, key: str = "a") -> dict[str, Any]:
    return pair.destination.rows[key_there(pair, key)].data


def hub_writes(pair: Pair) -> int:
    return len(pair.source.effects) + len(pair.destination.effects)


def calm(pair: Pair) -> None:
    """I11, I12: further runs, of changes and of everything, write nothing."""
    before = hub_writes(pair)
    for full in (False, True):
        run = pair.run(full=full)
        assert run.state in (RunState.SUCCEEDED, RunState.PARTIAL), run.reason
        assert run.received == sum(run.balance.values()) - run.received
    assert hub_writes(pair) == before
