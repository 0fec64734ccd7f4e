"""What becomes of slots that passed while nothing could run: by policy, once each, nothing left unsaid (R-07)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.models import Connection, Integration, RunState, Slot, SyncRun
from hub.services import pause, schedule
from tests import factories as make

SIX = datetime(2026, 11, 22, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
NINE = SIX + 3 * HOUR + timedelta(seconds=2)  # the scheduler was away from before six until now

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens."""
    monkeypatch.setattr("hub.queue.ring", lambda lane_id: None)


def scheduled(**given: Any) -> Integration:
    """An hourly integration whose six o'clock slot is next."""
    integration: Integration = make.IntegrationFactory(**{"schedule": "every 1 hour", "next_run_at": SIX, **given})
    make.MappingFactory(integration=integration, active=True)
    return integration


def became() -> list[tuple[int, str]]:
    """(hour, state) of each recorded slot, oldest first."""
    return [(slot.at.hour, slot.state) for slot in Slot.objects.order_by("at")]


def ran() -> list[int]:
    """The hours of the slots that runs were asked for, in order."""
    return [slot.hour for slot in SyncRun.objects.order_by("id").values_list("slot", flat=True) if slot]


def end_runs() -> None:
    SyncRun.objects.update(state=RunState.SUCCEEDED)


class TestOnce:
    def test_lets_one_run_make_up_for_three_hours_down(self) -> None:
        scheduled()

        assert [schedule.start_due(NINE) for _ in range(3)] == [1, 0, 0]

        assert became() == [(6, "coalesced"), (7, "coalesced"), (8, "coalesced"), (9, "filled")]
        assert ran() == [9]
        assert set(Slot.objects.values_list("run", flat=True)) == {SyncRun.objects.get().pk}

    def test_waits_for_a_run_that_is_still_going_on(self) -> None:
        integration = scheduled()
        make.SyncRunFactory(mapping=integration.mappings.get(), state=RunState.RUNNING)
        assert schedule.start_due(SIX) == 0
        assert became() == [(6, "waiting")]

        schedule.start_due(SIX + HOUR)
        end_runs()
        schedule.start_due(SIX + HOUR + timedelta(minutes=1))

        assert became() == [(6, "coalesced"), (7, "filled")]
        assert "still going on" in Slot.objects.get(at=SIX + HOUR).reason


class TestAll:
    def test_runs_each_slot_oldest_first(self) -> None:
        scheduled(missed_slots="all")

        for _ in range(4):
            schedule.start_due(NINE)
            schedule.start_due(NINE)
            end_runs()

        assert became() == [(hour, "filled") for hour in (6, 7, 8, 9)]
        assert ran() == [6, 7, 8, 9]


class TestSkip:
    def test_leaves_out_what_is_too_late_and_says_so(self) -> None:
        scheduled(missed_slots="skip", grace_minutes=90)

        schedule.start_due(NINE)

        assert became() == [(6, "skipped"), (7, "skipped"), (8, "coalesced"), (9, "filled")]
        assert Slot.objects.get(at=SIX).reason == "More than 90 minutes late. The scheduler was not there."

    def test_runs_nothing_when_all_is_too_late(self) -> None:
        scheduled(missed_slots="skip", grace_minutes=10)

        schedule.start_due(NINE + timedelta(minutes=30))

        assert {state for _, state in became()} == {"skipped"}
        assert ran() == []


def everything(integration: Integration) -> pause.Pausable:
    return pause.main_switch()


def itself(integration: Integration) -> pause.Pausable:
    return integration


def a_connection(integration: Integration) -> pause.Pausable:
    return Connection.objects.get(pk=integration.mappings.get().destination_id)


@pytest.mark.parametrize("what", [everything, itself, a_connection])
class TestAPause:
    def test_keeps_each_slot_with_the_reason_and_a_resume_makes_up_for_them(
        self, what: Callable[[Integration], pause.Pausable]
    ) -> None:
        integration = scheduled()
        pause.pause(row=what(integration), by=None, reason="month-end close")
        for hours in range(3):
            schedule.start_due(SIX + hours * HOUR)
            schedule.start_due(SIX + hours * HOUR + timedelta(seconds=2))
        assert became() == [(6, "waiting"), (7, "waiting"), (8, "waiting")]
        assert all("month-end close" in slot.reason for slot in Slot.objects.all())

        pause.resume(row=what(Integration.objects.get()), by=None)
        schedule.start_due(SIX + 2 * HOUR + timedelta(minutes=20))

        assert became() == [(6, "coalesced"), (7, "coalesced"), (8, "filled")]
        assert ran() == [8]


class TestClockJumps:
    def test_backwards_run_nothing_twice(self) -> None:
        scheduled()
        schedule.start_due(SIX)
        end_runs()

        schedule.start_due(SIX - HOUR)
        schedule.start_due(SIX)

        assert became() == [(6, "filled")]

    def test_backwards_and_planned_anew_run_nothing_twice(self) -> None:
        scheduled()
        schedule.start_due(SIX)
        end_runs()
        Integration.objects.update(next_run_at=SIX)  # what planning anew would find after the jump

        schedule.start_due(SIX)

        assert (became(), ran()) == ([(6, "filled")], [6])

    def test_forwards_are_made_up_for_like_a_time_down(self) -> None:
        scheduled()

        schedule.start_due(SIX + timedelta(days=30))

        states = [state for _, state in became()]
        assert (len(states), states.count("filled"), states.count("coalesced")) == (721, 1, 720)


class TestThirtyDays:
    @pytest.mark.parametrize(
        ("zone", "begin"), [("Europe/Berlin", (2026, 3, 15)), ("America/New_York", (2026, 10, 15))]
    )
    def test_of_three_schedulers_fill_each_day_once(self, zone: str, begin: tuple[int, int, int]) -> None:
        start = datetime(*begin, tzinfo=UTC)
        scheduled(schedule="30 2 * * *", time_zone=zone, next_run_at=None)
        schedule.plan_unplanned(start)

        for minutes in range(0, 30 * 24 * 60, 30):
            now = start + timedelta(minutes=minutes)
            if now.day % 5:  # every fifth day no scheduler is there
                for skew in (-2, 0, 2):
                    schedule.start_due(now + timedelta(seconds=skew))
                end_runs()

        days = [slot.at.astimezone(ZoneInfo(zone)).date() for slot in Slot.objects.order_by("at")]
        assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
        assert len(days) in {28, 29, 30}
        assert set(Slot.objects.values_list("state", flat=True)) <= {"filled", "coalesced"}
        assert SyncRun.objects.count() == Slot.objects.filter(state="filled").count()


class TestForgetOld:
    def test_removes_settled_slots_after_a_quarter_and_nothing_that_waits(self) -> None:
        for state in ("filled", "waiting"):
            make.SlotFactory(at=SIX - timedelta(days=91), state=state)
        make.SlotFactory(at=SIX - timedelta(days=89))

        assert schedule.forget_old(SIX) == 1

        assert sorted(Slot.objects.values_list("state", flat=True)) == ["filled", "waiting"]
