"""Whatever cannot be mapped, whoever corrects or asks, whatever dies meanwhile: every step arrives, in its order."""

import os
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from hub import clock, failpoint
from hub.engine.intent import OPEN, State
from hub.models import Change, Checkpoint, Mapping, ReconciliationException, SyncRun
from hub.services import change as changes
from hub.services import run as runs
from tests.factories import UserFactory
from tests.hub.services.run.coded import coded
from tests.hub.services.run.test_lane_history import KEYS, Life
from tests.simulator import KilledError

# Of each step: whose it is, and how many corrections of the mapping it takes until it can be mapped.
STEPS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0, 0, 1, 2])), min_size=3, max_size=10)
MEANWHILE = st.lists(
    st.one_of(
        st.tuples(st.just("drain"), st.integers(0, 3)),
        st.tuples(st.just("cut"), st.sampled_from([1, 2, 4])),
        st.tuples(st.sampled_from(["kill", "lose", "ask", "skip"]), st.sampled_from("ab")),
        st.tuples(st.just("correct"), st.just(0)),
        st.tuples(st.just("run"), st.just(0)),
    ),
    max_size=14,
)
EXAMPLES = int(os.environ.get("PROOF_EXAMPLES", "4"))
POINTS = (
    "page.committed", "page.sorted", "sending.committed", "keep.committed", "fill.committed", "again.committed",
)  # fmt: skip


class KeptLife(Life):
    """A life in which some steps cannot be mapped until the mapping has been corrected, once or twice."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, meanwhile: list[tuple[str, Any]]) -> None:
        super().__init__(monkeypatch, meanwhile)
        self.towns: dict[int, list[str]] = {0: [], 1: [], 2: []}
        self.corrections = 0
        self.told: dict[str, list[str]] = {key: [] for key in KEYS}

    def step(self, number: int, key: str, corrections: int) -> None:
        town = f"town {number}"
        self.feed.step(key, name=key, city=town)
        self.towns[corrections].append(town)
        self.told[key].append(town)

    def correct(self) -> None:
        """The next version of the mapping knows more towns."""
        known = [town for needed, towns in self.towns.items() for town in towns if needed <= self.corrections]
        self.pair.activate(Mapping.objects.get(pk=self.pair.mapping.pk), coded(*known))
        self.pair.mapping.refresh_from_db()
        self.corrections += 1

    def happen(self) -> None:
        what, which = next(self.left, ("", None))
        if what == "correct":
            self.correct()
        elif what in ("ask", "skip"):
            self.settle(what, str(which))
        elif what == "run":
            self.ask()
        elif what:
            self.left = _first((what, which), self.left)
            super().happen()

    def settle(self, what: str, key: str) -> None:
        """A person asks for another try of what the record is stuck at, or leaves it out."""
        head = Change.objects.filter(
            mapping=self.pair.mapping, source_key=key, state=State.REJECTED, kept__isnull=False
        ).first()
        if head is None:
            return
        if what == "ask":
            changes.map_anew(change=head, by=UserFactory())
            return
        changes.skip(change=head, by=UserFactory(), reason="It was a test.")
        town = self.feed.steps[int(str(head.source_version))].data["city"]
        self.told[key].remove(town)

    def is_in_order(self) -> bool:
        """What has been written of each record is the beginning of what it was told, with nothing left out."""
        return all(self.written(key) == self.told[key][: len(self.written(key))] for key in KEYS)

    def end(self) -> None:
        """All is corrected, and everybody works until nothing is left."""
        while self.corrections <= 2:
            self.correct()
        for _ in range(2):
            self.ask()
            self.calm_down()

    def ask(self) -> None:
        """A run of what is new: to read a feed from its beginning would be to take every step again."""
        Checkpoint.objects.filter(mapping=self.pair.mapping).update(complete_at=clock.now())
        with suppress(runs.LiveRunError):
            self.pair.ask()


def _first(one: tuple[str, Any], rest: Any) -> Any:
    yield one
    yield from rest


@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(steps=[("a", 0), ("a", 2), ("a", 1), ("a", 0)], meanwhile=[("correct", 0), ("ask", "a"), ("drain", 1)])
@given(STEPS, MEANWHILE)
def test_every_step_that_nobody_left_out_arrives_in_its_order(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]], meanwhile: list[Any]
) -> None:
    life = KeptLife(monkeypatch, meanwhile)
    for number, (key, corrections) in enumerate(steps):
        life.step(number, key, corrections)
    life.correct()

    life.ask()
    for name in POINTS:
        failpoint.arm(name, life.happen)
    for _ in range(3):
        with suppress(KilledError):
            life.drain(0)
        assert life.is_in_order()
    failpoint.disarm()
    life.end()

    assert {key: life.written(key) for key in KEYS} == life.told
    mine = life.pair.mapping
    assert not Change.objects.filter(mapping=mine, state__in=[*sorted(OPEN), State.REJECTED]).exists()
    assert not ReconciliationException.objects.filter(mapping=mine, state="open").exists()
    for run in SyncRun.objects.filter(mapping=mine):
        assert run.state == "succeeded", run.reason
        assert run.received == sum(run.balance.values()) - run.received
