"""What webhooks missed: changes that a read found and nobody had announced."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from hub.models import Hint, RunState, SyncRun, WebhookHour, WebhookMiss, WebhookRoute, bulk

# A webhook may come some minutes after the change it tells of; only then was it missed.
PATIENCE = timedelta(minutes=10)
SHOWN = timedelta(days=7)
PAGE = 1000


def is_counted(run: SyncRun) -> bool:
    """Whether what this run finds changed should have been announced by a webhook.

    Not in a first load, nor when the rules are others than in the run before: then records differ for our reasons.
    """
    if run.is_preview or run.is_hints_only:
        return False
    if not WebhookRoute.objects.filter(mapping_id=run.mapping_id, webhook__is_active=True).exists():
        return False
    good = SyncRun.objects.filter(mapping_id=run.mapping_id, is_preview=False, is_hints_only=False).exclude(pk=run.pk)
    before = good.filter(state__in=[RunState.SUCCEEDED, RunState.PARTIAL]).order_by("-id")
    return before.values_list("version_id", flat=True).first() == run.version_id


def note(mapping_id: int, keys: Sequence[str], now: datetime) -> None:
    """Note records that a read found changed, except those that were announced and not followed yet."""
    announced = set(
        Hint.objects.filter(mapping_id=mapping_id, source_key__in=keys, due_at__isnull=False).values_list(
            "source_key", flat=True
        )
    )
    bulk.insert(
        "hub_webhookmiss",
        columns={"mapping_id": "bigint", "source_key": "text", "found_at": "timestamptz", "is_counted": "bool"},
        rows=[(mapping_id, key, now, False) for key in keys if key not in announced],
    )


def forgive(mapping_id: int, keys: Collection[str], now: datetime) -> None:
    """A webhook told of these records, if late."""
    late = WebhookMiss.objects.filter(mapping_id=mapping_id, is_counted=False, found_at__gt=now - PATIENCE)
    late.filter(source_key__in=set(keys)).delete()


@transaction.atomic
def count_up(now: datetime) -> int:
    """Count what no webhook told of in time, at each webhook that should have; returns how many records."""
    open_ = WebhookMiss.objects.select_for_update(skip_locked=True).filter(
        is_counted=False, found_at__lte=now - PATIENCE
    )
    rows = list(open_.order_by("id")[:PAGE])
    hours: dict[tuple[int, datetime], int] = {}
    for row in rows:
        hour = row.found_at.replace(minute=0, second=0, microsecond=0)
        hours[row.mapping_id, hour] = hours.get((row.mapping_id, hour), 0) + 1
    for (mapping_id, hour), count in hours.items():
        for webhook_id in (
            WebhookRoute.objects.filter(mapping_id=mapping_id).values_list("webhook_id", flat=True).distinct()
        ):
            kept, _ = WebhookHour.objects.get_or_create(webhook_id=webhook_id, hour=hour)
            WebhookHour.objects.filter(pk=kept.pk).update(missed=F("missed") + count)
    WebhookMiss.objects.filter(pk__in=[row.pk for row in rows]).update(is_counted=True)
    WebhookMiss.objects.filter(is_counted=True, found_at__lt=now - SHOWN).delete()
    return len(rows)
