"""The one place that reads the clock. Doors and services ask here; everything below takes `now` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)
