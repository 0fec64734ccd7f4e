"""How far a read has come: where the next page starts, and where the next read for changes starts.

A cursor is `{"since": …}` between reads; within one it also holds the position (`at`), the page size it
was counted in (`size`), a mark behind what was taken of a page larger than asked for (`after`), the
highest time seen (`high`), the server's clock when the read began (`began`) and the moment until which the
server says that its answers are complete (`covered`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.rest.manifest import Incremental, Listing
from connectors.rest.template import dig, path_of
from hub.http import Response
from hub.sdk import Cursor, CursorKind, FatalError, Record

NAMES = ("since", "at", "size", "after", "high", "began", "covered")
_SCALE = {"seconds": 1, "milliseconds": 1000}


@dataclass(frozen=True, slots=True)
class Progress:
    """One position in one read; see the top of this file."""

    since: Any = None
    at: Any = None
    size: int | None = None
    after: list[Any] | None = None
    high: Any = None
    began: str | None = None
    covered: Any = None

    def cursor(self) -> Cursor:
        """As JSON."""
        pairs = {name: getattr(self, name) for name in NAMES}
        return {name: value for name, value in pairs.items() if value is not None}


def resume(cursor: Cursor | None) -> Progress:
    """The position a cursor stands for. Raises FatalError for one that this connector did not make."""
    try:
        return Progress(**(cursor or {}))
    except TypeError:
        raise FatalError("The cursor is not one of this connector; start with a full read.") from None


def asked(listing: Listing, here: Progress) -> dict[str, Any]:
    """The parameters that ask for what changed since the last read."""
    changes = listing.incremental
    if changes is None:
        return {}
    if here.since is None:
        return dict(changes.params)
    return {**changes.params, changes.param: _earlier(changes, here.since)}


def advance(
    listing: Listing, here: Progress, records: Sequence[Record], response: Response, body: Any = None
) -> Progress:
    """The progress after a page: the highest change seen, and the clock and the watermark of the first answer."""
    changes = listing.incremental
    if changes is None or changes.kind is CursorKind.SEQUENCE:
        return here
    began = here.began or _clock(response)
    seen = [text for record in records if (text := _stamp(changes, record)) is not None]
    if here.high is not None:
        seen.append(here.high)
    high = max(seen, key=lambda value: _instant(changes, value), default=None)
    return replace(here, began=began, high=high, covered=here.covered or _covered(changes, response, body))


def finish(listing: Listing, done: Progress) -> Progress:
    """Where the next read for changes starts.

    Never later than the moment this read began by the server's own clock: what changed behind the
    reader's back on a page it had passed must be seen again. Without a clock it stays where it was. Where the server
    says until when it is complete, exactly there: it knows its own long transactions.
    """
    changes = listing.incremental
    if changes is None:
        return Progress()
    if changes.kind is CursorKind.SEQUENCE:
        return Progress(since=done.since)
    if done.covered is not None:
        return Progress(since=done.covered)
    if done.high is None or done.began is None:
        return Progress(since=done.since)
    began = datetime.fromisoformat(done.began)
    return Progress(since=_written(changes, began, done.high) if began < _instant(changes, done.high) else done.high)


def _earlier(changes: Incremental, since: Any) -> Any:
    if not changes.overlap:
        return since
    return _written(changes, _instant(changes, since) - timedelta(seconds=changes.overlap), since)


def _covered(changes: Incremental, response: Response, body: Any) -> Any:
    """The server's own watermark, if it gives one that can be read."""
    value = changes.watermark.find(response, body) if changes.watermark else None
    try:
        _instant(changes, value)
    except (ValueError, TypeError, ArithmeticError):
        return None
    return str(value) if isinstance(value, Decimal) else value


def _stamp(changes: Incremental, record: Record) -> Any:
    """A record's time, in a form that is JSON; None when it has none that can be read."""
    value = dig(record.data, path_of(changes.field))
    try:
        _instant(changes, value)
    except (ValueError, TypeError, ArithmeticError):
        return None
    return str(value) if isinstance(value, Decimal) else value


def _instant(changes: Incremental, value: Any) -> datetime:
    if changes.unit == "iso":
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = Decimal(value) / _SCALE[changes.unit]
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))


def _written(changes: Incremental, moment: datetime, like: Any) -> Any:
    """A time as the system writes it: an ISO text in the zone and precision of `like`, or a number."""
    if changes.unit != "iso":
        return int(moment.timestamp() * _SCALE[changes.unit])
    zone = datetime.fromisoformat(like).tzinfo
    text = moment.astimezone(zone or UTC).replace(tzinfo=zone).isoformat(sep=like[10:11] or "T")
    return text.replace("+00:00", "Z") if like.endswith("Z") else text


def _clock(response: Response) -> str | None:
    try:
        return parsedate_to_datetime(response.header("date") or "").isoformat()
    except (ValueError, TypeError):
        return None
