"""Whatever happens, in whatever order: nothing is lost, nothing is written twice, and every record is accounted for."""

from contextlib import suppress
from itertools import chain, count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from hub import registry
from hub.engine.intent import UNRESOLVED
from hub.models import Change, Checkpoint, Connection, Hint, Lane, Link, Mapping, ReconciliationException, SyncRun
from hub.sdk import CursorKind
from hub.services import run as runs
from tests import simulator
from tests.factories import ConnectionFactory, IntegrationFactory
from tests.hub.services.run.conftest import BODY, Pair, activate
from tests.simulator import CONDITIONAL, UNIQUE, ThirdParty

KEYS = st.sampled_from(["a", "b", "c", "d", "e"])
EDITS = st.one_of(
    st.tuples(st.just("edit"), KEYS, st.sampled_from(["Kiel", "Bonn", "Köln"])),
    st.tuples(st.just("edit"), KEYS, st.sampled_from(["Kiel", "Bonn", "Köln"])),
    st.tuples(st.just("drop"), KEYS),
    st.tuples(st.just("person edits there"), KEYS, st.sampled_from(["Ulm", "Jena"])),
)
FAULTS = st.tuples(st.sampled_from(["lose answer", "kill before", "kill after", "refuse", "not now"]), KEYS)
RUNS = st.tuples(st.sampled_from(["run", "run everything"]))
# A day: people edit here and there, something will go wrong, the run starts.
DAYS = st.tuples(
    st.lists(EDITS, min_size=1, max_size=3), st.lists(FAULTS, max_size=2), st.lists(RUNS, min_size=1, max_size=2)
)
NUMBERS = count(1)


class History:
    """One random life of an integration."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cursor: CursorKind, write: Any) -> None:
        number = next(NUMBERS)
        source, destination = ThirdParty(cursor=cursor), ThirdParty(write=write)
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
            delete_policy="delete",
            page_size=2,
            max_deletions=100,
        )
        activate(mapping, BODY)
        self.pair = Pair(source, destination, mapping, activate)
        self.edited_there: set[str] = set()
        for key in "abc":
            source.put(key, name=key, city="Kiel")

    def act(self, what: str, *given_: str) -> None:
        source, destination = self.pair.source, self.pair.destination
        if what == "edit":
            source.put(given_[0], name=given_[0], city=given_[1])
        elif what == "drop" and given_[0] in source.rows:
            source.drop(given_[0])
        elif what == "person edits there":
            for key in [key for key, row in destination.rows.items() if row.reference == given_[0]]:
                destination.put(key, city=given_[1])
                self.edited_there.add(given_[0])
        elif what.startswith("kill"):
            destination.kill_at[given_[0]] = what.split()[1]
        elif what in ("lose answer", "refuse", "not now"):
            faults = {
                "lose answer": destination.lose_answer,
                "refuse": destination.refuse,
                "not now": destination.not_now,
            }
            faults[what].add(given_[0])
        elif what.startswith("run"):
            self.run(full=what == "run everything")

    def run(self, *, full: bool) -> None:
        with suppress(runs.LiveRunError):
            self.pair.ask(full=full)
        self.work()

    def work(self) -> None:
        try:
            self.pair.work()
        except simulator.KilledError:
            self.pair.expire()

    def calm_down(self) -> None:
        """Faults off; a few rounds of work, as the sweeper would order them."""
        destination = self.pair.destination
        for faults in (destination.lose_answer, destination.refuse, destination.not_now):
            faults.clear()
        destination.kill_at.clear()
        Link.objects.filter(mapping=self.pair.mapping).update(refused_digest="", quiet_until=None)
        Connection.objects.update(landing_seconds=0)
        for _ in range(3):
            Change.objects.filter(mapping=self.pair.mapping).update(due_at=None)
            SyncRun.objects.filter(mapping=self.pair.mapping).update(due_at=None)
            self.run(full=True)


@settings(
    max_examples=30,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    days=[
        ([("edit", "c", "Bonn"), ("edit", "a", "Kiel")], [("kill before", "a")], [("run everything",)]),
        ([("drop", "a")], [("lose answer", "e")], [("run",), ("run",)]),
    ],
    cursor=CursorKind.SEQUENCE,
    conditional=True,
)
@given(st.lists(DAYS, min_size=1, max_size=4), st.sampled_from([CursorKind.SEQUENCE, CursorKind.NONE]), st.booleans())
def test_every_history_ends_in_agreement_or_with_a_person(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, days: list[Any], cursor: CursorKind, conditional: bool
) -> None:
    history = History(monkeypatch, cursor, CONDITIONAL if conditional else UNIQUE)
    for day in days:
        for action in chain.from_iterable(day):
            history.act(*action)
    history.calm_down()

    pair, mapping = history.pair, history.pair.mapping
    references = [row.reference for row in pair.destination.rows.values()]
    assert len(references) == len(set(references)), "a record was created twice"

    with_a_person = set(
        ReconciliationException.objects.filter(mapping=mapping, state="open").values_list("source_key", flat=True)
    )
    unsettled = set(
        Change.objects.filter(mapping=mapping, state__in=sorted(UNRESOLVED)).values_list("source_key", flat=True)
    )
    assert unsettled <= with_a_person, "an open question nobody was asked"
    wanted = {key: {"name": key, "city": row.data["city"]} for key, row in pair.source.rows.items()}
    excused = with_a_person | history.edited_there
    assert {k: v for k, v in wanted.items() if k not in excused} == {
        k: v for k, v in pair.there().items() if k not in excused
    }
    for run in SyncRun.objects.filter(mapping=mapping):
        assert run.received == sum(run.balance.values()) - run.received
        assert run.state not in ("queued", "running")
    assert Checkpoint.objects.filter(mapping=mapping).count() <= 1
    assert not Lane.objects.filter(mapping=mapping, lease_until__isnull=False).exists()
    assert not Hint.objects.filter(mapping=mapping).exclude(source_key__in=with_a_person).exists()
