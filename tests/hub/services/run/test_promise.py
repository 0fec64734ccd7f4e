"""A mapping that asks for what its destination does not offer is refused before anything is written."""

from dataclasses import replace
from typing import Any

import pytest

from hub.models import Change, Semantics
from hub.sdk import Capabilities, Stream
from tests.hub.services.run.conftest import Pair
from tests.simulator.profile import NOTHING, UNIQUE


def offer(pair: Pair, monkeypatch: pytest.MonkeyPatch, **offers: Any) -> None:
    stream = Stream("things", "Things", Capabilities(**offers))
    monkeypatch.setattr(pair.destination, "streams", lambda: [stream])


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        ({}, "can only be read"),
        ({"create": UNIQUE}, "offers no update, so a record that changes could never be written"),
    ],
)
def test_says_what_is_missing(pair: Pair, monkeypatch: pytest.MonkeyPatch, offers: dict[str, Any], said: str) -> None:
    pair.source.put("c1", name="Anna")
    offer(pair, monkeypatch, **offers)

    run = pair.run()

    assert (run.state, run.reason_code, said in run.reason) == ("failed", "config", True)
    assert not Change.objects.exists()


def test_facts_need_no_update(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.mapping.semantics = Semantics.FACT
    pair.mapping.save()
    offer(pair, monkeypatch, create=UNIQUE)
    pair.source.put("c1", name="Anna")

    assert pair.run().created == 1


def test_an_operation_that_is_not_offered_is_named_with_a_record_that_needs_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(pair, monkeypatch, update=UNIQUE)
    pair.source.put("c1", name="Anna")

    run = pair.run()

    assert (run.state, "offers no create, which c1 needs" in run.reason) == ("failed", True)
    assert pair.destination.effects == []


def test_reading_back_needs_reading_by_key(pair: Pair) -> None:
    pair.destination.write = replace(NOTHING)
    pair.mapping.verify_after = 60
    pair.mapping.save()

    run = pair.run()

    assert "cannot be read by key" in run.reason
