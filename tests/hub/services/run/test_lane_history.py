"""Whatever pages and drainers do in whatever order: every record's steps reach the destination in theirs."""

from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub import failpoint
from hub.engine.intent import OPEN
from hub.models import Change, Lane, Mapping, SyncRun
from hub.services import run as runs
from tests.factories import ConnectionFactory, IntegrationFactory
from tests.hub.services.run.conftest import BODY, Pair, activate
from tests.hub.services.run.test_transition import Feed
from tests.simulator import KilledError, ThirdParty, connector

KEYS = "abcd"
NUMBERS = count(1)
# Between two pages anybody may drain a lane, the mapping may be cut anew, and a worker may be killed in the middle.
MEANWHILE = st.one_of(
    st.tuples(st.just("drain"), st.integers(0, 3)),
    st.tuples(st.just("drain"), st.integers(0, 3)),
    st.tuples(st.just("cut"), st.sampled_from([1, 2, 4])),
    st.tuples(st.just("kill"), st.sampled_from(KEYS)),
    st.tuples(st.just("lose"), st.sampled_from(KEYS)),
)


class Life:
    """One random life of a mapping of steps, whose pages and drainers meet in a random order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, meanwhile: list[tuple[str, Any]]) -> None:
        number = next(NUMBERS)
        feed, there = Feed(), ThirdParty()
        plates = {f"shop{number}": connector(f"shop{number}", feed), f"books{number}": connector("books", there)}
        monkeypatch.setattr("hub.registry.get", plates.__getitem__)
        monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)
        mapping = Mapping.objects.create(
            integration=IntegrationFactory(),
            name="things",
            source=ConnectionFactory(connector=f"shop{number}", config={}),
            source_stream="things",
            destination=ConnectionFactory(connector=f"books{number}", config={}, landing_seconds=0),
            destination_stream="things",
            semantics="transition",
            slices=4,
            page_size=2,
        )
        activate(mapping, BODY)
        self.feed, self.pair, self.left = feed, Pair(feed, there, mapping, activate), iter(meanwhile)

    def drain(self, number: int) -> None:
        """One worker takes one lane for as long as it lives."""
        try:
            runs.drain(lane_id=runs.lane_of(self.pair.mapping, number).pk, owner=f"worker {number}")
        except KilledError:
            Lane.objects.filter(mapping=self.pair.mapping, slice=number).update(lease_until="2000-01-01T00:00:00Z")

    def happen(self) -> None:
        """The next thing that somebody does between two steps of the reader."""
        step: tuple[str, Any] = next(self.left, ("", None))
        what, which = step
        if what == "drain" and which < self.pair.mapping.slices:
            self.drain(which)
        elif what == "cut":
            self.pair.mapping.slices = which
            self.pair.mapping.save(update_fields=["slices"])
        elif what == "kill":
            self.pair.destination.kill_at[which] = "after"
        elif what == "lose":
            self.pair.destination.lose_answer.add(which)

    def calm_down(self) -> None:
        """No more faults; workers take every lane until nothing is left."""
        self.pair.destination.kill_at.clear()
        self.pair.destination.lose_answer.clear()
        for _ in range(4):
            self.pair.expire()
            Change.objects.filter(mapping=self.pair.mapping, state__in=sorted(OPEN)).update(due_at=None)
            SyncRun.objects.filter(mapping=self.pair.mapping).update(due_at=None)
            for number in range(self.pair.mapping.slices):
                self.drain(number)

    def written(self, key: str) -> list[str]:
        effects = self.pair.destination.store.ledger.by_hub()
        return [effect.fields["city"] for effect in effects if effect.reference == key]


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(KEYS), min_size=4, max_size=14), st.lists(MEANWHILE, max_size=16))
def test_every_interleaving_keeps_the_order_of_each_record(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, steps: list[str], meanwhile: list[tuple[str, Any]]
) -> None:
    life = Life(monkeypatch, meanwhile)
    told: dict[str, list[str]] = {key: [] for key in KEYS}
    for number, key in enumerate(steps):
        life.feed.step(key, name=key, city=f"town {number}")
        told[key].append(f"town {number}")

    life.pair.ask()
    for name in ("page.committed", "page.sorted", "sending.committed"):
        failpoint.arm(name, life.happen)
    with suppress(KilledError):
        life.drain(0)
    failpoint.disarm()
    life.calm_down()

    assert {key: life.written(key) for key in KEYS} == told
    assert not Change.objects.filter(mapping=life.pair.mapping, state__in=sorted(OPEN)).exists()
    for run in SyncRun.objects.filter(mapping=life.pair.mapping):
        assert run.state == "succeeded", run.reason
        assert run.received == len(steps) == sum(run.balance.values()) - run.received
