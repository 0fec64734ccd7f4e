"""A worker dies, and whoever takes up its work dies as well, at another point (1.6).

Everyday runs try a few pairs of a few scenarios, always the same, and fewer on PostgreSQL, which takes longer.
`PROOF_PAIRS=n` tries n second points after each of n first ones in every scenario, which is all there are when n is
large; `PROOF_SEED=n` takes others.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from django.db import connection

from hub import failpoint
from tests.proof import both_ways, judge
from tests.proof.breaks import kill
from tests.proof.death import Death
from tests.proof.scenarios import SCENARIOS as ONE_WAY
from tests.proof.scenarios import Scenario
from tests.proof.scenes import SCENES
from tests.proof.stage import simulated, watched
from tests.proof.world import World

Place = tuple[str, int]  # a point, and which visit of it
SCENARIOS = ONE_WAY | both_ways.SCENARIOS | SCENES
EVERY_DAY = ("lost answers, unique reference", "both ways", "fields are renamed")
SEED = os.environ.get("PROOF_SEED", "6")
EACH = int(os.environ.get("PROOF_PAIRS", "1" if connection.vendor == "postgresql" else "2"))
TRIED = SCENARIOS if "PROOF_PAIRS" in os.environ else EVERY_DAY
SECONDS_A_PAIR = 5  # at most, on a busy machine


@pytest.fixture(autouse=True)
def _simulated(transactional_db: None) -> Iterator[None]:
    with simulated():
        yield


@pytest.mark.timeout(600 + SECONDS_A_PAIR * EACH**2)
@pytest.mark.parametrize("name", TRIED)
def test_who_dies_in_the_middle_of_a_recovery_loses_nothing_and_doubles_nothing(name: str) -> None:
    """R-02, R-03, I1 to I7, I12, I13."""
    scenario, chance = SCENARIOS[name], random.Random(f"{SEED}/{name}")
    failures = {}
    for first in _some(_places(scenario), chance):
        for second in _some(_places_after(scenario, first), chance):
            told = _broken_twice(scenario, first, second)
            if told:
                failures[f"{first}, then {second}"] = told

    assert failures == {}


def _places(scenario: Scenario) -> list[Place]:
    """Each point that the unbroken scenario comes to."""
    world = scenario.begin()
    return _visits(watched(lambda: scenario.during(world)))


def _places_after(scenario: Scenario, first: Place) -> list[Place]:
    """Each point that those come to who go on after a death at the first."""
    names: list[str] = []
    world = scenario.begin()
    world.watches_successors = names.append
    _die_and_recover(scenario, world, first)
    failpoint.disarm()
    return _visits(names)


def _visits(names: Sequence[str]) -> list[Place]:
    """The first visit of each point, and the last when there are several."""
    return [(point, nth) for point, most in Counter(names).items() for nth in sorted({1, most})]


def _some(places: Sequence[Place], chance: random.Random) -> list[Place]:
    return chance.sample(places, min(EACH, len(places)))


def _die_and_recover(scenario: Scenario, world: World, first: Place) -> None:
    kill(world, *first)
    scenario.during(world)
    world.recover()


def _broken_twice(scenario: Scenario, first: Place, second: Place) -> list[str]:
    """What the judge says after a worker died at the first point and one of its successors at the second."""
    world = scenario.begin()
    death = world.watches_successors = Death(*second)
    _die_and_recover(scenario, world, first)
    assert death.is_dead, f"nobody came to {second} after a death at {first}"
    world.quiet()
    told = scenario.agreement(world)
    if scenario.asks is not None:
        asked = judge.with_a_person(world)
        told += [f"a person was asked about {key} for nothing" for key in asked - scenario.asks]
    return told
