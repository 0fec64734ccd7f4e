"""What the judge asks the inbox: a delivery that was answered as stored is there, once, and was followed (R-01)."""

from collections import Counter

from hub.models import Delivery, DeliveryState
from tests.chaos.sender import Sender


def verdict(sender: Sender) -> dict[str, list[str]]:
    """What is wrong, by promise; every list must be empty."""
    kept = Counter(Delivery.objects.values_list("delivery_id", flat=True))
    idle = Delivery.objects.exclude(state=DeliveryState.HINTED).values_list("delivery_id", "state", "reason")
    return {
        "deliveries lost": sorted(sender.taken - kept.keys()),
        "deliveries stored twice": [f"{name}: {count} times" for name, count in kept.items() if count > 1],
        "deliveries refused": sender.refused,
        "deliveries not followed": [f"{name}: {state}. {reason}" for name, state, reason in idle],
    }
