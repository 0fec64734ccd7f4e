"""Reads anyway what webhooks should tell of, and notices a sender that has fallen silent."""

from datetime import datetime, timedelta
from itertools import pairwise

from django.db import transaction
from django.db.models import QuerySet

from hub.models import LIVE, Mapping, SyncRun, Trigger, Webhook, WebhookHour
from hub.services import audit
from hub.services.run import RequestError, request

WATCHED = timedelta(days=7)
# A sender counts as usual when it delivered in so many hours of the last seven days.
USUAL_HOURS = 24
HOUR = timedelta(hours=1)


def ask(now: datetime) -> int:
    """Ask for the reads that are due of mappings that webhooks feed; returns how many."""
    asked = 0
    active = Webhook.objects.filter(is_active=True).exclude(routes=None).order_by("id")
    for webhook in active.prefetch_related("routes"):
        for mapping_id in {route.mapping_id for route in webhook.routes.all()}:
            asked += _ask(mapping_id, webhook, now)
    return asked


def _ask(mapping_id: int, webhook: Webhook, now: datetime) -> bool:
    """Ask for a read of one mapping if the last is long enough ago; the longer interval reads everything."""
    runs = SyncRun.objects.filter(mapping_id=mapping_id, is_preview=False, is_hints_only=False)
    if runs.filter(state__in=LIVE).exists():
        return False
    is_full = _is_due(runs.filter(is_full=True), webhook.full_hours * 60, now)
    if not is_full and not _is_due(runs, webhook.catch_up_minutes, now):
        return False
    mapping = Mapping.objects.select_related("integration", "source", "destination", "active_version").get(
        pk=mapping_id
    )
    try:
        request(mapping=mapping, trigger=Trigger.HUB, full=is_full)
    except RequestError:
        return False
    return True


def _is_due(runs: QuerySet[SyncRun], minutes: int, now: datetime) -> bool:
    """Whether the last of these runs is long enough ago. What never ran is left to whoever sets it up."""
    last = runs.order_by("-id").values_list("queued_at", flat=True).first()
    return bool(minutes) and last is not None and now - last >= timedelta(minutes=minutes)


def watch(now: datetime) -> list[Webhook]:
    """Note which webhooks usually deliver and have been silent unusually long; returns those that just became so."""
    fresh = []
    for webhook in Webhook.objects.filter(is_active=True):
        silent = silent_since(webhook, now)
        if bool(silent) == bool(webhook.silent_since):
            continue
        with transaction.atomic():
            Webhook.objects.filter(pk=webhook.pk).update(silent_since=silent)
            audit.record(actor=None, action="webhook.silent" if silent else "webhook.heard", subject=webhook)
        if silent:
            fresh.append(webhook)
    return fresh


def silent_since(webhook: Webhook, now: datetime) -> datetime | None:
    """Since when it is silent, if that is more than twice its longest pause of the last seven days (and an hour)."""
    told = WebhookHour.objects.filter(webhook=webhook, hour__gt=now - WATCHED, received__gt=0)
    hours = sorted(told.values_list("hour", flat=True))
    if len(hours) < USUAL_HOURS:
        return None
    pauses = [after - before for before, after in pairwise(hours)]
    silence = now - (hours[-1] + HOUR)
    return hours[-1] + HOUR if silence > 2 * max(pauses) + HOUR else None
