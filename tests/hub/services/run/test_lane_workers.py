"""Real workers side by side on PostgreSQL: nothing overlaps, nothing is out of order, nothing is lost or doubled."""

import random
import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from hub.engine.intent import OPEN
from hub.models import Change, Lane, RunState, SyncRun
from hub.models import lane as lane_model
from hub.sdk import Change as Order
from hub.services import run as runs
from tests.hub.services.run.conftest import Pair
from tests.hub.services.run.crew import OUT_OF_TURN, REVERSED, Crew, Watched, told
from tests.simulator import connector

KEYS = [f"k{number}" for number in range(40)]
TOWNS = ("Kiel", "Bonn", "Ulm", "Jena")
pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")


@pytest.fixture
def watched(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """The pair with a destination that watches, and a source with forty records."""
    destination = Watched()
    plates = {"shop": connector("shop", pair.source), "books": connector("books", destination)}
    monkeypatch.setattr("hub.registry.get", plates.__getitem__)
    pair.destination = destination
    for key in KEYS:
        pair.source.put(key, name=key, city="Kiel")
    yield destination
    assert destination.overlapping == []
    assert (told(OUT_OF_TURN), told(REVERSED)) == (0, 0)


def cut(pair: Pair, slices: int, page_size: int = 8) -> None:
    pair.mapping.slices, pair.mapping.page_size = slices, page_size
    pair.mapping.save()


def keep_editing(pair: Pair, chance: random.Random, times: int = 5) -> None:
    """People edit fifteen records after each of the next `times` pages."""
    left = iter(range(times))

    def edit_some() -> None:
        if next(left, None) is not None:
            for key in chance.sample(KEYS, 15):
                pair.source.put(key, city=chance.choice(TOWNS), note=str(chance.random()))

    pair.source.between_pages = edit_some


def assert_agreement(pair: Pair) -> None:
    """I12, I13: both sides agree, nothing is open, and every run's counts add up."""
    wanted = {key: {"name": key, "city": row.data["city"]} for key, row in pair.source.rows.items()}
    assert pair.there() == wanted
    assert len(pair.destination.rows) == len(wanted), "a record was created twice"
    assert not Change.objects.filter(state__in=sorted(OPEN)).exists()
    for run in SyncRun.objects.all():
        assert run.received == sum(run.balance.values()) - run.received
    assert not Lane.objects.filter(lease_until__isnull=False).exists()


@pytest.mark.parametrize("workers", [2, 4])
@pytest.mark.parametrize("slices", [1, 4, 16])
def test_drain_one_mapping_together(pair: Pair, watched: Watched, workers: int, slices: int) -> None:
    cut(pair, slices)
    chance = random.Random(slices * workers)
    for day in range(3):
        keep_editing(pair, chance)
        run = pair.ask(full=day == 1)
        Crew(pair.mapping, workers, seed=day).work()
        run.refresh_from_db()
        assert run.state in (RunState.SUCCEEDED, RunState.PARTIAL), run.reason

    keep_editing(pair, chance, times=0)  # a day of few pages leaves edits over: they would come behind the last read
    pair.ask(full=True)
    Crew(pair.mapping, workers, seed=9).work()

    assert_agreement(pair)


def test_go_on_when_the_number_of_lanes_changes_under_them(pair: Pair, watched: Watched) -> None:
    cut(pair, 4, page_size=4)
    chance = random.Random(7)

    def cut_anew() -> None:
        pair.mapping.slices = chance.choice([1, 2, 3, 4, 16])
        pair.mapping.save(update_fields=["slices"])

    for day in range(3):
        keep_editing(pair, chance, times=5 if day < 2 else 0)
        pair.ask(full=True)
        Crew(pair.mapping, 4, seed=day).work(meanwhile=cut_anew)

    assert_agreement(pair)


def test_settle_what_one_of_them_slept_over(pair: Pair, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """I7 and row 19: a worker frozen in the middle of a batch past its lease sends no more and records nothing."""
    cut(pair, 4)
    slept = threading.local()
    real = lane_model._elapsed
    monkeypatch.setattr(lane_model, "_elapsed", lambda: real() + getattr(slept, "seconds", 0.0))
    frozen = {key: threading.Event() for key in KEYS[::9]}
    woken: list[str] = []

    def freeze(order: Order) -> None:
        event = frozen.pop(order.external_id, None)
        if event is None:
            return
        change = Change.objects.get(pk=order.id)
        Lane.objects.filter(epoch=change.epoch).update(lease_until="2000-01-01T00:00:00Z")
        slept.seconds = getattr(slept, "seconds", 0.0) + 120
        woken.append(order.external_id)

    watched.before_each = freeze
    pair.ask(full=True)
    Crew(pair.mapping, 4, seed=3).work()
    watched.before_each = lambda order: None
    pair.ask(full=True)
    Crew(pair.mapping, 4, seed=4).work()

    assert len(woken) == 5
    assert_agreement(pair)
    assert runs.lane_of(pair.mapping).epoch % 64 == 0
