"""Bounds what is kept of refused deliveries: whoever floods a webhook must not fill the database."""

from datetime import datetime

NOTED_AN_HOUR = 20

_noted: dict[int, tuple[int, int]] = {}


def may_note(webhook_id: int, now: datetime) -> bool:
    """Whether one more refused delivery is noted by this process in this hour; all of them are counted."""
    hour = int(now.timestamp() // 3600)
    seen, count = _noted.get(webhook_id, (hour, 0))
    count = count + 1 if seen == hour else 1
    _noted[webhook_id] = (hour, count)
    return count <= NOTED_AN_HOUR
