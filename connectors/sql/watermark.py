"""Where an incremental read starts and ends: never past what a late commit or a wrong clock could still add."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.sql.column import Column, Kind, written
from connectors.sql.spec import CursorSpec
from hub.sdk import ConfigError, CursorKind

MINUTES_5 = 300  # longer than an ordinary transaction stays open
HOURS_2 = 7_500  # a local time repeats an hour when summer ends, and the five minutes come on top

Mark = Any  # a cursor value as JSON: a number, or a text that the database reads as its own


def as_json(value: Any) -> Mark:
    """A stored value in a form that JSON keeps and the database takes back."""
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat(sep=" ") if isinstance(value, datetime) else written(value)


def overlap_of(spec: CursorSpec, mark: Mark) -> int:
    """How far back a read starts again: seconds for times, the column's own unit for numbers."""
    if spec.overlap is not None:
        return spec.overlap
    if spec.kind is CursorKind.SEQUENCE:
        return 0
    moment = None if isinstance(mark, int | float) else _moment(spec.column, mark)
    return HOURS_2 if moment is not None and moment.tzinfo is None else MINUTES_5


def stepped_back(column: Column, spec: CursorSpec, mark: Mark) -> Mark:
    """The mark from which the next read starts, so that ties and late commits are read again."""
    if mark is None:
        return None
    overlap = overlap_of(spec, mark)
    if not overlap:
        return mark
    if isinstance(mark, int | float):
        return mark - overlap
    if column.kind is Kind.DECIMAL:
        return written(Decimal(mark) - overlap)
    if column.kind is Kind.DATE:
        return _earlier_day(mark, overlap)
    return _earlier(spec.column, mark, overlap)


def _earlier(name: str, mark: str, seconds: int) -> str:
    try:
        return _like(mark, _moment(name, mark) - timedelta(seconds=seconds))
    except OverflowError:
        return mark  # the year 1: nothing is earlier


def _earlier_day(mark: str, seconds: int) -> str:
    try:
        return (date.fromisoformat(mark) - timedelta(days=math.ceil(seconds / 86_400))).isoformat()
    except OverflowError:
        return mark


def not_after(column: Column, spec: CursorSpec, mark: Mark, now: datetime, local: datetime | None = None) -> Mark:
    """The mark, or the server's own time if the mark lies behind it: a wrong date must not hide later rows.

    A time without a zone is compared with `local`, or else with UTC, which can only make the next read start too early.
    """
    timed = spec.kind is CursorKind.TIMESTAMP and isinstance(mark, str)
    if not timed or column.kind in {Kind.DECIMAL, Kind.DATE}:
        return mark
    moment = _moment(spec.column, mark)
    limit = now if moment.tzinfo else local or now.astimezone(UTC).replace(tzinfo=None)
    return mark if moment <= limit else _like(mark, limit)


def _moment(name: str, mark: str) -> datetime:
    try:
        return datetime.fromisoformat(mark)
    except ValueError:
        raise ConfigError(f"The cursor column {name} holds “{mark[:40]}”, which is no time.") from None


def _like(mark: str, moment: datetime) -> str:
    """A moment in the spelling of a mark, cut to the second: SQLite compares times as texts."""
    separator = mark[10] if len(mark) > 10 else " "
    return moment.replace(microsecond=0).isoformat(sep=separator)
