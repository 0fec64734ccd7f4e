"""When an integration is due: cron expressions and intervals, read in a time zone, also where clocks change.

The convention where clocks change is that of Vixie cron, which most people's habits come from. A rule of fixed times
(neither minute nor hour begins with `*`) runs once for each time written: one that a change skips runs at the first
moment after it, one that a change repeats runs the first time only. A rule that begins with `*` in minute or hour
follows the clock on the wall: what is skipped does not exist, what is repeated runs twice. Source: cron(8) of Debian,
“Daylight Saving Time and other time changes”. Intervals count from 1970 in UTC and know no clock changes.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from hub.sdk import ConfigError

INTERVAL = re.compile(r"^every (\d{1,4}) (minute|hour|day)s?$")
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
SHAPE = "Write a cron expression such as “0 6 * * 1-5”, or “every 15 minutes”."
CRON = re.compile(r"^(?:[0-9*/,\-?#L]+|[0-9*/,\-#L]*(?:[A-Z]{3}[0-9/,\-#L]*)+)$", re.IGNORECASE)
ALONE = re.compile(r"\b(\d+)-\1\b")  # croniter takes “0-0” for everything
NEAR = timedelta(hours=5)  # no clock has been set back further within one change since 1970
SECOND = timedelta(seconds=1)


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


def between(rule: str, zone: str, first: datetime, last: datetime, most: int) -> list[datetime]:
    """The slots from `first` (a slot itself) to `last`, both included: the newest `most` of them, oldest first."""
    found: list[datetime] = []
    slot: datetime | None = first
    while slot and slot <= last:
        found.append(slot)
        slot = next_after(rule, zone, slot)
        if len(found) > 2 * most:
            del found[:-most]
    return found[-most:]


def clock_change(rule: str, zone: str, slot: datetime) -> str:
    """What a clock change does to this slot of a cron rule, as a sentence; an empty text when it does nothing."""
    if not rule or INTERVAL.match(rule):
        return ""
    where = _zone(zone)
    local = slot.astimezone(where)
    before = (slot - SECOND).astimezone(where)
    moved = (local.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
    if moved > timedelta() and _is_fixed(rule) and not _matches(rule, local.replace(tzinfo=None)):
        return f"Clocks go forward: the time written does not exist on this day, so it runs at {local:%H:%M}."
    other = local.replace(fold=1 - local.fold)
    if other.utcoffset() != local.utcoffset() and _exists(local.replace(tzinfo=None, fold=0), where):
        if _is_fixed(rule):
            return "Clocks go back: this hour comes twice, and it runs the first time only."
        return "Clocks go back: this hour comes twice, and it runs both times."
    return ""


def coming_changes(rule: str, zone: str, moment: datetime) -> list[tuple[datetime, str]]:
    """(slot, what happens) of the first slot that each clock change within a year touches."""
    where = _zone(zone)
    found: list[tuple[datetime, str]] = []
    for day in range(366):
        start = moment + timedelta(days=day)
        end = start + timedelta(days=1)
        if start.astimezone(where).utcoffset() != end.astimezone(where).utcoffset():
            told = ((slot, clock_change(rule, zone, slot)) for slot in _within(rule, zone, start - NEAR, end + NEAR))
            found += filter(None, [next((pair for pair in told if pair[1]), None)])
    return found


def _within(rule: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    slot = next_after(rule, zone, start)
    while slot and slot <= end:
        yield slot
        slot = next_after(rule, zone, slot)


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    try:
        _zone(name)
    except ConfigError:
        return False
    return True


def _next_interval(length: timedelta, moment: datetime) -> datetime:
    """The next multiple of `length` since the epoch, so that slots do not drift with the runs."""
    if not length:
        raise ConfigError(f"An interval must be at least one minute. {SHAPE}")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + ((moment - epoch) // length + 1) * length


def _next_cron(rule: str, zone: ZoneInfo, moment: datetime) -> datetime:
    """The next slot of a cron rule; see the top of this file for clock changes."""
    try:
        return _next_fixed(rule, zone, moment) if _is_fixed(rule) else _next_on_the_wall(rule, zone, moment)
    except (CroniterError, ValueError, OverflowError) as error:
        raise ConfigError(f"The schedule “{rule}” cannot be read ({error}). {SHAPE}") from None


def _next_fixed(rule: str, zone: ZoneInfo, moment: datetime) -> datetime:
    """Each written time once: the first of two, or the first moment after a gap."""
    for naive in _written(rule, moment.astimezone(zone).replace(tzinfo=None)):
        slot = _first(naive, zone) if _exists(naive, zone) else _end_of_gap(naive, zone)
        if slot > moment:
            return slot
    raise ValueError("it never comes")


def _next_on_the_wall(rule: str, zone: ZoneInfo, moment: datetime) -> datetime:
    """Whenever the clock on the wall shows it: never in a gap, twice in an hour that comes twice."""
    before, after = ((moment + side * NEAR).astimezone(zone).utcoffset() or timedelta() for side in (-1, 1))
    start = moment - abs(after - before)  # in an hour that comes twice, a time of its first pass is still to come
    best: datetime | None = None
    for naive in _written(rule, start.astimezone(zone).replace(tzinfo=None)):
        if not _exists(naive, zone):
            continue
        if best and _first(naive, zone) >= best:
            return best
        shown = [slot for slot in (_first(naive, zone), _last(naive, zone)) if slot > moment]
        best = min([*shown, *([best] if best else [])], default=None)
    raise ValueError("it never comes")


def _written(rule: str, after: datetime) -> Iterator[datetime]:
    """The wall-clock times of a rule after a wall-clock time."""
    parts = rule.split()
    if len(parts) != 5 or not all(CRON.match(part) for part in parts):
        raise ValueError("five fields are needed: minute, hour, day of the month, month, day of the week")
    times = croniter(ALONE.sub(r"\1", rule), after)
    while True:
        found: datetime = times.get_next(datetime)
        yield found


def _matches(rule: str, naive: datetime) -> bool:
    return bool(croniter.match(ALONE.sub(r"\1", rule), naive))


def _is_fixed(rule: str) -> bool:
    """Whether the rule names hours and minutes instead of leaving one of them to the clock."""
    return not any(part.startswith("*") for part in rule.split()[:2])


def _first(naive: datetime, zone: ZoneInfo) -> datetime:
    return naive.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _last(naive: datetime, zone: ZoneInfo) -> datetime:
    return naive.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _exists(naive: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock on the wall ever shows this time."""
    return _first(naive, zone).astimezone(zone).replace(tzinfo=None, fold=0) == naive


def _end_of_gap(naive: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which the clock jumps over this time, found by halving."""
    low, high = _last(naive, zone), _first(naive, zone)  # in a gap the later offset gives the earlier moment
    after = high.astimezone(zone).utcoffset()
    while high - low > SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"There is no time zone “{name}”. Write one such as Europe/Berlin.") from None
