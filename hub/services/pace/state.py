"""The shared state of a connection's pace: what a worker saw is merged into it, and what it may do comes back.

Everything here happens in one short transaction with the row locked; the decisions are the engine's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction

from hub.engine import breaker, concurrency, limit, tally
from hub.engine.breaker import Breaker, BreakerState
from hub.engine.concurrency import Window
from hub.engine.limit import Bucket
from hub.engine.tally import Slot
from hub.models import Connection, Mapping, RateState

NARROW_ONCE = 2.0  # seconds in which several workers' complaints about the same congestion count as one
PERIODS = {"second": "per_second", "minute": "per_minute", "day": "per_day"}


@dataclass(slots=True)
class Seen:
    """What one worker saw since it last told. `in_a_row`: failures since the last success, if there was one."""

    calls: int = 0
    transients: int = 0
    retries: int = 0
    successes: int = 0
    in_a_row: int = 0
    is_congested: bool = False
    is_used_up: bool = False
    seconds: dict[str, list[float]] = field(default_factory=dict)
    held_until: float = 0.0
    quota: tuple[int, float] | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a worker goes by until it comes again. Times are seconds since 1970."""

    breaker: Breaker = field(default_factory=Breaker)
    held_until: float = 0.0
    quota_left: int | None = None
    quota_at: float = 0.0
    share: int = 1
    width: int = 1


@contextmanager
def locked(connection_id: int, origin: str) -> Iterator[RateState]:
    """The row, locked until the end, then saved."""
    with transaction.atomic():
        row, _ = RateState.objects.get_or_create(connection_id=connection_id, origin=origin[:200])
        row = RateState.objects.select_for_update().get(pk=row.pk)
        yield row
        row.save()


def breaker_of(row: RateState) -> Breaker:
    """The breaker as the engine knows it."""
    return Breaker(
        state=BreakerState(row.breaker),
        code=row.code,
        reason=row.reason,
        opened_at=seconds(row.opened_at),
        probe_at=seconds(row.probe_at),
        probing_until=seconds(row.probing_until),
        is_read_proven=row.is_read_proven,
        failed_probes=row.failed_probes,
    )


def put_breaker(row: RateState, stands: Breaker) -> None:
    """Note how the breaker stands; one that closes after an outage begins with one request in flight."""
    if row.breaker != BreakerState.CLOSED and stands.state is BreakerState.CLOSED:
        row.width, row.in_a_row, row.slots = concurrency.AFTER_AN_OUTAGE, 0, []
    row.breaker, row.code, row.reason = stands.state.value, stands.code[:40], stands.reason[:500]
    row.opened_at, row.probe_at = moment(stands.opened_at), moment(stands.probe_at)
    row.probing_until, row.is_read_proven = moment(stands.probing_until), stands.is_read_proven
    row.failed_probes = stands.failed_probes


def merge(row: RateState, connection: Connection, seen: Seen, now: float) -> None:
    """Add what a worker saw: counts, congestion, holds, quota; opens the breaker when it trips."""
    more = Slot(now, seen.calls, seen.transients, seen.retries)
    slots = tally.added(tally.from_json(row.slots), now, more)
    row.slots = tally.to_json(slots)
    row.in_a_row = seen.in_a_row if seen.successes else row.in_a_row + seen.in_a_row
    row.held_until = moment(max(seconds(row.held_until) or 0.0, seen.held_until) or None)
    if seen.quota is not None:
        row.quota_left, row.quota_at = seen.quota[0], moment(seen.quota[1])
    _adjust_width(row, connection, seen, now)
    stands = breaker_of(row)
    if stands.state is BreakerState.CLOSED:
        why = seen.refusal or (breaker.trips(tally.total(slots, now), row.in_a_row) if seen.transients else "")
        if why:
            code = breaker.AUTH if seen.refusal else "failures"
            put_breaker(row, breaker.opened(stands, now=now, code=code, reason=why))


def _adjust_width(row: RateState, connection: Connection, seen: Seen, now: float) -> None:
    most = connection.max_in_flight
    width = min(row.width or most, most)
    answers = sum(len(taken) for taken in seen.seconds.values())
    was_narrowed = now - (seconds(row.narrowed_at) or 0.0) < NARROW_ONCE
    is_congested = seen.is_congested
    for kind, taken in seen.seconds.items():
        window = Window(latency=sum(taken) / len(taken))
        is_slow = concurrency.is_slow(window, row.latency.get(kind))
        is_congested |= is_slow
        if not is_slow:
            row.latency[kind] = concurrency.learned(row.latency.get(kind), window)
    most_in_flight = width if seen.is_used_up else 0
    wider = concurrency.adjusted(width, most, Window(answers, most_in_flight, is_congested and not was_narrowed), None)
    if wider < width:
        row.narrowed_at = moment(now)
    row.width = 0 if wider >= most else wider


def buckets_of(row: RateState, connection: Connection, now: float) -> list[Bucket]:
    """The limits of a connection as full as they are; one that was changed begins anew."""
    found = []
    for name, setting in PERIODS.items():
        count = getattr(connection, setting)
        if not count:
            continue
        burst = connection.burst if name == "second" or not connection.per_second else None
        fresh = limit.bucket(name, count, burst=burst, now=now)
        kept = row.tokens.get(name)
        tokens, at = (min(kept[0], fresh.capacity), kept[1]) if kept else (fresh.tokens, now)
        found.append(Bucket(name, fresh.rate, fresh.capacity, tokens, at))
    return found


def put_buckets(row: RateState, buckets: list[Bucket]) -> None:
    """Note what is left of the limits."""
    row.tokens = {each.name: [each.tokens, each.at] for each in buckets}


def share_of(
    row: RateState, connection: Connection, worker: str, until: float, now: float, most: int | None = None
) -> int:
    """Give a worker its share of the width, `most` of it; what others held and let lapse is free again."""
    held = {name: share[0] for name, share in row.shares.items() if share[1] > now}
    width = min(row.width or connection.max_in_flight, connection.max_in_flight)
    share = concurrency.share(width, held, worker, turn=int(now // 10))
    if most is not None:
        share = min(most, _spare(width, held, worker) or share)
    row.shares = {name: row.shares[name] for name in held} | {worker: [share, until]}
    return share


def _spare(width: int, held: dict[str, int], worker: str) -> int:
    """What the others leave, as long as there is a place for each: who takes one place need not share evenly."""
    others = [count for name, count in held.items() if name != worker]
    return max(0, width - sum(others)) if len(others) < width else 0


def known_of(row: RateState, share: int, width: int) -> Known:
    """What the worker takes with it."""
    return Known(
        breaker=breaker_of(row),
        held_until=seconds(row.held_until) or 0.0,
        quota_left=row.quota_left,
        quota_at=seconds(row.quota_at) or 0.0,
        share=share,
        width=width,
    )


def is_written(connection_id: int) -> bool:
    """Whether any mapping writes there: then a read proves too little to close the breaker."""
    found = Mapping.objects.filter(destination_id=connection_id)
    return found.exists() or Mapping.objects.filter(source_id=connection_id, direction="two_way").exists()


def seconds(at: datetime | None) -> float | None:
    """Seconds since 1970."""
    return at.timestamp() if at else None


def moment(at: float | None) -> datetime | None:
    """The time of day of so many seconds since 1970."""
    return datetime.fromtimestamp(at, UTC) if at else None
