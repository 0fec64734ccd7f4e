"""The one place that reads the clock. Doors and services ask here; everything below takes `now` as an argument."""

from datetime import UTC, datetime, timedelta

# What hosts that are in step differ by.
TOLERANCE = timedelta(seconds=1)
_difference = {"database": timedelta(0)}


def now() -> datetime:
    """The present moment in UTC: by the host's clock, put right by the database's where they were compared."""
    return host() + _difference["database"]


def host() -> datetime:
    """The present moment as this host has it."""
    return datetime.now(UTC)


def compare(database: datetime, asked: datetime, answered: datetime) -> None:
    """Go by the database's clock from now on. It showed `database` between two moments by the host's.

    What one worker wrote down, another one judges: whether a lost request can still land, or a key is still known.
    """
    apart = database - min(max(database, asked), answered)
    _difference["database"] = apart if abs(apart) > TOLERANCE else timedelta(0)
