"""One way too, a field has an owner: what belongs to the destination is not sent, and declared policies decide."""

from typing import Any

import pytest

from hub.models import RunState
from tests.hub.services.run.conftest import Pair


def body(**city: Any) -> dict[str, Any]:
    return {"fields": {"name": {"steps": [{"path": "name"}]}, "city": {"steps": [{"path": "city"}], **city}}}


@pytest.fixture
def edited(pair: Pair) -> Pair:
    """A record whose city was changed on both sides since they last agreed."""
    pair.activate(pair.mapping, body())
    pair.source.put("a", name="Ada", city="Kiel")
    pair.run()
    pair.source.put("a", name="Ada L.", city="Bonn")
    pair.destination.put(next(iter(pair.destination.rows)), city="Ulm")
    return pair


def test_a_field_of_the_destination_is_never_sent(pair: Pair) -> None:
    """I10."""
    pair.activate(pair.mapping, body(authority="destination"))
    pair.source.put("a", name="Ada", city="Kiel")

    pair.run()

    assert pair.there() == {"a": {"name": "Ada"}}


def test_a_field_that_both_changed_is_left_to_a_person_by_default(edited: Pair) -> None:
    """I8."""
    edited.run()

    assert edited.there()["a"]["city"] == "Ulm"
    assert edited.open_exceptions() == [("a", "conflict")]


def test_the_source_wins_where_the_mapping_gives_it_the_word(edited: Pair) -> None:
    edited.activate(edited.mapping, body(conflict="authority"))

    run = edited.run(full=True)

    assert (run.state, edited.there()["a"]) == (RunState.SUCCEEDED, {"name": "Ada L.", "city": "Bonn"})


def test_the_destination_keeps_its_value_where_the_policy_prefers_it(edited: Pair) -> None:
    edited.activate(edited.mapping, body(authority="either", conflict={"rank": ["Bonn", "Ulm"]}))

    run = edited.run(full=True)

    assert (run.state, edited.there()["a"]) == (RunState.SUCCEEDED, {"name": "Ada L.", "city": "Ulm"})
