"""The sweep rings again for whatever the doorbell forgot, and leaves alone what nobody can do anything about."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub import clock
from hub.engine.intent import State
from hub.models import Change, Lane, RunState, SyncRun
from hub.services import sweep
from tests import factories as make

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
MOMENT = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lanes that were rung."""
    rung: list[int] = []
    monkeypatch.setattr("hub.queue.ring", rung.append)
    return rung


@pytest.fixture
def lane(db: None) -> Lane:
    """A free lane with nothing to do."""
    return make.LaneFactory(mapping=make.MappingFactory(active=True))


def queued(lane: Lane, **given: Any) -> SyncRun:
    """A live run of the lane's mapping."""
    return make.SyncRunFactory(mapping=lane.mapping, **{"state": RunState.QUEUED, **given})


def changed(lane: Lane, **given: Any) -> Change:
    """An open change of the lane's mapping, of a run that has ended."""
    run = make.SyncRunFactory(mapping=lane.mapping, state=RunState.PARTIAL, in_flight=1)
    return make.ChangeFactory(run=run, link=make.LinkFactory(mapping=lane.mapping), **given)


class TestSweep:
    def test_is_silent_when_nothing_is_to_do(self, lane: Lane, rings: list[int]) -> None:
        make.SyncRunFactory(mapping=lane.mapping)

        assert (sweep.sweep(NOW), rings) == (0, [])

    def test_rings_for_a_queued_run(self, lane: Lane, rings: list[int]) -> None:
        queued(lane)
        make.LaneFactory()

        assert (sweep.sweep(NOW), rings) == (1, [lane.pk])

    def test_rings_for_a_run_to_be_tried_again_when_its_time_has_come(self, lane: Lane, rings: list[int]) -> None:
        queued(lane, due_at=NOW + MOMENT)

        assert [sweep.sweep(NOW), sweep.sweep(NOW + MOMENT)] == [0, 1]

    @pytest.mark.parametrize(
        ("before", "expected"), [(RunState.QUEUED, False), (RunState.RUNNING, False), (RunState.SUCCEEDED, True)]
    )
    def test_rings_for_a_follower_only_when_its_predecessor_has_ended(
        self, before: RunState, lane: Lane, rings: list[int], *, expected: bool
    ) -> None:
        predecessor = make.SyncRunFactory(state=before)  # without a lane, so that nothing else can be rung
        queued(lane, after=predecessor)

        sweep.sweep(NOW)

        assert (rings == [lane.pk]) is expected

    @pytest.mark.parametrize(
        "state",
        [State.READY, State.RETRY_WAIT, State.AUTH_HELD, State.SENDING, State.AMBIGUOUS, State.PROBING],
    )
    def test_rings_for_a_change_that_is_due(self, state: State, lane: Lane, rings: list[int]) -> None:
        change = changed(lane, state=state, due_at=NOW + MOMENT)

        assert sweep.sweep(NOW) == 0
        assert sweep.sweep(NOW + MOMENT) == 1
        Change.objects.filter(pk=change.pk).update(due_at=None)
        assert sweep.sweep(NOW + timedelta(minutes=1)) == 1

    @pytest.mark.parametrize("state", [State.PLANNED, State.HELD, State.PARKED, State.APPLIED, State.REJECTED])
    def test_is_silent_about_a_change_that_waits_for_a_person_or_has_ended(
        self, state: State, lane: Lane, rings: list[int]
    ) -> None:
        changed(lane, state=state)

        assert (sweep.sweep(NOW), rings) == (0, [])

    def test_rings_once_for_a_lane_with_much_to_do(self, lane: Lane, rings: list[int]) -> None:
        queued(lane)
        changed(lane, state=State.READY)
        changed(lane, state=State.SENDING)

        assert (sweep.sweep(NOW), rings) == (1, [lane.pk])

    def test_leaves_a_held_lane_to_its_worker(self, lane: Lane, rings: list[int]) -> None:
        queued(lane, state=RunState.RUNNING)
        assert lane.claim("worker")

        assert (sweep.sweep(clock.now()), rings) == (0, [])

    def test_rings_when_the_lease_of_a_dead_worker_has_run_out(self, lane: Lane, rings: list[int]) -> None:
        queued(lane, state=RunState.RUNNING)
        lane.claim("doomed")
        Lane.objects.update(lease_until=clock.now() - MOMENT)

        assert (sweep.sweep(clock.now()), rings) == (1, [lane.pk])

    def test_does_not_ring_again_at_once(self, lane: Lane, rings: list[int]) -> None:
        queued(lane)

        assert [sweep.sweep(NOW), sweep.sweep(NOW + timedelta(seconds=29))] == [1, 0]

    def test_rings_again_after_half_a_minute(self, lane: Lane, rings: list[int]) -> None:
        queued(lane)
        later = NOW + timedelta(seconds=31)

        assert [sweep.sweep(NOW), sweep.sweep(later), sweep.sweep(later)] == [1, 1, 0]
        lane.refresh_from_db()
        assert lane.rung_at == later
