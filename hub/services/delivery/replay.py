"""Replays deliveries: they are followed once more, with the routes as they are now."""

from itertools import islice

from django.db import transaction
from django.db.models import F, QuerySet

from hub.models import Delivery, DeliveryState, User, Webhook
from hub.sdk import HubError
from hub.services import audit
from hub.services.delivery.take import FIELDS, PAGE, take

MOST = 10_000
# A refused delivery was not kept, and nobody knows who sent it.
REPLAYABLE = (DeliveryState.HINTED, DeliveryState.IGNORED, DeliveryState.QUARANTINED)


class ReplayError(HubError):
    """Nothing can be replayed; the text says why."""

    code = "replay"


def replay(*, webhook: Webhook, deliveries: QuerySet[Delivery], by: User | None, reason: str) -> int:
    """Follow these deliveries of a webhook again, oldest first and at most ten thousand; returns how many.

    Each page is one transaction: ended half-way, the rest can be replayed again without harm.
    """
    chosen = deliveries.filter(webhook=webhook, state__in=REPLAYABLE).order_by("id").values_list("id", flat=True)
    waiting = iter(list(chosen[:MOST]))
    total = 0
    while page := list(islice(waiting, PAGE)):
        with transaction.atomic():
            rows = Delivery.objects.select_for_update().filter(pk__in=page).order_by("id")
            total += take(list(rows.values(*FIELDS)))
            Delivery.objects.filter(pk__in=page).update(replays=F("replays") + 1)
            audit.record(
                actor=by,
                action="delivery.replay",
                subject=webhook,
                detail={"deliveries": len(page), "first": page[0], "last": page[-1]},
                reason=reason,
            )
    if not total:
        raise ReplayError("None of these can be replayed: refused deliveries are kept without what they contained.")
    return total
