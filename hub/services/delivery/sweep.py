"""What must happen to deliveries though no ring is heard: they are taken, counted up, and forgotten in time."""

from datetime import datetime, timedelta

from hub import queue
from hub.models import Delivery, DeliveryState, Webhook
from hub.services import miss
from hub.services.delivery import catch_up

OVERDUE = timedelta(seconds=5)
FORGOTTEN_AT_ONCE = 2000


def sweep(now: datetime) -> bool:
    """Ring for deliveries that wait too long, and ask for reads that are due; whether it rang."""
    overdue = Delivery.objects.filter(state=DeliveryState.RECEIVED, received_at__lte=now - OVERDUE).exists()
    if overdue:
        queue.ring_deliveries()
    catch_up.ask(now)
    return overdue


def tend(now: datetime) -> None:
    """What is done once a minute: count what was missed, notice who is silent, forget what was kept long enough."""
    miss.count_up(now)
    catch_up.watch(now)
    _forget(now)


def _forget(now: datetime) -> None:
    """Remove deliveries that were kept long enough, some at a time; one that waits is never removed."""
    for webhook_id, days in Webhook.objects.values_list("id", "keep_days"):
        old = Delivery.objects.filter(webhook_id=webhook_id, received_at__lt=now - timedelta(days=days))
        ids = old.exclude(state=DeliveryState.RECEIVED).order_by("id").values_list("id", flat=True)
        Delivery.objects.filter(pk__in=list(ids[:FORGOTTEN_AT_ONCE])).delete()
