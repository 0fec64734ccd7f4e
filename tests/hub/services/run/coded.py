"""A mapping of steps that knows four towns; a step to any other cannot be mapped."""

from typing import Any

import pytest

from hub.engine.intent import OPEN, State
from hub.models import Change, SyncRun
from tests.hub.services.run.conftest import Pair
from tests.hub.services.run.test_transition import Feed

TOWNS = ("Kiel", "Ulm", "Bonn", "Jena")
WHY = "It was a test."


def coded(*towns: str) -> dict[str, Any]:
    """A mapping that knows these towns, each by its own name."""
    city = {"steps": [{"path": "city"}, {"lookup": {"map": "towns"}}]}
    return {
        "value_maps": {"towns": {town: town for town in towns}},
        "fields": {"name": {"steps": [{"path": "name"}], "required": True}, "city": city},
    }


def learn(pair: Pair, *towns: str) -> None:
    """Correct the list of values: these are known from now on."""
    pair.mapping.refresh_from_db()
    pair.activate(pair.mapping, coded(*TOWNS, *towns))


@pytest.fixture
def steps(pair: Pair, feed: Feed) -> Pair:
    """A mapping of steps that knows four towns; any other cannot be mapped."""
    learn(pair)
    return pair


def states(key: str = "a") -> list[str]:
    return list(Change.objects.filter(source_key=key).order_by("id").values_list("state", flat=True))


def head(key: str = "a") -> Change:
    """The step that could not be mapped."""
    return Change.objects.get(source_key=key, state=State.REJECTED, kept__isnull=False)


def counts_add_up() -> bool:
    flying = [Change.objects.filter(run=run, state__in=sorted(OPEN - {State.HELD})).count() for run in all_runs()]
    held = [Change.objects.filter(run=run, state=State.HELD).count() for run in all_runs()]
    told = [(run.in_flight, run.held) for run in all_runs()]
    balanced = all(run.received == sum(run.balance.values()) - run.received for run in all_runs())
    return balanced and told == list(zip(flying, held, strict=True))


def all_runs() -> list[SyncRun]:
    return list(SyncRun.objects.order_by("id"))
