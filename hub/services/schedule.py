"""Slots of schedules: each is recorded once and filled, made up for, left out, or recorded as missed (R-07)."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from hub import clock, failpoint
from hub.engine import schedule
from hub.models import LIVE, Integration, MainSwitch, MissedPolicy, Slot, SlotState, SyncRun, Trigger
from hub.sdk import ConfigError
from hub.services import pause
from hub.services.run import LiveRunError, PausedError, RequestError, request_integration

MOST_SLOTS = 50_000  # of one integration at once: a month of minutes; more is a schedule that nobody meant
KEPT = timedelta(days=90)


def the_time() -> datetime:
    """The database's clock, so that schedulers on several machines agree; on SQLite there is one machine."""
    if connection.vendor != "postgresql":
        return clock.now()
    with connection.cursor() as cursor:
        cursor.execute("select now()")
        found: datetime = cursor.fetchone()[0]
    return found


def start_due(now: datetime) -> int:
    """Settle every slot that has come and can be settled; returns how many integrations had one."""
    waiting = Slot.objects.filter(integration=OuterRef("pk"), state=SlotState.WAITING)
    may_go_on = Q(Exists(waiting), is_paused=False)
    if MainSwitch.objects.filter(is_paused=True).exists() or pause.recovering():
        may_go_on = Q(pk__in=[])
    due = Integration.objects.filter(Q(next_run_at__lte=now) | may_go_on).exclude(schedule="")
    return sum(_settle(integration_id, now) for integration_id in due.values_list("pk", flat=True))


def plan_next(integration: Integration, now: datetime) -> None:
    """Set when the integration is due next. Raises ConfigError for a schedule that cannot be read."""
    integration.next_run_at = schedule.next_after(integration.schedule, integration.time_zone, now)
    Integration.objects.filter(pk=integration.pk).update(next_run_at=integration.next_run_at)


def plan_unplanned(now: datetime) -> int:
    """Set the next slot of integrations that have a schedule but no slot yet; returns how many."""
    unplanned = Integration.objects.filter(next_run_at__isnull=True).exclude(schedule="")
    return sum(_is_planned(integration, now) for integration in unplanned)


def forget_old(now: datetime) -> int:
    """Remove slots settled long ago; returns how many."""
    return Slot.objects.filter(at__lt=now - KEPT).exclude(state=SlotState.WAITING).delete()[0]


def _is_planned(integration: Integration, now: datetime) -> bool:
    """Set the next slot if the schedule can be read. One that cannot is shown on its page; it must not stop others."""
    try:
        plan_next(integration, now)
    except ConfigError:
        return False
    return True


@transaction.atomic
def _settle(integration_id: int, now: datetime) -> int:
    """Record the slots that have come and settle what can be settled, under the integration's lock."""
    won = Integration.objects.select_for_update().filter(pk=integration_id).first()
    if won is None:
        return 0
    _record(won, now)
    waiting = list(won.slots.filter(state=SlotState.WAITING).order_by("at"))
    if not waiting:
        return 0
    failpoint.reach("slot.recorded")
    before = [(slot.state, slot.reason) for slot in waiting]
    _decide(won, waiting, now)
    changed = [slot for slot, was in zip(waiting, before, strict=True) if (slot.state, slot.reason) != was]
    Slot.objects.bulk_update(changed, ["state", "run", "reason", "decided_at"], batch_size=500)
    return int(any(slot.state != SlotState.WAITING for slot in changed))


def _record(integration: Integration, now: datetime) -> None:
    """A row for each slot since the last one, and the next slot as it will be."""
    if integration.next_run_at is None or integration.next_run_at > now:
        return
    rule, zone = integration.schedule, integration.time_zone
    try:
        slots = schedule.between(rule, zone, integration.next_run_at, now, MOST_SLOTS)
    except ConfigError:  # it was readable when the slot was planned
        slots = [integration.next_run_at]
    rows = [Slot(integration=integration, at=at) for at in slots]
    Slot.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    if not _is_planned(integration, now):
        Integration.objects.filter(pk=integration.pk).update(next_run_at=None)  # planned again once it can be read


def _decide(integration: Integration, waiting: list[Slot], now: datetime) -> None:
    """Settle waiting slots: the newest that the policy lets run is run, the others are made up for by it."""
    eligible = _eligible(integration, waiting, now)
    if not eligible:
        return
    *others, chosen = eligible
    try:
        run = _fill(integration, chosen)
    except (PausedError, LiveRunError) as obstacle:
        _close_all(eligible, SlotState.WAITING, str(obstacle), None)
    except RequestError as error:
        _close_all(eligible, SlotState.MISSED, str(error), now)
    else:
        chosen.run = run
        _close_all([chosen], SlotState.FILLED, f"Late: {chosen.reason}" if chosen.reason else "", now)
        _close_all(others, SlotState.COALESCED, f"The run of {chosen.at:%-d %b, %H:%M} UTC makes up for it.", now)
        for slot in others:
            slot.run = run


def _eligible(integration: Integration, waiting: list[Slot], now: datetime) -> list[Slot]:
    """The waiting slots, oldest first, that the next run fills or makes up for, by the integration's policy."""
    if integration.missed_slots == MissedPolicy.ALL:
        return waiting[:1]
    if integration.missed_slots == MissedPolicy.SKIP:
        return _leave_out_late(integration, waiting, now)
    return waiting


def _fill(integration: Integration, slot: Slot) -> SyncRun:
    """Ask for the runs of a slot; the first of them. Raises RequestError."""
    if SyncRun.objects.filter(integration=integration, state__in=LIVE, is_hints_only=False).exists():
        raise LiveRunError("A run of this integration was still going on or waiting.")
    with transaction.atomic():
        return request_integration(integration=integration, trigger=Trigger.SCHEDULE, slot=slot.at)[0]


def _leave_out_late(integration: Integration, waiting: list[Slot], now: datetime) -> list[Slot]:
    """Close slots that passed too long ago; returns the others."""
    oldest = now - timedelta(minutes=integration.grace_minutes)
    for slot in waiting:
        if slot.at < oldest:
            why = slot.reason or "The scheduler was not there."
            late = f"More than {integration.grace_minutes} minutes late. {why}"
            _close_all([slot], SlotState.SKIPPED, late, now)
    return [slot for slot in waiting if slot.at >= oldest]


def _close_all(slots: list[Slot], state: SlotState, reason: str, at: datetime | None) -> None:
    for slot in slots:
        slot.state, slot.reason, slot.decided_at = state, reason[:300], at
