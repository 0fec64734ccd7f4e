"""A run is taken up, put off and ended by the worker that holds its lease, and by nobody else."""

import pytest

from hub.models import Lane, LeaseLostError, RunState, SyncRun
from hub.sdk import TransientError
from hub.services import run as runs
from hub.services.run import books, life
from tests.factories import UserFactory
from tests.hub.services.run.conftest import Pair


def held(pair: Pair) -> Lane:
    lane = runs.lane_of(pair.mapping)
    assert lane.claim("worker")
    return lane


class TestARunTakenUp:
    def test_keeps_what_other_lanes_count_meanwhile(self, pair: Pair) -> None:
        """Counts balance (I13): the reader must not put back what it read a moment earlier."""
        run = pair.ask()
        books.add(run.pk, received=9, in_flight=9)
        seen = SyncRun.objects.get(pk=run.pk)
        books.add(run.pk, in_flight=-9, created=9)

        assert life.start(seen, held(pair))

        run.refresh_from_db()
        assert (run.state, run.received, run.created, run.in_flight) == (RunState.RUNNING, 9, 9, 0)

    def test_is_still_cancelled_when_somebody_asks_for_it_meanwhile(self, pair: Pair) -> None:
        run, lane = pair.ask(), held(pair)
        life.start(run, lane)
        seen = SyncRun.objects.get(pk=run.pk)
        runs.cancel(run=run, by=UserFactory(), reason="wrong mapping")

        assert life.start(seen, lane)

        assert SyncRun.objects.get(pk=run.pk).cancel_asked

    def test_that_was_ended_meanwhile_stays_ended(self, pair: Pair) -> None:
        run = pair.ask()
        seen = SyncRun.objects.get(pk=run.pk)
        runs.cancel(run=run, by=UserFactory(), reason="not now")

        assert not life.start(seen, held(pair))

        run.refresh_from_db()
        assert run.state == RunState.CANCELLED

    def test_is_not_taken_up_by_a_worker_that_lost_its_lease(self, pair: Pair) -> None:
        run, lane = pair.ask(), held(pair)
        pair.expire()
        pair.work("second")

        with pytest.raises(LeaseLostError):
            life.start(SyncRun.objects.get(pk=run.pk), lane)

        run.refresh_from_db()
        assert run.state == RunState.SUCCEEDED


class TestAWorkerThatSleptPastItsLease:
    """I7: a stale epoch changes nothing."""

    @pytest.mark.parametrize("problem", [TransientError("The answer came too late."), ValueError("no such thing")])
    def test_does_not_touch_the_run_another_one_has_ended(self, pair: Pair, problem: Exception) -> None:
        for number in range(5):
            pair.source.put(f"c{number}", name=str(number), city="Kiel")
        run = pair.ask()

        def sleep() -> None:
            pair.source.between_pages = lambda: None
            pair.expire()
            pair.work("second")
            raise problem

        pair.source.between_pages = sleep
        pair.work("sleeper")

        run.refresh_from_db()
        assert (run.state, run.created, run.reason) == (RunState.SUCCEEDED, 5, "Records written: 5.")

    def test_does_not_put_off_the_run_another_one_is_at_work_on(self, pair: Pair) -> None:
        run = pair.ask()
        mine = held(pair)
        life.start(run, mine)
        pair.expire()
        other = runs.lane_of(pair.mapping)
        assert other.claim("second")
        assert life.start(SyncRun.objects.get(pk=run.pk), other)

        life.try_later(run, TransientError("late"))

        run.refresh_from_db()
        assert (run.state, run.epoch, run.due_at) == (RunState.RUNNING, other.epoch, None)
