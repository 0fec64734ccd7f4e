"""What a webhook's message says."""

from typing import Any

import pytest

from hub.engine import delivery

ORDER = {"type": "order.paid", "data": {"object": {"id": 17}}, "items": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}


@pytest.mark.parametrize(
    ("place", "keys"),
    [
        ("body:data.object.id", ["17"]),
        ("body:items.*.id", ["a", "b"]),
        ("body:items.1.id", ["b"]),
        ("body:data", []),
        ("body:nothing.here", []),
        ("body:items.9.id", []),
        ("header:X-Key", ["k"]),
        ("header:other", []),
    ],
)
def test_keys_stand_at_a_place(place: str, keys: list[str]) -> None:
    assert delivery.keys_at(place, {"x-key": "k"}, ORDER) == keys


@pytest.mark.parametrize("value", [True, None, 1.5, {}, [], "", "  ", "x" * 256])
def test_not_every_value_is_a_key(value: Any) -> None:
    assert delivery.keys_at("body:id", {}, {"id": value}) == []


def test_the_kind_of_event_is_one_text() -> None:
    assert delivery.text_at("body:type", {}, ORDER) == "order.paid"
    assert delivery.text_at("body:items.*.id", {}, ORDER) == ""
    assert delivery.text_at("header:X-Topic", {"x-topic": "orders/create"}, None) == "orders/create"


@pytest.mark.parametrize(
    ("event", "patterns", "does"),
    [
        ("orders/create", [], True),
        ("orders/create", ["orders/*"], True),
        ("orders/create", ["products/*", "orders/create"], True),
        ("orders/create", ["Orders/*"], False),
        ("", ["*"], True),
        ("", ["orders/*"], False),
    ],
)
def test_events_match_patterns(event: str, patterns: list[str], does: bool) -> None:
    assert delivery.matches(event, patterns) is does


@pytest.mark.parametrize("place", ["id", "body:", "body:a..b", "query:id", "header:", ":x"])
def test_a_wrong_place_is_told(place: str) -> None:
    assert "header:name or body:path" in delivery.wrong_place(place)
    assert delivery.wrong_place("body:data.object.id") == ""
