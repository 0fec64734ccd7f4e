"""A worker gives way to others when its turn is over, and goes on where it stood."""

import pytest

from hub.engine import fair
from hub.models import Lane, RunState, SyncRun
from hub.services import run as runs
from tests.hub.services.run.conftest import Pair


@pytest.fixture
def busy(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A pair with something to do, while others wait for a worker and turns are over at once."""
    for number in range(9):
        pair.source.put(f"c{number}", name=f"Customer {number}", city="Kiel")
    monkeypatch.setattr("hub.queue.waiting", lambda: 1)
    monkeypatch.setattr(fair, "LEAST", 0.0)
    monkeypatch.setattr(fair, "QUANTUM", 0.0)
    monkeypatch.setattr("hub.services.run.turn.LOOK_SECONDS", 0.0)
    return pair


def _pages(run: SyncRun) -> int:
    return SyncRun.objects.get(pk=run.pk).pages


def work(pair: Pair) -> None:
    """One job of a worker."""
    runs.drain(lane_id=Lane.objects.get(mapping=pair.mapping, slice=0).pk, owner="worker", gives_way=True)


def test_a_run_gives_way_after_its_turn_without_failing(busy: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    run = busy.ask()
    monkeypatch.setattr(fair, "turn_seconds", lambda lanes: 0.0 if _pages(run) >= 1 else 1e9)

    work(busy)
    run.refresh_from_db()
    assert (run.state, run.reason_code, run.tries, run.due_at) == (RunState.QUEUED, "gave-way", 0, None)
    assert run.pages == 1

    monkeypatch.setattr("hub.queue.waiting", lambda: 0)
    work(busy)
    run.refresh_from_db()
    assert (run.state, run.created, run.received) == (RunState.SUCCEEDED, 9, 9)


def test_nobody_gives_way_when_nobody_waits(busy: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.queue.waiting", lambda: 0)
    run = busy.ask()

    work(busy)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED


def test_a_person_at_the_shell_gives_way_to_nobody(busy: Pair) -> None:
    run = busy.ask()

    runs.execute_here(run=run)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED
