"""Every scenario is broken at every point it comes to: by a kill, by a bug, and by a freeze past the lease (1.6)."""

import ast
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.db import connection

from hub.services import run
from tests.proof import both_ways, judge
from tests.proof.breaks import BREAKS, Breaks
from tests.proof.scenarios import SCENARIOS as ONE_WAY
from tests.proof.scenarios import Scenario
from tests.proof.scenes import SCENES
from tests.proof.stage import simulated, watched

# Points that a scenario cannot come to by itself, and what does.
ELSEWHERE = {
    "behind.before_commit": "it needs a source that tells every step: tests/hub/services/run/test_transition.py",
    "behind.committed": "it needs a source that tells every step: tests/hub/services/run/test_transition.py",
    "again.before_commit": "it needs a source that tells every step: tests/hub/services/run/test_filled.py",
    "again.committed": "it needs a source that tells every step: tests/hub/services/run/test_filled.py",
    "fill.before_commit": "it needs a source that tells every step: tests/hub/services/run/test_filled.py",
    "fill.committed": "it needs a source that tells every step: tests/hub/services/run/test_filled.py",
    "keep.before_commit": "it needs a source that tells every step: tests/hub/services/run/test_filled.py",
    "keep.committed": "it needs a source that tells every step: tests/hub/services/run/test_filled.py",
    "replan.before_commit": "it needs an outage behind it: tests/hub/services/run/test_held.py",
    "replan.committed": "it needs an outage behind it: tests/hub/services/run/test_held.py",
}
TIMES = {"kill": 2, "bug": 1, "freeze": 1}  # scenarios that break each point every day; one each on SQLite
IS_WHOLE = bool(os.environ.get("PROOF_WHOLE"))
SCENARIOS = ONE_WAY | both_ways.SCENARIOS | (SCENES if IS_WHOLE else {})


@pytest.fixture(autouse=True)
def _simulated(transactional_db: None) -> Iterator[None]:
    with simulated():
        yield


@pytest.mark.parametrize("broken_by", BREAKS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_break_at_any_point_loses_nothing_and_doubles_nothing(name: str, broken_by: str) -> None:
    """R-02, R-03, I1 to I7, I12, I13."""
    scenario = SCENARIOS[name]
    failures = {}
    for point, nth in _chosen(broken_by)[name]:
        told = _broken(scenario, point, nth, BREAKS[broken_by])
        if told:
            failures[f"{broken_by} at {point} ({nth})"] = told

    assert failures == {}


def test_the_scenarios_come_to_every_point_there_is() -> None:
    """A durable step of a run without a scenario that comes to it would never be broken."""
    reached = {point for name in SCENARIOS for point, _ in _points(name)}

    assert set(_named_in_source()) - reached == set(ELSEWHERE)


@cache
def _points(name: str) -> list[tuple[str, int]]:
    """Each point that the unbroken scenario comes to: the first time, and the last when there are several."""
    scenario = SCENARIOS[name]
    world = scenario.begin()
    times = Counter(watched(lambda: scenario.during(world)))
    return [(point, nth) for point, most in times.items() for nth in sorted({1, most})]


@cache
def _chosen(broken_by: str) -> dict[str, list[tuple[str, int]]]:
    """The places to break in each scenario. Everyday runs break each point in the first few scenarios that meet it."""
    if IS_WHOLE:
        return _first_met({name: _places(name, broken_by) for name in SCENARIOS}, len(SCENARIOS))
    one_way = {name: _places(name, broken_by) for name in ONE_WAY}
    times = TIMES[broken_by] if connection.vendor == "postgresql" else 1
    return _first_met(one_way, times) | _last_visits(broken_by)


def _places(name: str, broken_by: str) -> list[tuple[str, int]]:
    return [place for place in _points(name) if _makes_sense(broken_by, *place)]


def _last_visits(broken_by: str) -> dict[str, list[tuple[str, int]]]:
    """Each point of two-way runs once. Those of one-way runs as well are killed only, and not on PostgreSQL."""
    own = frozenset(_named_in_source("twoway"))
    met: set[str] = set()
    is_whole = broken_by == "kill" and connection.vendor != "postgresql"
    chosen = {}
    for name in both_ways.SCENARIOS:
        last = {point: nth for point, nth in _places(name, broken_by) if point in own or is_whole}
        chosen[name] = [(point, nth) for point, nth in last.items() if point not in met]
        met |= last.keys()
    return chosen


def _first_met(places: dict[str, list[tuple[str, int]]], most: int) -> dict[str, list[tuple[str, int]]]:
    """Of these places by scenario, those that no more than `most` scenarios have met before."""
    met: Counter[tuple[str, int]] = Counter()
    chosen: dict[str, list[tuple[str, int]]] = {}
    for name, known in places.items():
        chosen[name] = [place for place in known if met[_kind(place)] < most]
        met.update(_kind(place) for place in chosen[name])
    return chosen


def _makes_sense(broken_by: str, point: str, nth: int) -> bool:
    """Inside a transaction a worker holds the lane's row, and others wait for that; a bug is one at every visit."""
    return broken_by == "kill" or (nth == 1 and not (broken_by == "freeze" and point.endswith(".before_commit")))


def _kind(place: tuple[str, int]) -> tuple[str, int]:
    """The first visit of a point, or a later one."""
    return place[0], min(place[1], 2)


def _broken(scenario: Scenario, point: str, nth: int, breaks: Breaks) -> list[str]:
    """What the judge says after the scenario was broken at this point."""
    world = scenario.begin()
    breaks(world, point, nth)
    scenario.during(world)
    world.quiet()
    told = scenario.agreement(world)
    if scenario.asks is not None:
        asked = judge.with_a_person(world)
        told += [f"a person was asked about {key} for nothing" for key in asked - scenario.asks]
    return told


def _named_in_source(folder: str = "") -> Iterator[str]:
    """Every point that the code of a run, or a part of it, names."""
    for path in (Path(run.__file__).parent / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoint.reach":
                yield ast.literal_eval(node.args[0])
