"""Whether a connection is held, and why; what may be repeated or caught up now; and what people do about it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from hub import clock
from hub.engine import breaker, budget, limit, tally
from hub.engine.breaker import Breaker, BreakerState
from hub.engine.tally import Slot
from hub.models import Connection, Credential, RateState, User
from hub.services import audit
from hub.services.pace import alarm, state

SOON = timedelta(seconds=2)  # a shorter wait is not worth putting a run aside
OriginsOf = Callable[[Connection], Sequence[str]]
BUDGET = ""  # the row of what belongs to a connection whatever its origins: retries and catching up


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a connection is not to be called before `until`. `is_due`: the time has come to try it with one read."""

    reason: str
    until: datetime
    code: str
    is_due: bool


def hold_of(connection: Connection, now: datetime) -> Hold | None:
    """The hold of a connection that lasts longest; None when it may be called."""
    return holds_of([connection], now).get(connection.pk)


def holds_of(connections: Collection[Connection], now: datetime) -> dict[int, Hold]:
    """The same for several in one question, by their ids; of those only that are held."""
    known = {connection.pk: connection for connection in connections}
    found: dict[int, Hold] = {}
    for row in RateState.objects.filter(connection__in=known).exclude(origin=BUDGET):
        pk = row.connection_id
        if hold := _hold(known[pk], row, now):
            found[pk] = max(hold, found.get(pk, hold), key=lambda one: (not one.is_due, one.until))
    return found


def rows_of(connection: Connection) -> QuerySet[RateState]:
    """What is known of each origin of a connection."""
    return RateState.objects.filter(connection=connection).exclude(origin=BUDGET)


def _hold(connection: Connection, row: RateState, now: datetime) -> Hold | None:
    if row.held_until and row.held_until > now + SOON:
        told = f"“{connection}” asked to be left alone until {row.held_until:%Y-%m-%d %H:%M:%S} UTC."
        return Hold(told, row.held_until, "retry-after", is_due=False)
    if row.quota_left == 0 and row.quota_at and row.quota_at > now + SOON:
        told = f"The quota of “{connection}” is used up until {row.quota_at:%Y-%m-%d %H:%M:%S} UTC."
        return Hold(told, row.quota_at, "quota", is_due=False)
    if row.breaker == BreakerState.CLOSED or row.is_read_proven:
        return None
    until = row.probing_until if row.breaker == BreakerState.HALF_OPEN else row.probe_at
    until = until or now
    if row.code == breaker.CONSENT:
        return Hold(f"“{connection}” is held: {row.reason}", until, row.code, is_due=until <= now)
    told = f"“{connection}” is held: {row.reason} It is tried again at {until:%Y-%m-%d %H:%M:%S} UTC."
    return Hold(told, until, row.code, is_due=until <= now)


def grant_retries(connection: Connection, wanted: int) -> int:
    """How many of `wanted` repeated writes may go now, by the retry budget of the connection; they are counted."""
    if wanted <= 0:
        return 0
    now = clock.now().timestamp()
    calls = sum(tally.total(tally.from_json(row.slots), now).calls for row in rows_of(connection))
    with state.locked(connection.pk, BUDGET) as row:
        slots = tally.from_json(row.slots)
        retries = tally.total(slots, now).retries
        granted = budget.granted(wanted, calls=calls, retries=retries)
        row.slots = tally.to_json(tally.added(slots, now, Slot(now, retries=granted)))
    return granted


def retries_of(connection: Connection, now: datetime) -> tuple[int, int]:
    """(retries of the last minute, how many there may be)."""
    at = now.timestamp()
    calls = sum(tally.total(tally.from_json(row.slots), at).calls for row in rows_of(connection))
    row = RateState.objects.filter(connection=connection, origin=BUDGET).first()
    retries = tally.total(tally.from_json(row.slots), at).retries if row else 0
    return retries, budget.allowance(calls)


def grant_catch_up(connection: Connection, wanted: int) -> tuple[int, float]:
    """(how many of `wanted` waiting records may be written now, seconds until the next may), by the catch-up rate."""
    rate = connection.catch_up_rate
    if not rate or wanted <= 0:
        return wanted, 0.0
    now = clock.now().timestamp()
    with state.locked(connection.pk, BUDGET) as row:
        kept = row.tokens.get("catch-up")
        fresh = limit.bucket("minute", rate, burst=max(1, rate // 2), now=now)
        tokens, at = (min(kept[0], fresh.capacity), kept[1]) if kept else (fresh.tokens, now)
        bucket = limit.Bucket("catch-up", fresh.rate, fresh.capacity, tokens, at)
        granted, [left] = limit.lease([bucket], wanted, now)
        row.tokens = {**row.tokens, "catch-up": [left.tokens, left.at]}
    return granted, limit.wait([left], now)


def proven(connection: Connection) -> None:
    """Somebody's test found that the connection works: a breaker that waited for a probe has had its read."""
    for found in rows_of(connection).exclude(breaker=BreakerState.CLOSED.value):
        with state.locked(connection.pk, found.origin) as row:
            before, stands = row.breaker, state.breaker_of(row)
            written = state.is_written(connection.pk)
            state.put_breaker(row, breaker.proven(stands, write=False, is_written=written))
            alarm.told(connection, row, before)


def try_again(credential: Credential) -> None:
    """New values were set, or consent given: where it was refused, whoever comes next may try with one read."""
    codes = (breaker.AUTH, breaker.CONSENT)
    refused = RateState.objects.filter(connection__credential=credential, code__in=codes)
    refused.filter(breaker=BreakerState.OPEN.value).update(probe_at=clock.now())


def hold_for_consent(credential: Credential, reason: str, origins_of: OriginsOf) -> None:
    """Hold every connection that uses a credential until a person has given consent again; to be called in a
    transaction."""
    now = clock.now().timestamp()
    for connection in Connection.objects.filter(credential=credential):
        for origin in origins_of(connection):
            with state.locked(connection.pk, origin) as row:
                before = row.breaker
                stands = replace(state.breaker_of(row), state=BreakerState.CLOSED)
                state.put_breaker(row, breaker.opened(stands, now=now, code=breaker.CONSENT, reason=reason))
                alarm.told(connection, row, before)


@transaction.atomic
def close_breaker(*, connection: Connection, by: User, reason: str) -> None:
    """A person knows better: every hold of the connection ends now, and it begins again with one request at a time."""
    for found in rows_of(connection):
        with state.locked(connection.pk, found.origin) as row:
            before = row.breaker
            state.put_breaker(row, Breaker())
            row.held_until = row.quota_left = row.quota_at = None
            alarm.told(connection, row, before)
    audit.record(actor=by, action="breaker.close", subject=connection, reason=reason)


@transaction.atomic
def probe_now(*, connection: Connection, by: User) -> None:
    """Do not wait for the next probe: whoever comes next may try with one read."""
    now = clock.now()
    waiting = rows_of(connection).filter(breaker=BreakerState.OPEN.value)
    waiting.update(probe_at=now)
    audit.record(actor=by, action="breaker.probe", subject=connection)
