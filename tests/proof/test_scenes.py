"""Clocks that differ, tokens that end, records of a new shape: nothing is lost, doubled, emptied or out of order."""

from collections.abc import Iterator

import pytest

from tests.proof import judge
from tests.proof.breaks import kill
from tests.proof.scenarios import Scenario
from tests.proof.scenes import SCENES
from tests.proof.stage import simulated
from tests.proof.world import World


@pytest.fixture(autouse=True)
def _simulated(transactional_db: None) -> Iterator[None]:
    with simulated():
        yield


@pytest.mark.parametrize("name", SCENES)
def test_nothing_is_lost_or_doubled_when(name: str) -> None:
    """R-02, I1, I2, I5, I9, I12, I13."""
    scene = SCENES[name]
    world = scene.begin()
    _live(scene, world)


@pytest.mark.parametrize("name", ["a fast host and a key", "a token ends while writing", "fields are renamed"])
def test_nothing_is_lost_or_doubled_when_a_worker_dies_as_well_and(name: str) -> None:
    """R-02, R-03, I6."""
    scene = SCENES[name]
    world = scene.begin()
    kill(world, "record.before_commit", 1)
    _live(scene, world)


def _live(scene: Scenario, world: World) -> None:
    scene.during(world)
    told = judge.safety(world)
    world.quiet()
    told += judge.agreement(world)

    assert told == []
    if scene.asks is not None:
        assert judge.with_a_person(world) == scene.asks
