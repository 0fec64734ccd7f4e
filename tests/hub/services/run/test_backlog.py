"""What waits is repeated within the retry budget, and caught up with no faster than the connection allows (I20)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from hub.models import Change
from tests.hub.services.run.conftest import Pair

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    """A clock that moves only when it is told to."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def refused_for_now(pair: Pair, count: int) -> None:
    """A first run whose records all have to be tried again."""
    keys = [f"c{number:03}" for number in range(count)]
    for key in keys:
        pair.source.put(key, name=key, city="Kiel")
    pair.destination.not_now = set(keys)
    pair.mapping.page_size = 100
    pair.mapping.save()
    pair.run()


def tried_twice() -> int:
    return Change.objects.filter(tries__gte=2).count()


def test_only_as_many_are_tried_again_as_the_budget_allows(pair: Pair, noon: time_machine.Traveller) -> None:
    """I20: retries ≤ budget; ten a minute where there are no other calls."""
    refused_for_now(pair, 40)
    Change.objects.update(due_at=NOON)

    noon.shift(timedelta(seconds=70))
    pair.expire()
    pair.work()

    assert tried_twice() == 10
    assert Change.objects.filter(tries=1, due_at__gt=datetime.now(UTC)).count() == 30


def test_what_waited_is_caught_up_with_oldest_first_and_no_faster_than_set(
    pair: Pair, noon: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.engine.budget.FLOOR", 1000)
    refused_for_now(pair, 40)
    pair.mapping.destination.catch_up_rate = 20
    pair.mapping.destination.save()
    pair.destination.not_now = set()
    Change.objects.update(due_at=NOON)
    written = []
    for _ in range(8):
        noon.shift(timedelta(seconds=30))
        pair.expire()
        pair.work()
        written.append(len(pair.there()))

    assert written == [10, 20, 30, 40, 40, 40, 40, 40]
    assert list(pair.there()) == sorted(pair.there())
