"""How a connection's pace stands, in words and numbers for people."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from hub.engine import limit, tally
from hub.engine.breaker import BreakerState
from hub.models import Connection, RateState
from hub.services.pace import state
from hub.services.pace.hold import BUDGET, Hold, hold_of, retries_of, rows_of

LABELS = {
    BreakerState.CLOSED: ("closed", "ok"),
    BreakerState.OPEN: ("open", "bad"),
    BreakerState.HALF_OPEN: ("half-open", "warn"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The pace towards one origin. `limits`: (requests a …, left, capacity) of each limit that is set."""

    origin: str
    breaker: str
    tone: str
    reason: str
    since: datetime | None
    probe_at: datetime | None
    width: int
    most: int
    calls: int
    failed: int
    retries: int
    retries_allowed: int
    limits: tuple[tuple[str, int, int], ...]
    quota_left: int | None
    quota_at: datetime | None
    held_until: datetime | None


def standings(connection: Connection, now: datetime) -> list[Standing]:
    """The pace of a connection towards each origin it has called."""
    used = retries_of(connection, now)
    return [_standing(connection, row, now, used) for row in rows_of(connection).order_by("origin")]


def held(connections: QuerySet[Connection], now: datetime) -> list[tuple[Connection, Hold]]:
    """Those of the connections that are held now, with why. One query while none is."""
    trouble = ~Q(breaker=BreakerState.CLOSED.value) | Q(held_until__gt=now) | Q(quota_left=0, quota_at__gt=now)
    rows = RateState.objects.filter(trouble, connection__in=connections.order_by()).exclude(origin=BUDGET)
    some = {row.connection_id: row.connection for row in rows.select_related("connection").order_by("connection")}
    return [(connection, hold) for connection in some.values() if (hold := hold_of(connection, now))]


def _standing(connection: Connection, row: RateState, now: datetime, used: tuple[int, int]) -> Standing:
    at = now.timestamp()
    window = tally.total(tally.from_json(row.slots), at)
    label, tone = LABELS[BreakerState(row.breaker)]
    buckets = [limit.refilled(each, at) for each in state.buckets_of(row, connection, at)]
    return Standing(
        origin=row.origin,
        breaker=label,
        tone=tone,
        reason=row.reason,
        since=row.opened_at,
        probe_at=row.probe_at if row.breaker == BreakerState.OPEN else None,
        width=min(row.width or connection.max_in_flight, connection.max_in_flight),
        most=connection.max_in_flight,
        calls=window.calls,
        failed=window.transients,
        retries=used[0],
        retries_allowed=used[1],
        limits=tuple((each.name, int(each.tokens), int(each.capacity)) for each in buckets),
        quota_left=row.quota_left if row.quota_at and row.quota_at > now else None,
        quota_at=row.quota_at,
        held_until=row.held_until if row.held_until and row.held_until > now else None,
    )
