"""What a worker loads at its start is no longer gone through by the collector."""

import gc
from collections.abc import Iterator

import pytest

from hub.management import garbage


@pytest.fixture
def collector() -> Iterator[None]:
    """The collector, left as it was found."""
    usual = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*usual)


@pytest.mark.usefixtures("collector")
def test_what_is_loaded_by_then_is_left_alone() -> None:
    loaded = [{"a": [number]} for number in range(100)]

    garbage.settle()

    assert gc.get_freeze_count() >= len(loaded)
    assert not any(each is loaded for each in gc.get_objects())


@pytest.mark.usefixtures("collector")
def test_a_cycle_made_afterwards_is_still_found() -> None:
    garbage.settle()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle

    assert gc.collect() >= 1
