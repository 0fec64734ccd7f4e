"""What is due starts once, however many schedulers there are, and a slot that is missed is recorded."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from hub.models import Integration, Mapping, RunState, Slot, SyncRun
from hub.services import schedule
from tests import factories as make
from tests.rival import Rival, wait_until_blocked

SLOT = datetime(2026, 11, 22, 6, tzinfo=UTC)
NOW = SLOT + timedelta(seconds=2)
MOMENT = timedelta(seconds=1)
HOURLY = "every 1 hour"

pytestmark = pytest.mark.django_db


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lanes that were rung."""
    rung: list[int] = []
    monkeypatch.setattr("hub.queue.ring", rung.append)
    return rung


def scheduled(count: int = 1, **given: Any) -> Integration:
    """An integration whose slot has just come, with some mappings that can run."""
    integration = make.IntegrationFactory(**{"schedule": HOURLY, "next_run_at": SLOT, **given})
    for position in range(count):
        make.MappingFactory(integration=integration, position=position, active=True)
    return integration


def next_of(integration: Integration) -> datetime | None:
    return Integration.objects.values_list("next_run_at", flat=True).get(pk=integration.pk)


class TestStartDue:
    def test_asks_for_a_run_of_each_mapping_in_order(self, rings: list[int]) -> None:
        first, second = scheduled(count=2).mappings.order_by("position")

        assert schedule.start_due(NOW) == 1

        runs = SyncRun.objects.order_by("id")
        assert [(run.mapping, run.trigger, run.slot) for run in runs] == [
            (first, "schedule", SLOT),
            (second, "schedule", SLOT),
        ]
        assert (runs[0].after, runs[1].after) == (None, runs[0])
        assert rings == [first.lanes.get().pk]

    def test_moves_on_to_the_next_slot(self, rings: list[int]) -> None:
        integration = scheduled(schedule="0 7 * * *", time_zone="Europe/Berlin")

        schedule.start_due(NOW)

        assert next_of(integration) == SLOT + timedelta(days=1)

    def test_fills_a_slot_once_however_often_it_is_called(self, rings: list[int]) -> None:
        integration = scheduled()

        assert [schedule.start_due(NOW) for _ in range(3)] == [1, 0, 0]

        assert (SyncRun.objects.count(), len(rings), slots()) == (1, 1, [(SLOT, "filled")])
        assert next_of(integration) == SLOT + timedelta(hours=1)

    def test_fills_the_next_slot_when_it_comes(self, rings: list[int]) -> None:
        scheduled()
        schedule.start_due(NOW)
        SyncRun.objects.update(state=RunState.SUCCEEDED)

        assert schedule.start_due(NOW + timedelta(hours=1)) == 1

        assert list(SyncRun.objects.order_by("id").values_list("slot", flat=True)) == [SLOT, SLOT + timedelta(hours=1)]

    @pytest.mark.parametrize("given", [{"next_run_at": NOW + MOMENT}, {"next_run_at": None}, {"schedule": ""}])
    def test_leaves_alone_what_is_not_due(self, given: dict[str, Any], rings: list[int]) -> None:
        integration = scheduled(**given)
        before = next_of(integration)

        assert schedule.start_due(NOW) == 0

        assert (SyncRun.objects.count(), next_of(integration), slots()) == (0, before, [])

    def test_goes_on_when_one_schedule_cannot_be_read_any_more(self, rings: list[int]) -> None:
        broken = scheduled(title="A", schedule="0 6 * * *", time_zone="Mars/North")
        sound = scheduled(title="B")

        assert schedule.start_due(NOW) == 2

        assert (next_of(broken), next_of(sound)) == (None, SLOT + timedelta(hours=1))
        assert SyncRun.objects.count() == 2


def slots() -> list[tuple[datetime, str]]:
    """Each recorded slot and what became of it, oldest first."""
    return list(Slot.objects.order_by("at").values_list("at", "state"))


def no_mapping(integration: Integration) -> None:
    Mapping.objects.update(integration=make.IntegrationFactory())


def no_version(integration: Integration) -> None:
    Mapping.objects.update(active_version=None)


class TestMissedSlot:
    @pytest.mark.parametrize(
        ("obstacle", "reason"), [(no_mapping, "has no mapping yet"), (no_version, "has no active version")]
    )
    def test_is_recorded_with_its_reason(
        self, obstacle: Callable[[Integration], None], reason: str, rings: list[int]
    ) -> None:
        integration = scheduled()
        obstacle(integration)

        schedule.start_due(NOW)

        slot = Slot.objects.get()
        assert (slot.integration, slot.at, slot.state, slot.run) == (integration, SLOT, "missed", None)
        assert reason in slot.reason

    def test_is_recorded_once_and_the_next_one_is_planned(self, rings: list[int]) -> None:
        integration = scheduled()
        no_version(integration)

        assert [schedule.start_due(NOW) for _ in range(2)] == [1, 0]

        assert slots() == [(SLOT, "missed")]
        assert next_of(integration) == SLOT + timedelta(hours=1)

    def test_leaves_nothing_half_asked(
        self, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
    ) -> None:
        jobs: list[dict[str, int]] = []
        monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: jobs.append(ids))
        second = scheduled(count=2).mappings.order_by("position")[1]
        Mapping.objects.filter(pk=second.pk).update(active_version=None)

        with django_capture_on_commit_callbacks(execute=True):
            schedule.start_due(NOW)

        assert (SyncRun.objects.count(), jobs, slots()) == (0, [], [(SLOT, "missed")])

    def test_of_one_integration_does_not_stop_the_others(self, rings: list[int]) -> None:
        no_version(scheduled(title="A"))
        ready = scheduled(title="B")

        assert schedule.start_due(NOW) == 2

        assert SyncRun.objects.get().integration == ready


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite lets one writer in at a time: nothing to race for"
)
@pytest.mark.django_db(transaction=True)
class TestTwoSchedulers:
    def test_fill_a_slot_once_between_them(self, rings: list[int]) -> None:
        integration = scheduled(count=2)

        with transaction.atomic():
            Integration.objects.select_for_update().get(pk=integration.pk)
            schedulers = [Rival(lambda: schedule.start_due(NOW)) for _ in range(2)]
            wait_until_blocked(schedulers)  # both have found it due; neither has it yet

        assert sorted(scheduler.done() for scheduler in schedulers) == [0, 1]
        assert SyncRun.objects.filter(slot=SLOT).count() == 2
        assert (len(rings), slots()) == (1, [(SLOT, "filled")])
        assert next_of(integration) == SLOT + timedelta(hours=1)


class TestPlanUnplanned:
    def test_sets_the_next_slot_of_those_that_have_none(self) -> None:
        fresh = scheduled(next_run_at=None)
        paused = scheduled(next_run_at=None, is_paused=True)
        planned = scheduled(next_run_at=SLOT)
        by_hand = scheduled(next_run_at=None, schedule="")

        assert schedule.plan_unplanned(NOW) == 2

        following = SLOT + timedelta(hours=1)
        assert [next_of(one) for one in (fresh, paused, planned, by_hand)] == [following, following, SLOT, None]

    @pytest.mark.parametrize(
        "wrong", [{"schedule": "now and then"}, {"schedule": "0 6 * * *", "time_zone": "Mars/North"}]
    )
    def test_goes_on_past_a_schedule_that_cannot_be_read(self, wrong: dict[str, Any]) -> None:
        unreadable = scheduled(title="A", next_run_at=None, **wrong)
        sound = scheduled(title="B", next_run_at=None)

        assert schedule.plan_unplanned(NOW) == 1

        assert (next_of(unreadable), next_of(sound)) == (None, SLOT + timedelta(hours=1))
