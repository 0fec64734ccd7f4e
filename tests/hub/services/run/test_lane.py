"""Many workers drain one mapping: each lane by one of them, records in order, and whoever is last ends the run."""

import pytest

from hub import clock, failpoint
from hub.engine import lane as lanes
from hub.engine.intent import State
from hub.models import Change, Hint, Lane, LeaseLostError, RunState, SeenPage, SyncRun
from hub.models import lane as lane_model
from hub.sdk import TransientError
from hub.services import run as runs
from hub.services.run import pick
from tests.factories import UserFactory
from tests.hub.services.run.conftest import Pair

KEYS = [f"c{number}" for number in range(12)]


@pytest.fixture
def cut(pair: Pair) -> Pair:
    """The pair, its mapping cut into four lanes, with a record or more for each."""
    pair.mapping.slices = 4
    pair.mapping.save()
    for key in KEYS:
        pair.source.put(key, name=key, city="Kiel")
    return pair


def lane(pair: Pair, number: int) -> Lane:
    return runs.lane_of(pair.mapping, number)


def held_by_others(pair: Pair, *numbers: int) -> list[Lane]:
    """These lanes, each in the hands of some other worker."""
    held = [lane(pair, number) for number in numbers]
    assert all(one.claim(f"other {one.slice}") for one in held)
    return held


def let_go(*held: Lane) -> None:
    for one in held:
        one.release()


def of_lane(number: int, slices: int = 4) -> list[str]:
    return [key for key in KEYS if lanes.slice_of(key, slices) == number]


def _fail_to_read_on() -> None:
    """From the third page on, each time: the wait after a failure is drawn by lot and may be over at once."""
    if SyncRun.objects.filter(pages__gte=2).exists():
        raise TransientError("The source is away.")


class TestOneWorker:
    def test_comes_to_an_end_of_all_lanes(self, cut: Pair) -> None:
        run = cut.run()

        assert (run.state, run.created, len(cut.there())) == (RunState.SUCCEEDED, 12, 12)
        assert Lane.objects.filter(mapping=cut.mapping).count() == 4
        assert not Lane.objects.filter(lease_until__isnull=False).exists()

    def test_goes_on_with_what_a_killed_one_left_in_every_lane(self, cut: Pair) -> None:
        cut.destination.kill_at = {of_lane(2)[0]: "after"}
        run = cut.ask()
        cut.work_until_killed()

        cut.work()
        for number in range(4):
            runs.drain(lane_id=lane(cut, number).pk, owner="second")

        run.refresh_from_db()
        assert (run.state, run.created) == (RunState.SUCCEEDED, 12)
        assert len(cut.destination.effects) == 12

    def test_holds_back_its_reading_while_too_much_waits(self, cut: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.services.run.share.ROOM", 1)
        most = 0

        def look() -> None:
            nonlocal most
            most = max(most, Change.objects.filter(state=State.READY).count())

        cut.mapping.page_size = 1
        cut.mapping.save()
        cut.source.between_pages = look

        run = cut.run()

        assert (run.state, run.created) == (RunState.SUCCEEDED, 12)
        assert most <= 5


class TestManyWorkers:
    def test_leave_to_each_other_what_the_other_holds(self, cut: Pair) -> None:
        others = held_by_others(cut, 1, 2, 3)

        run = cut.run()

        assert (run.state, run.is_draining) == (RunState.RUNNING, True)
        assert sorted(cut.there()) == sorted(of_lane(0))
        let_go(*others)

    def test_end_the_run_together_whoever_comes_last(self, cut: Pair) -> None:
        others = held_by_others(cut, 1, 2, 3)
        run = cut.run()
        let_go(*others)

        ended = []
        for number in (3, 1, 2):
            runs.drain(lane_id=lane(cut, number).pk, owner=f"worker {number}")
            run.refresh_from_db()
            ended.append(run.state)

        assert ended == [RunState.RUNNING, RunState.RUNNING, RunState.SUCCEEDED]
        assert run.created == 12
        assert len(cut.destination.effects) == 12

    def test_let_followers_start_only_then(self, cut: Pair) -> None:
        held_by_others(cut, 1)
        run = cut.run()

        with pytest.raises(runs.LiveRunError):
            cut.ask()
        assert run.is_live

    def test_take_back_what_was_not_sent_when_the_run_is_cancelled(self, cut: Pair) -> None:
        others = held_by_others(cut, 1, 2, 3)
        run = cut.run()

        runs.cancel(run=run, by=UserFactory(), reason="Wrong day.")
        cut.work()

        run.refresh_from_db()
        assert (run.state, run.created, run.excluded) == (RunState.CANCELLED, len(of_lane(0)), 12 - len(of_lane(0)))
        let_go(*others)
        assert cut.run().created == 12 - len(of_lane(0))

    def test_take_back_what_was_not_sent_when_a_run_that_waits_is_cancelled(self, cut: Pair) -> None:
        others = held_by_others(cut, 1, 2, 3)
        cut.source.between_pages = _fail_to_read_on
        run = cut.run(full=True)
        assert (run.state, Change.objects.filter(state=State.READY).exists()) == (RunState.QUEUED, True)

        runs.cancel(run=run, by=UserFactory(), reason="Wrong day.")

        run.refresh_from_db()
        let_go(*others)
        assert (run.state, run.in_flight) == (RunState.CANCELLED, 0)
        assert not Change.objects.filter(state=State.READY).exists()
        assert not SeenPage.objects.exists()

    def test_count_a_newer_state_of_a_record_that_one_of_them_sends_as_held(self, cut: Pair) -> None:
        """The reader reads open changes before links; one that leaves after that is not superseded."""
        key = of_lane(1)[0]
        other = held_by_others(cut, 1)[0]
        cut.run()
        SyncRun.objects.update(state=RunState.PARTIAL, is_draining=False)
        cut.source.put(key, city="Bonn")

        def leaves() -> None:
            Change.objects.filter(source_key=key).update(state=State.SENDING, epoch=other.epoch)

        failpoint.arm("page.sorted", leaves)
        run = cut.run()
        failpoint.disarm()

        assert run.held == 1
        assert Hint.objects.filter(source_key=key).exists()
        assert Change.objects.filter(source_key=key).count() == 1


class TestFencing:
    def test_lets_a_stale_epoch_change_nothing(self, cut: Pair) -> None:
        """I7: what a worker learns after it lost its lane is void; the next one finds out by itself."""

        def lose_the_lane(change: object) -> None:
            cut.destination.on_request = lambda change: None
            cut.expire()
            assert lane(cut, 0).claim("second")

        cut.destination.on_request = lose_the_lane
        cut.ask()
        cut.work("first")

        states = {State(state) for _, state in cut.states()}
        assert State.APPLIED not in states
        cut.expire()
        cut.work("third")
        assert len(cut.destination.effects) == len(cut.there()) == 12

    def test_stops_sending_once_the_lease_may_have_ended(self, cut: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """Row 19: a worker that slept past its lease sends nothing more once it wakes."""
        slept = 0.0
        real = lane_model._elapsed
        monkeypatch.setattr(lane_model, "_elapsed", lambda: real() + slept)

        def sleep(change: object) -> None:
            nonlocal slept
            slept = 120
            cut.destination.on_request = lambda change: None
            cut.expire()
            assert lane(cut, 0).claim("second")

        cut.mapping.slices, cut.mapping.page_size = 1, 12
        cut.mapping.save()
        cut.destination.on_request = sleep
        cut.ask()
        cut.work("first")

        assert len(cut.destination.effects) == 1

    def test_prolongs_a_lease_that_is_short_but_not_lost(self, cut: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        slept = 0.0
        real = lane_model._elapsed
        monkeypatch.setattr(lane_model, "_elapsed", lambda: real() + slept)

        def sleep(change: object) -> None:
            nonlocal slept
            slept += 50

        cut.destination.on_request = sleep

        assert cut.run().created == 12

    def test_refuses_an_outcome_of_a_change_that_another_lane_took_over(self, cut: Pair) -> None:
        def taken_over(change: object) -> None:
            cut.destination.on_request = lambda change: None
            Change.objects.filter(state=State.SENDING).update(epoch=7)

        cut.destination.on_request = taken_over
        cut.ask()
        cut.work()

        assert not Change.objects.filter(state=State.APPLIED, epoch=7).exists()


class TestDue:
    def test_leaves_alone_what_another_lease_is_sending(self, cut: Pair) -> None:
        others = held_by_others(cut, 1)
        cut.run()
        Change.objects.filter(state=State.READY).update(state=State.SENDING, epoch=others[0].epoch)
        mine = lane(cut, 0)
        mine.claim("me")

        assert not pick.due(mine, 1, clock.now()).exists()
        let_go(*others)
        assert pick.due(mine, 1, clock.now()).count() == len(of_lane(1))

    def test_gives_nothing_to_a_lane_beyond_the_number_of_lanes(self, cut: Pair) -> None:
        held_by_others(cut, 1, 2, 3)
        cut.run()

        assert pick.due(lane(cut, 1), 4, clock.now()).exists()
        assert not pick.due(lane(cut, 3), 2, clock.now()).exists()

    @pytest.mark.parametrize("slices", [1, 2, 16, 64])
    def test_misses_nothing_when_the_number_of_lanes_changes(self, cut: Pair, slices: int) -> None:
        others = held_by_others(cut, 1, 2, 3)
        run = cut.run()
        let_go(*others)

        cut.mapping.slices = slices
        cut.mapping.save()
        for number in range(slices):
            runs.drain(lane_id=lane(cut, number).pk, owner="worker")

        run.refresh_from_db()
        assert (run.state, run.created, len(cut.destination.effects)) == (RunState.SUCCEEDED, 12, 12)


def test_a_lost_lease_is_told_before_anything_is_sent(cut: Pair) -> None:
    held = held_by_others(cut, 0)[0]
    cut.expire()
    lane(cut, 0).claim("second")

    with pytest.raises(LeaseLostError):
        held.hold()
