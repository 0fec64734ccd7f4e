"""Moments, spans and schedules in the words people use."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.engine import schedule
from hub.sdk import ConfigError

MINUTE, HOUR, DAY = 60, 3600, 86_400
MONDAY_FIRST = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
EVERY = re.compile(r"^\*/(\d+)$")


def lasting(span: timedelta) -> str:
    """A span of time: “0.4 s”, “12 s”, “3 min”, “2 h 5 min”, “4 days”."""
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * MINUTE:
        return f"{seconds / MINUTE:.0f} min"
    if seconds < 2 * DAY:
        hours, rest = divmod(round(seconds / MINUTE), 60)
        return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"
    return f"{seconds / DAY:.0f} days"


def ago(moment: datetime | None, at: datetime) -> str:
    """How long ago a moment is: “just now”, “3 min ago”; “never” for none."""
    if moment is None:
        return "never"
    span = at - moment
    return "just now" if span < timedelta(seconds=5) else f"{lasting(_rounded(span))} ago"


def ahead(moment: datetime | None, at: datetime) -> str:
    """How far a moment lies ahead: “in 12 min”, “now”; an empty text for none."""
    if moment is None:
        return ""
    span = moment - at
    return "now" if span < timedelta(seconds=5) else f"in {lasting(_rounded(span))}"


def minutes(count: int) -> str:
    """A number of minutes: “45 min”, “24 h”, “7 days”."""
    return lasting(timedelta(minutes=count))


def _rounded(span: timedelta) -> timedelta:
    return timedelta(seconds=round(span.total_seconds()))


# --- schedules --------------------------------------------------------------------------------------------


def schedule_words(rule: str, zone: str = "") -> str:
    """A schedule in words, with its time zone when that is given; what is too odd for words is shown as it is."""
    if not rule:
        return "Only by hand"
    if rule.startswith("every "):
        return _interval(rule)
    parts = rule.split()
    words = _cron(parts) if len(parts) == 5 else ""
    words = words or f"By the cron expression {rule}"
    return f"{words} ({zone})" if zone else words


def next_times(rule: str, zone: str, at: datetime, count: int = 3) -> list[datetime]:
    """The next times of a schedule in its own zone; none when it cannot be read."""
    try:
        return [moment.astimezone(ZoneInfo(zone)) for moment in schedule.upcoming(rule, zone, at, count)]
    except (ConfigError, ValueError, KeyError):
        return []


def _interval(rule: str) -> str:
    found = schedule.INTERVAL.match(rule)
    if not found:
        return rule.capitalize()
    count, unit = int(found[1]), found[2]
    return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"


def _cron(parts: list[str]) -> str:
    """Words for the usual kinds of expression, or an empty text."""
    minute, hour, day, month, weekday = parts
    when = _when(minute, hour)
    days = _days(day, month, weekday)
    if not when or not days:
        return ""
    if when.startswith("at "):
        return f"{days} {when}"
    inside = days if days.startswith(MONDAY_FIRST) else f"{days[0].lower()}{days[1:]}"
    return when if days == "Every day" else f"{when}, {inside}"


def _when(minute: str, hour: str) -> str:
    """The part of the day: “at 06:00”, “Every 15 minutes”."""
    every = EVERY.match(minute)
    if hour == "*":
        return _within_the_hour(minute, every)
    if every or not minute.isdigit():
        return ""
    stepped = EVERY.match(hour)
    if stepped:
        return f"Every {stepped[1]} hours at minute {int(minute)}"
    hours = hour.split(",")
    if not all(one.isdigit() for one in hours):
        return ""
    return f"at {_listed([f'{int(one):02}:{int(minute):02}' for one in hours])}"


def _within_the_hour(minute: str, every: re.Match[str] | None) -> str:
    if minute == "*":
        return "Every minute"
    if every:
        return f"Every {every[1]} minutes"
    return f"Every hour at minute {int(minute)}" if minute.isdigit() else ""


def _days(day: str, month: str, weekday: str) -> str:
    """The part of the calendar: “Every day”, “Monday to Friday”, “On day 1 of every month”."""
    if month != "*" and not (month.isdigit() and 1 <= int(month) <= 12):
        return ""
    of = f" of {MONTH_NAMES[int(month) - 1]}" if month != "*" else " of every month"
    if day == "*" and weekday == "*":
        return "Every day" if month == "*" else f"Every day{of}"
    if weekday == "*":
        return f"On day {_listed(day.split(','))}{of}" if all(one.isdigit() for one in day.split(",")) else ""
    return _weekdays(weekday) if day == "*" and month == "*" else ""


def _weekdays(weekday: str) -> str:
    first, dash, last = weekday.partition("-")
    if dash:
        ends = [_weekday(first), _weekday(last)]
        return f"{ends[0]} to {ends[1]}" if all(ends) else ""
    named = [_weekday(one) for one in weekday.split(",")]
    return f"Every {_listed(named)}" if all(named) else ""


def _weekday(one: str) -> str:
    """The name of a cron weekday (0 and 7 are Sunday), or an empty text."""
    number = DAY_NAMES.index(one.lower()[:3]) if one.lower()[:3] in DAY_NAMES else -1
    number = int(one) % 7 if one.isdigit() and int(one) <= 7 else number
    return MONDAY_FIRST[(number - 1) % 7] if number >= 0 else ""


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
