"""The gate of one worker towards one origin: lets requests through by what it knows, and tells what it saw."""

import logging
import secrets
import threading
from dataclasses import replace
from time import monotonic

from django.db import DatabaseError
from django.db import connection as database

from hub import clock
from hub.engine import breaker, limit
from hub.engine.breaker import BreakerState, Permit
from hub.models import Connection, RateState
from hub.sdk import TRANSIENTS, Loss, PacedError, Signal, SignalClass
from hub.services import zone
from hub.services.pace import alarm, state
from hub.services.pace.state import Known, Seen

HEALTHY_SECONDS, UNEASY_SECONDS = 5.0, 1.0  # between two visits to the shared state
PATIENCE = 15.0  # seconds that a request may wait at the gate before it is sent away
SHARE_MARGIN = 30.0  # seconds a share outlives the longest request
LEAST_WAIT, REFILLED = 0.25, 0.8  # seconds, and part of a bucket, before a worker asks for tokens again
LEASE_SECONDS = 1.0  # of requests that are leased at once
HIDDEN_AUTH = "The credentials were refused."
logger = logging.getLogger(__name__)


class Gate:
    """Holds a share of the width and some tokens. Every method is safe to call from any thread.

    `home` is the thread whose database connection lives on; any other's is closed after each visit. `most` is how many
    requests are sent from here at once; None: as many as may be.
    """

    def __init__(self, connection: Connection, origin: str, home: int, most: int | None = None) -> None:
        self._most = most
        self.connection, self.origin, self._home = connection, origin, home
        self._worker = secrets.token_hex(4)
        self._changed = threading.Condition()
        self._known = Known()
        self._seen = Seen()
        self._in_flight = 0
        self._tokens = 0
        self._lease_at = 0.0
        self._visit_at = 0.0
        self._probe: tuple[int, bool] | None = None  # (thread, write) of the probe that is under way here
        self._last: SignalClass | None = None
        self._is_limited = any(getattr(connection, name) for name in state.PERIODS.values())

    @property
    def width(self) -> int:
        """How many requests may be in flight here now."""
        with self._changed:
            if not self._visit_at:
                self._visit()
            return max(1, self._known.share)

    def enter(self, *, write: bool, most: int = 1) -> int:
        """Wait for leave to go, or raise PacedError. Returns how much of what costs `most` tokens may go now."""
        patience = monotonic() + PATIENCE
        with self._changed:
            while True:
                now = _now()
                if now >= self._visit_at:
                    self._visit()
                permit = self._permit(write=write, now=now)
                if permit.allowed and (not permit.is_probe or self._claim(write=write)):
                    break
                left = patience - monotonic()
                if permit.wait > left or left <= 0 or self._is_hopeless():
                    raise PacedError(self.reason(now), max(permit.wait, 1.0))
                self._changed.wait(max(0.01, min(permit.wait, left, 0.5)))
            granted = 1 if permit.is_probe else min(most, self._tokens) if self._is_limited else most
            self._in_flight += 1
            self._tokens -= granted * self._is_limited
            self._seen.is_used_up |= self._in_flight >= self._known.share
            return granted

    def leave(self, signal: Signal, count: int = 1) -> None:
        """Learn from an answer about `count` things; tells the others soon, and at once when it matters to them."""
        with self._changed:
            self._in_flight = max(0, self._in_flight - 1)
            self._last = signal.kind
            self._note(signal, count)
            is_probe = self._probe is not None and self._probe == (threading.get_ident(), signal.write)
            if is_probe:
                self._visit(probed=signal)
            elif self._is_urgent() or _now() >= self._visit_at:
                self._visit()
            self._changed.notify_all()

    def refused(self) -> None:
        """The connector gave up on credentials that it had refreshed: the breaker opens for everybody."""
        with self._changed:
            if self._last is SignalClass.AUTH:
                self._seen.refusal = HIDDEN_AUTH
                self._visit()

    def close(self) -> None:
        """Give back what was leased, and tell the last of what was seen."""
        with self._changed:
            if self._visit_at:
                self._visit(is_last=True)

    def reason(self, now: float) -> str:
        """Why nothing may leave, for people."""
        name, known = f"“{self.connection}”", self._known
        if known.held_until > now:
            return f"{name} asked to be left alone until {_told(known.held_until)}."
        if known.breaker.state is not BreakerState.CLOSED:
            if known.breaker.code == breaker.CONSENT:
                return f"{name} is held: {known.breaker.reason}"
            again = _told(known.breaker.probe_at or now)
            return f"{name} is held: {known.breaker.reason} It is tried again at {again}."
        if known.quota_left == 0 and known.quota_at > now:
            return f"The quota of {name} is used up until {_told(known.quota_at)}."
        if self._is_limited and self._tokens <= 0:
            return f"The request limit of {name} is used up."
        return f"{name} is answering as many requests as it can."

    # --- whether one may leave -------------------------------------------------------------------------

    def _permit(self, *, write: bool, now: float) -> Permit:
        known = self._known
        if known.held_until > now:
            return Permit(allowed=False, wait=known.held_until - now)
        if known.quota_left == 0 and known.quota_at > now:
            return Permit(allowed=False, wait=known.quota_at - now)
        permit = breaker.permit(known.breaker, write=write, now=now)
        if not permit.allowed:
            return permit
        if self._is_limited and self._tokens <= 0:
            if now >= self._lease_at:
                self._visit()
            if self._tokens <= 0:
                return Permit(allowed=False, wait=max(0.001, self._lease_at - now))
        if self._in_flight >= self._known.share:
            return Permit(allowed=False, wait=0.5)
        return permit

    def _is_hopeless(self) -> bool:
        """Whether waiting here is no use: the breaker is not closed, and no probe is under way that may close it."""
        return self._known.breaker.state is not BreakerState.CLOSED and self._probe is None

    def _claim(self, *, write: bool) -> bool:
        """Whether this gate may send the probe; another worker may have been faster."""
        self._visit(claims=write)
        return self._probe is not None

    # --- what was seen ---------------------------------------------------------------------------------

    def _note(self, signal: Signal, count: int) -> None:
        seen, now = self._seen, _now()
        seen.calls += 1 if signal.kind in TRANSIENTS else count
        if signal.kind in TRANSIENTS:
            seen.transients += 1
            seen.in_a_row += 1
        else:
            seen.successes += 1
            seen.in_a_row = 0
            seen.seconds.setdefault("write" if signal.write else "read", []).append(signal.seconds)
        seen.is_congested |= signal.kind is SignalClass.THROTTLED or signal.loss is Loss.TIMEOUT
        if signal.kind is SignalClass.AUTH and not signal.is_handled:
            seen.refusal = HIDDEN_AUTH
        if signal.retry_after:
            seen.held_until = max(seen.held_until, now + signal.retry_after)
            self._known = replace(self._known, held_until=max(self._known.held_until, seen.held_until))
        if signal.remaining is not None:
            reset = now + (signal.reset if signal.reset is not None else 60.0)
            seen.quota = (signal.remaining, reset)
            self._known = replace(self._known, quota_left=signal.remaining, quota_at=reset)

    def _is_urgent(self) -> bool:
        """Whether the others should know at once."""
        seen = self._seen
        tripping = seen.in_a_row >= breaker.MOST_IN_A_ROW or (
            seen.transients >= breaker.LEAST_CALLS * breaker.SHARE and 2 * seen.transients >= seen.calls
        )
        return bool(seen.refusal or seen.held_until or tripping or (seen.quota and seen.quota[0] == 0))

    # --- the shared state ------------------------------------------------------------------------------

    def _visit(self, *, claims: bool | None = None, probed: Signal | None = None, is_last: bool = False) -> None:
        """Go to the shared state: tell what was seen, learn what holds. A database that is away changes nothing."""
        seen, now = self._seen, _now()
        try:
            with state.locked(self.connection.pk, self.origin) as row:
                before = row.breaker
                state.merge(row, self.connection, seen, now)
                if probed is not None:
                    self._judge(row, probed, now)
                if claims is not None:
                    self._take_probe(row, write=claims, now=now)
                self._lease(row, now, is_last=is_last)
                row.updated_at = state.moment(now)
                alarm.told(self.connection, row, before)
            zone.refresh()  # what was closed since is out of reach for a run that is under way, too
        except DatabaseError:
            logger.warning("The pace of %s could not be told to the other workers.", self.connection.name)
            self._visit_at = now + UNEASY_SECONDS
            return
        finally:
            if threading.get_ident() != self._home:
                database.close()  # of this thread only, which nobody else would close
        self._seen = Seen(in_a_row=seen.in_a_row)
        uneasy = seen.transients or self._known.width < self.connection.max_in_flight or self._known.share == 0
        closed = self._known.breaker.state is BreakerState.CLOSED
        self._visit_at = now + (UNEASY_SECONDS if uneasy or not closed else HEALTHY_SECONDS)

    def _judge(self, row: RateState, probed: Signal, now: float) -> None:
        """What a probe proved. An answer that refuses is one: the system works."""
        self._probe = None
        stands = state.breaker_of(row)
        if stands.state is not BreakerState.HALF_OPEN:
            return
        if probed.kind in TRANSIENTS or probed.kind is SignalClass.AUTH:
            code = breaker.AUTH if probed.kind is SignalClass.AUTH else ""
            again = breaker.opened(stands, now=now, code=code, reason=stands.reason)
            state.put_breaker(row, again)
        else:
            written = state.is_written(self.connection.pk)
            state.put_breaker(row, breaker.proven(stands, write=probed.write, is_written=written))

    def _take_probe(self, row: RateState, *, write: bool, now: float) -> None:
        stands = state.breaker_of(row)
        if breaker.permit(stands, write=write, now=now).is_probe:
            state.put_breaker(row, breaker.claimed(stands, now=now))
            self._probe = (threading.get_ident(), write)

    def _lease(self, row: RateState, now: float, *, is_last: bool) -> None:
        """Renew the share of the width, and fetch tokens for about a second."""
        buckets = state.buckets_of(row, self.connection, now)
        if is_last:
            row.shares.pop(self._worker, None)
            state.put_buckets(row, limit.returned(buckets, max(0, self._tokens)))
            self._tokens = 0
            return
        until = now + self.connection.timeout_seconds + SHARE_MARGIN
        share = state.share_of(row, self.connection, self._worker, until, now, self._most)
        if buckets and self._tokens <= 0:
            wanted = max(1, int(min(each.rate for each in buckets) * LEASE_SECONDS))
            self._tokens, buckets = limit.lease(buckets, wanted, now)
            # Whoever finds nothing comes again when a good part has been refilled, not for each single token.
            refill = min([LEAST_WAIT, *(REFILLED * each.capacity / each.rate for each in buckets)])
            self._lease_at = now if self._tokens else now + max(refill, limit.wait(buckets, now))
            state.put_buckets(row, buckets)
        self._known = state.known_of(row, share, min(row.width or 10_000, self.connection.max_in_flight))


def _now() -> float:
    return clock.now().timestamp()


def _told(at: float) -> str:
    moment = state.moment(at)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "soon"
