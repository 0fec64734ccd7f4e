"""Starts what is due and rings again for whatever the doorbell forgot."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from hub import queue
from hub.engine import schedule
from hub.models import LIVE, Change, Integration, Lane, SyncRun, Trigger
from hub.sdk import ConfigError
from hub.services import audit
from hub.services.run import RequestError, request_integration
from hub.services.run.settle import IN_DOUBT, TO_SEND

RING_AGAIN = timedelta(seconds=30)


def start_due(now: datetime) -> int:
    """Ask for the runs of every integration whose slot has come; returns how many slots are done, filled or missed."""
    due = Integration.objects.filter(next_run_at__lte=now, is_paused=False).exclude(schedule="")
    return sum(_start(integration.pk, now) for integration in due)


def plan_next(integration: Integration, now: datetime) -> None:
    """Set when the integration is due next. Raises ConfigError for a schedule that cannot be read."""
    integration.next_run_at = schedule.next_after(integration.schedule, integration.time_zone, now)
    Integration.objects.filter(pk=integration.pk).update(next_run_at=integration.next_run_at)


def plan_unplanned(now: datetime) -> int:
    """Set the next slot of integrations that have a schedule but no slot yet; returns how many."""
    unplanned = Integration.objects.filter(next_run_at__isnull=True).exclude(schedule="")
    return sum(_is_planned(integration, now) for integration in unplanned)


def _is_planned(integration: Integration, now: datetime) -> bool:
    """Set the next slot if the schedule can be read. One that cannot is shown on its page; it must not stop others."""
    try:
        plan_next(integration, now)
    except ConfigError:
        return False
    return True


@transaction.atomic
def _start(integration_id: int, now: datetime) -> int:
    """Fill one slot, once, however many schedulers there are; a slot that cannot be filled is recorded as missed."""
    won = Integration.objects.select_for_update().filter(pk=integration_id, next_run_at__lte=now).first()
    if won is None or won.next_run_at is None:
        return 0
    slot = won.next_run_at
    try:
        with transaction.atomic():
            request_integration(integration=won, trigger=Trigger.SCHEDULE, slot=slot)
    except RequestError as error:
        audit.record(
            actor=None, action="slot.missed", subject=won, detail={"slot": slot.isoformat()}, reason=str(error)
        )
    if not _is_planned(won, now):
        Integration.objects.filter(pk=won.pk).update(next_run_at=None)  # planned again once it can be read
    return 1


def sweep(now: datetime) -> int:
    """Ring for every lane that has work due and no worker; returns how many. Losing every ring costs one sweep."""
    runs = SyncRun.objects.filter(Q(due_at__isnull=True) | Q(due_at__lte=now), state__in=LIVE)
    runs = runs.filter(Q(after__isnull=True) | ~Q(after__state__in=LIVE))
    waiting = Change.objects.filter(
        Q(due_at__isnull=True) | Q(due_at__lte=now), state__in=[*TO_SEND, *IN_DOUBT], link__isnull=False
    )
    idle = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    quiet = Q(rung_at__isnull=True) | Q(rung_at__lt=now - RING_AGAIN)
    wanted = Q(mapping_id__in=runs.values("mapping_id")) | Q(mapping_id__in=waiting.values("mapping_id"))
    paused = Q(mapping__integration__is_paused=True) | Q(mapping__destination__is_paused=True)
    wanted &= ~paused | Q(mapping_id__in=runs.values("mapping_id"))
    lanes = list(Lane.objects.filter(idle & quiet & wanted).values_list("id", flat=True))
    Lane.objects.filter(pk__in=lanes).update(rung_at=now)
    for lane_id in lanes:
        queue.ring(lane_id)
    return len(lanes)
