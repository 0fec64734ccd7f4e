"""Steps for dates and times: a declared format, a declared zone, no guess where clocks skip or repeat an hour."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hub.engine.mapping.date_format import Moment, reader, writer
from hub.engine.mapping.step import Options, Part, StepKind
from hub.engine.mapping.values import Kind, Refusal, as_decimal, refuse, shown

_DATED = frozenset({Kind.TEXT, Kind.NUMBER, Kind.DATE})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"unix": 1_000_000, "unix_ms": 1_000}  # microseconds in one
_LONGEST = 64


def _date(options: Options) -> Part:
    read = _reader(options)
    zone, zone_says = _zone(options)
    to = options.choice("to", ("date", "datetime"), "date")
    ambiguous = options.choice("ambiguous", ("refuse", "earlier", "later"), "refuse")
    nonexistent = options.choice("nonexistent", ("refuse", "forward"), "refuse")
    local = Clock(zone, ambiguous, nonexistent)
    finish = local.day if to == "date" else local.instant
    written = options.literal("format", "iso")
    says = f"as a {to}" + (f" written {written}" if written != "iso" else "") + zone_says
    return Part(lambda _data, value: finish(read(value)), says, Kind.DATE)


def _zone(options: Options) -> tuple[ZoneInfo | None, str]:
    """The declared time zone, and how it reads."""
    if not options.has("zone"):
        return None, ""
    name = options.text("zone", least=1)
    try:
        return ZoneInfo(name), f" in {name}"
    except (KeyError, ValueError, OSError):
        options.wrong(f"there is no time zone {shown(name)}; write it like Europe/Berlin or UTC")
        return None, ""


def _reader(options: Options) -> Callable[[Any], Moment]:
    """How a value becomes a date or a time, still as its source wrote it."""
    written = options.text("format", "iso", least=1)
    if written in _UNITS:
        return _unix(_UNITS[written], written)
    if written == "iso":
        return _by_text(_iso, "a date like 2026-01-31 or 2026-01-31T10:00:00Z")
    try:
        parse = reader(written)
    except ValueError as error:
        options.wrong(str(error))
        parse = _iso
    return _by_text(parse, f"a date written {written}")


def _by_text(parse: Callable[[str], Moment], accepted: str) -> Callable[[Any], Moment]:
    def read(value: Any) -> Moment:
        if isinstance(value, date):
            return value
        if not isinstance(value, str) or len(value) > _LONGEST:
            refuse(value, accepted)
        try:
            return parse(value.strip())
        except ValueError:
            refuse(value, accepted)

    return read


def _iso(text: str) -> Moment:
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def _unix(microseconds: int, unit: str) -> Callable[[Any], Moment]:
    def read(value: Any) -> Moment:
        if isinstance(value, date):
            return value
        ticks = as_decimal(value) * microseconds
        if abs(ticks) > Decimal(10) ** 18:
            refuse(value, f"a time in {'seconds' if unit == 'unix' else 'milliseconds'} since 1970")
        return _EPOCH + timedelta(microseconds=int(ticks))

    return read


class Clock:
    """What wall-clock times mean in one zone, in the hours that clocks repeat and skip too."""

    __slots__ = ("_ambiguous", "_nonexistent", "_zone")

    def __init__(self, zone: ZoneInfo | None, ambiguous: str, nonexistent: str) -> None:
        self._zone = zone
        self._ambiguous = ambiguous
        self._nonexistent = nonexistent

    def day(self, moment: Moment) -> date:
        """The calendar day in the zone; as written when either has none."""
        if not isinstance(moment, datetime):
            return moment
        if moment.tzinfo is not None and self._zone is not None:
            moment = moment.astimezone(self._zone)
        return moment.date()

    def instant(self, moment: Moment) -> datetime:
        """The instant in UTC; a day means its midnight in the zone."""
        moment = _timed(moment)
        if moment.tzinfo is None:
            moment = self._placed(moment)
        return moment.astimezone(UTC)

    def _placed(self, wall: datetime) -> datetime:
        """A wall-clock time put into the zone, by the declared rule where it is not clear."""
        if self._zone is None:
            raise Refusal(f"{wall.isoformat()} has no time zone; the rule must name one (“zone”)")
        first, second = (wall.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        before, after = first.utcoffset(), second.utcoffset()
        if before == after or before is None or after is None:
            return first
        if before > after:
            return self._repeated(first, second)
        if self._nonexistent == "refuse":
            raise Refusal(
                f"{wall.isoformat()} does not exist in {self._zone.key}: clocks skip it; "
                "the rule may move it forward (“nonexistent”: “forward”)"
            )
        return first  # fold 0 counts with the old offset, which lands as much later as clocks skipped

    def _repeated(self, first: datetime, second: datetime) -> datetime:
        if self._ambiguous == "refuse":
            raise Refusal(
                f"{first.replace(tzinfo=None).isoformat()} happens twice in {first.tzinfo}: clocks repeat it; "
                "the rule may take one (“ambiguous”: “earlier” or “later”)"
            )
        return first if self._ambiguous == "earlier" else second


def _timed(moment: Moment) -> datetime:
    """A day as its midnight, without zone."""
    if isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  the rule's zone comes later


def _format_date(options: Options) -> Part:
    written = options.text("format", least=1)
    try:
        write = writer(written)
    except ValueError as error:
        options.wrong(str(error))
        write = datetime.isoformat
    zone, zone_says = _zone(options)

    def run(_data: Any, value: Any) -> Any:
        moment = value if isinstance(value, date) else refuse(value, "a date; put a date step before")
        if zone is not None and isinstance(moment, datetime) and moment.tzinfo is not None:
            moment = moment.astimezone(zone)
        return write(_timed(moment))

    return Part(run, f"written {written}{zone_says}", Kind.TEXT)


def _add_days(options: Options) -> Part:
    days = timedelta(days=options.integer("days", None, -36_500, 36_500))

    def run(_data: Any, value: Any) -> Any:
        if not isinstance(value, date):
            refuse(value, "a date; put a date step before")
        try:
            return value + days
        except OverflowError:
            refuse(value, f"a date that has another {days.days} days away from it")

    return Part(run, f"{abs(days.days)} days {'later' if days.days >= 0 else 'earlier'}", Kind.DATE)


DATE_STEPS = (
    StepKind("date", _date, _DATED, options=("format", "zone", "to", "ambiguous", "nonexistent"), bare=True),
    StepKind("format_date", _format_date, frozenset({Kind.DATE}), main="format", options=("zone",)),
    StepKind("add_days", _add_days, frozenset({Kind.DATE}), main="days"),
)
