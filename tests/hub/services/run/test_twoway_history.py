"""Whatever people and systems do on both sides: agreement or a question in bounded steps, and then the writes stop."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from hub import registry
from hub.models import (
    Change,
    Connection,
    Direction,
    Link,
    Mapping,
    ReconciliationException,
    RunState,
    SyncRun,
    provisional,
)
from hub.services import run as runs
from tests import simulator
from tests.factories import ConnectionFactory, IntegrationFactory
from tests.hub.services.run.both_ways import body
from tests.hub.services.run.conftest import Pair, activate
from tests.simulator import PROFILES, ThirdParty
from tests.simulator.ledger import PERSON, duplicated, overwritten_unseen

SIDES = st.sampled_from(["source", "destination"])
NAMES = st.sampled_from(["name", "city", "owned"])
VALUES = st.sampled_from(["Kiel", "Bonn am Rhein", "Ulm"])
KEYS = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("edit"), SIDES, KEYS, NAMES, VALUES),
    st.tuples(st.just("edit"), SIDES, KEYS, NAMES, VALUES),
    st.tuples(st.just("drop"), SIDES, KEYS),
    st.tuples(st.just("new"), SIDES, KEYS),
    st.tuples(st.sampled_from(["lose answer", "kill before", "kill after"]), SIDES, KEYS),
    st.tuples(st.sampled_from(["run", "run everything"])),
)
NUMBERS = count(1)


class History:
    """One random life of a two-way mapping between two systems with conditional writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
        number = next(NUMBERS)
        source = ThirdParty(profile=PROFILES["conditional"])
        destination = ThirdParty(profile=PROFILES[profile])
        plates = {
            f"shop{number}": simulator.connector("shop", source),
            f"books{number}": simulator.connector("books", destination),
        }
        monkeypatch.setattr(registry, "get", plates.__getitem__)
        monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)
        mapping = Mapping.objects.create(
            integration=IntegrationFactory(),
            name="things",
            source=ConnectionFactory(connector=f"shop{number}", config={}),
            source_stream="things",
            destination=ConnectionFactory(connector=f"books{number}", config={}),
            destination_stream="things",
            direction=Direction.TWO_WAY,
            delete_policy="delete",
            back_delete_policy="delete",
            page_size=2,
            max_deletions=100,
        )
        activate(mapping, body())
        self.pair = Pair(source, destination, mapping, activate)
        for key in "abc":
            source.put(key, name=key, city="Kiel", owned="x")
        self.work("run")

    def act(self, what: str, *told: Any) -> None:
        """One step of a life."""
        if what.startswith("run"):
            self.work(what)
            return
        party = self.pair.source if told[0] == "source" else self.pair.destination
        if what == "new":
            party.put(f"N{told[1]}", name="new", city="Ulm", owned="x")
            return
        key = self.key(told[0], told[1])
        if what == "edit" and key in party.rows:
            party.put(key, **{told[2]: told[3]})
        elif what == "drop" and key in party.rows:
            party.drop(key)
        elif what == "lose answer":
            party.lose_answer.add(self.key("destination" if told[0] == "source" else "source", told[1]))
        elif what.startswith("kill"):
            party.kill_at[self.key("destination" if told[0] == "source" else "source", told[1])] = what.split()[1]

    def key(self, side: str, key: str) -> str:
        """The key of a record on that side."""
        link = Link.objects.filter(mapping=self.pair.mapping, source_key=key).first()
        return key if side == "source" or link is None else link.destination_key or key

    def work(self, what: str) -> None:
        """Ask for a run, and work until done or killed."""
        with suppress(runs.LiveRunError):
            self.pair.ask(full=what == "run everything")
        try:
            self.pair.work()
        except simulator.KilledError:
            self.pair.expire()

    def calm_down(self) -> None:
        """Faults off; a few rounds of work, as the sweeper would order them."""
        for party in (self.pair.source, self.pair.destination):
            party.lose_answer.clear()
            party.kill_at.clear()
        Connection.objects.update(landing_seconds=0)
        for _ in range(4):
            Change.objects.filter(mapping=self.pair.mapping).update(due_at=None)
            Link.objects.filter(mapping=self.pair.mapping).update(quiet_until=None)
            SyncRun.objects.filter(mapping=self.pair.mapping).update(due_at=None)
            self.work("run everything")

    @property
    def writes(self) -> int:
        """How often the hub has changed anything, on either side."""
        return len(self.pair.source.effects) + len(self.pair.destination.effects)


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    steps=[("drop", "source", "c"), ("drop", "destination", "a"), ("drop", "destination", "b"), ("run",)],
    profile="conditional",
)
@given(steps=st.lists(STEPS, min_size=1, max_size=9), profile=st.sampled_from(["conditional", "normalising"]))
def test_every_life_ends_in_agreement_or_with_a_person_and_then_writes_stop(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, steps: list[Any], profile: str
) -> None:
    """I1, I8, I10, I11, I12, I13."""
    history = History(monkeypatch, profile)
    for step in steps:
        history.act(*step)
    history.calm_down()
    pair, before = history.pair, history.writes
    history.work("run")
    history.work("run everything")

    assert history.writes == before, "writes did not stop"
    for party in (pair.source, pair.destination):
        assert duplicated(party.store.ledger) == []
        assert overwritten_unseen(party.store.ledger) == []
    assert all(
        "owned" not in effect.fields for effect in pair.source.store.ledger.by_hub() if effect.operation == "update"
    )
    assert echoes(pair) == [], "a system's own form of a value flowed back"
    with_a_person = set(
        ReconciliationException.objects.filter(mapping=pair.mapping, state="open").values_list("source_key", flat=True)
    )
    # So are deletions of all there is: the guard asks before it follows them.
    with_a_person |= set(Change.objects.filter(mapping=pair.mapping, state="held").values_list("source_key", flat=True))
    check_agreement(pair, with_a_person, PROFILES[profile])
    for run in SyncRun.objects.filter(mapping=pair.mapping):
        assert run.received == sum(run.balance.values()) - run.received
        assert run.state not in (RunState.QUEUED, RunState.RUNNING, RunState.FAILED)


def echoes(pair: Pair) -> list[tuple[str, Any]]:
    """I11: what the hub wrote at the source though nobody had entered it at the destination."""
    entered = {
        (name, value)
        for effect in pair.destination.store.ledger
        if effect.by == PERSON
        for name, value in effect.fields.items()
    }
    written = [effect.fields for effect in pair.source.store.ledger.by_hub() if effect.operation == "update"]
    return [(name, value) for fields in written for name, value in fields.items() if (name, value) not in entered]


def check_agreement(pair: Pair, excused: Iterable[str], profile: simulator.Profile) -> None:
    """Every linked record says the same on both sides, in the form of each; none stands on one side alone."""
    links = Link.objects.filter(mapping=pair.mapping, state="linked")
    for link in links:
        if link.source_key in excused:
            continue
        here, there = pair.source.rows[link.source_key].data, pair.destination.rows[link.destination_key or ""].data
        for name in ("name", "city"):
            assert profile.normalise({name: here.get(name)}) == {name: there.get(name)}
    alone = set(pair.source.rows) - set(links.values_list("source_key", flat=True))
    assert alone <= set(excused), "a record of the source stands alone"
    known = Link.objects.filter(mapping=pair.mapping)
    asked = set(known.filter(source_key__in=list(excused)).values_list("destination_key", flat=True))
    strays = set(pair.destination.rows) - set(links.values_list("destination_key", flat=True)) - asked
    assert {provisional(key) for key in strays} <= set(excused), "a record of the destination stands alone"
