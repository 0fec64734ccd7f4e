"""The story of a schedule: what became of its slots, day by day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Count
from django.db.models.functions import TruncDate

from hub.models import Integration, Slot, SlotState

# The worst of a day decides its colour.
TONES = (
    (SlotState.MISSED, "bad"),
    (SlotState.SKIPPED, "warn"),
    (SlotState.WAITING, "live"),
    (SlotState.COALESCED, "warn"),
    (SlotState.FILLED, "ok"),
)


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the schedule's own time zone: how many slots it had and what became of them."""

    date: date
    total: int
    tone: str
    told: str


def days(integration: Integration, now: datetime, count: int) -> list[Day]:
    """The last `count` days up to today, the oldest first."""
    zone = _zone(integration.time_zone)
    today = now.astimezone(zone).date()
    first = today - timedelta(days=count - 1)
    found = Slot.objects.filter(integration=integration, at__gte=now - timedelta(days=count)).order_by()
    rows = found.annotate(day=TruncDate("at", tzinfo=zone)).values_list("day", "state").annotate(slots=Count("pk"))
    by_day: dict[date, Counter[str]] = {first + timedelta(days=number): Counter() for number in range(count)}
    for day, state, slots in rows:
        if day in by_day:
            by_day[day][state] += slots
    return [_day(day, states) for day, states in by_day.items()]


def lately(integration: Integration, most: int) -> Sequence[Slot]:
    """The newest slots, newest first."""
    return list(Slot.objects.filter(integration=integration).order_by("-at")[:most])


def _day(day: date, states: Counter[str]) -> Day:
    tone = next((tone for state, tone in TONES if states[state]), "none")
    counted = [f"{states[state]:,} {state.label}" for state, _ in reversed(TONES) if states[state]]
    return Day(day, states.total(), tone, f"{day:%A %-d %B}: {', '.join(counted) or 'no time of the schedule'}")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
