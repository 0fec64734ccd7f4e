"""When an integration is due: cron expressions and intervals, read in a time zone."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from hub.sdk import ConfigError

INTERVAL = re.compile(r"^every (\d{1,4}) (minute|hour|day)s?$")
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
SHAPE = "Write a cron expression such as “0 6 * * 1-5”, or “every 15 minutes”."


def next_after(rule: str, zone: str, moment: datetime) -> datetime | None:
    """The first slot of `rule` after `moment`, in UTC; None for an empty rule. Raises ConfigError."""
    if not rule:
        return None
    interval = INTERVAL.match(rule)
    if interval:
        return _next_interval(UNITS[interval[2]] * int(interval[1]), moment)
    return _next_cron(rule, _zone(zone), moment)


def upcoming(rule: str, zone: str, moment: datetime, count: int) -> list[datetime]:
    """The next `count` slots after `moment`, in UTC."""
    found: list[datetime] = []
    following = next_after(rule, zone, moment)
    while following and len(found) < count:
        found.append(following)
        following = next_after(rule, zone, following)
    return found


def _next_interval(length: timedelta, moment: datetime) -> datetime:
    """The next multiple of `length` since the epoch, so that slots do not drift with the runs."""
    if not length:
        raise ConfigError(f"An interval must be at least one minute. {SHAPE}")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + ((moment - epoch) // length + 1) * length


def _next_cron(rule: str, zone: ZoneInfo, moment: datetime) -> datetime:
    """The next wall-clock match; an hour that a clock change repeats counts once, one it skips is not run."""
    try:
        slots = croniter(rule, moment.astimezone(zone).replace(tzinfo=None))
        while True:
            naive: datetime = slots.get_next(datetime)
            aware = naive.replace(tzinfo=zone).astimezone(UTC)
            if aware > moment and aware.astimezone(zone).replace(tzinfo=None) == naive:
                return aware
    except (CroniterError, ValueError) as error:
        raise ConfigError(f"The schedule “{rule}” cannot be read ({error}). {SHAPE}") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"There is no time zone “{name}”. Write one such as Europe/Berlin.") from None
