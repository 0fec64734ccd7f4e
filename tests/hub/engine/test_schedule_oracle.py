"""Slots agree with a walk through every minute, over zones and rules, also where clocks change (R-07)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from hub.engine import schedule

MINUTE = timedelta(minutes=1)
MOST = 10
# Half-hour changes, changes at midnight, changes of three hours, zones without any, both hemispheres.
ZONES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "America/Santiago",
    "Africa/Casablanca", "Antarctica/Troll", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo", "UTC",
)  # fmt: skip
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def values(field: str, low: int, high: int) -> set[int]:
    """What one field of a rule allows; written anew here, so that it shares nothing with what it judges."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            numbers = range(low, high + 1)
        else:
            numbers = range(int(first), (int(last) if last else high if step else int(first)) + 1)
        found |= set(numbers[:: int(step or 1)])
    return found


class Walk:
    """A rule judged minute by minute, by what the clock on the wall shows before and after."""

    def __init__(self, rule: str, zone: str) -> None:
        self.fields = rule.split()
        self.allowed = [values(field, *bounds) for field, bounds in zip(self.fields, BOUNDS, strict=True)]
        self.zone = ZoneInfo(zone)
        self.is_fixed = not (self.fields[0].startswith("*") or self.fields[1].startswith("*"))

    def shows(self, wall: datetime) -> bool:
        minute, hour, day, month, weekday = self.allowed
        if wall.minute not in minute or wall.hour not in hour or wall.month not in month:
            return False
        on_day, on_weekday = wall.day in day, (wall.weekday() + 1) % 7 in weekday
        if self.fields[2] != "*" and self.fields[4] != "*":
            return on_day or on_weekday
        return on_day and on_weekday

    def slots(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        found: list[datetime] = []
        at = after.replace(second=0, microsecond=0) + MINUTE
        while at <= until and len(found) < most:
            if self.is_slot(at):
                found.append(at)
            at += MINUTE
        return found

    def is_slot(self, at: datetime) -> bool:
        wall, before = self.wall(at), self.wall(at - MINUTE)
        if not self.is_fixed:
            return self.shows(wall)
        if at.astimezone(self.zone).fold == 0 and self.shows(wall):
            return True
        skipped = before + MINUTE
        while skipped < wall:  # the clock jumped over these
            if self.shows(skipped):
                return True
            skipped += MINUTE
        return False

    def wall(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(tzinfo=None, fold=0)


def field(low: int, high: int, *, step: bool = True) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    several = st.lists(number, min_size=1, max_size=3, unique=True).map(lambda them: ",".join(map(str, sorted(them))))
    span = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    stepped = st.integers(2, 20).map(lambda every: f"*/{every}")
    return st.one_of(st.just("*"), several, span, *([stepped] if step else []))


RULES = st.tuples(field(0, 59), field(0, 23), field(1, 28, step=False), st.just("*"), field(0, 6, step=False)).map(
    " ".join
)
CHANGES = {
    zone: [
        at
        for day in range(366 * 3)
        for at in [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)]
        if at.astimezone(ZoneInfo(zone)).utcoffset() != (at + timedelta(days=1)).astimezone(ZoneInfo(zone)).utcoffset()
    ]
    for zone in ZONES
}


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and a moment in it, mostly within a day of a clock change."""
    zone = draw(st.sampled_from(ZONES))
    near = draw(st.sampled_from(CHANGES[zone])) if CHANGES[zone] else datetime(2026, 2, 27, tzinfo=UTC)
    return zone, near + timedelta(seconds=draw(st.integers(-90_000, 90_000)))


# Not shrunk: a walk of two days takes long, and what fails is short already.
@settings(max_examples=150, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(RULES, moments())
@example("30 2 * * *", ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)))
@example("0,30 2-3 * * *", ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)))
@example("10,50 * * * *", ("Europe/Berlin", datetime(2026, 10, 25, 0, 20, tzinfo=UTC)))
@example("*/20 2 * * *", ("Antarctica/Troll", datetime(2026, 10, 24, 23, tzinfo=UTC)))
@example("0 0 * * *", ("America/Havana", datetime(2026, 3, 7, 12, tzinfo=UTC)))
def test_slots_are_those_of_a_walk_through_every_minute(rule: str, where: tuple[str, datetime]) -> None:
    zone, moment = where
    until = moment + timedelta(hours=30)

    found = [slot for slot in schedule.upcoming(rule, zone, moment, MOST) if slot <= until]

    assert found == Walk(rule, zone).slots(moment, until, MOST)


@settings(max_examples=100, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(RULES, moments(), st.integers(0, 200))
def test_a_slot_does_not_depend_on_where_one_begins_to_look(
    rule: str, where: tuple[str, datetime], minutes: int
) -> None:
    zone, moment = where
    following = schedule.next_after(rule, zone, moment)
    later = moment + minutes * MINUTE

    assert following is not None
    assert moment < following
    if later < following:
        assert schedule.next_after(rule, zone, later) == following


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_a_nightly_rule_has_one_slot_a_day(zone: str) -> None:
    """30 2 * * *: whatever clocks do, the night's run happens once on each day of the calendar there."""
    slots = schedule.between(
        "30 2 * * *", zone, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), 999
    )

    days = [slot.astimezone(ZoneInfo(zone)).date() for slot in slots[1:]]
    assert len(days) == len(set(days)) == (days[-1] - days[0]).days + 1
