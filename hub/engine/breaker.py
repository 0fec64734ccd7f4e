"""The circuit breaker: a system that does not work is left alone, then tried with one read, then with one write.

Trips at half of at least twenty calls in a minute (correctness paper 6.2), at five failures in a row when there are
fewer calls than that, and at once when credentials are refused.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from hub.engine.tally import Slot

LEAST_CALLS, SHARE = 20, 0.5
# A quiet connection may make fewer than twenty calls an hour; without this its outage would never be noticed.
MOST_IN_A_ROW = 5
FIRST_WAIT, LONGEST_WAIT = 30.0, 900.0
# Refused credentials do not mend themselves, and some systems lock out who tries too often.
FIRST_AUTH_WAIT = 300.0
PROBE_TIME = 120.0  # a probe that has not ended by then died with its worker
AUTH = "auth"
CONSENT = "consent"  # only a person ends it, so there is no probe
NO_PROBE = 10 * 365 * 86_400.0


class BreakerState(StrEnum):
    """Whether requests may leave."""

    CLOSED = "closed"  # they may
    OPEN = "open"  # none may until the next probe
    HALF_OPEN = "half_open"  # one read may; once that worked, reads may and one write


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a breaker stands. Times are seconds since 1970."""

    state: BreakerState = BreakerState.CLOSED
    code: str = ""
    reason: str = ""
    opened_at: float | None = None
    probe_at: float | None = None
    probing_until: float | None = None
    is_read_proven: bool = False
    failed_probes: int = 0


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether a request may leave. `is_probe`: it is the one that decides. `wait`: seconds, when it may not."""

    allowed: bool
    is_probe: bool = False
    wait: float = 0.0


GO = Permit(allowed=True)
PROBE = Permit(allowed=True, is_probe=True)


def trips(window: Slot, in_a_row: int) -> str:
    """Why these calls open a closed breaker, or an empty string."""
    if window.calls >= LEAST_CALLS and window.transients >= SHARE * window.calls:
        return f"{window.transients} of {window.calls} calls failed within a minute."
    if in_a_row >= MOST_IN_A_ROW:
        return f"{in_a_row} calls in a row failed."
    return ""


def opened(breaker: Breaker, *, now: float, code: str, reason: str) -> Breaker:
    """The breaker open. Of one that is open already, the beginning and the next probe stay."""
    if breaker.state is BreakerState.OPEN:
        return breaker
    again = breaker.state is BreakerState.HALF_OPEN
    failed = breaker.failed_probes + 1 if again else 0
    return Breaker(
        state=BreakerState.OPEN,
        code=breaker.code if again and not code else code,
        reason=reason,
        opened_at=breaker.opened_at if again else now,
        probe_at=now + wait_of(failed, code),
        failed_probes=failed,
    )


def wait_of(failed_probes: int, code: str) -> float:
    """Seconds until the next probe: twice as long after each that failed."""
    if code == CONSENT:
        return NO_PROBE
    first = FIRST_AUTH_WAIT if code == AUTH else FIRST_WAIT
    return min(LONGEST_WAIT, first * 2.0 ** min(failed_probes, 16))


def permit(breaker: Breaker, *, write: bool, now: float) -> Permit:
    """Whether a request may leave now. One that is a probe must be `claimed` before it leaves."""
    if breaker.state is BreakerState.CLOSED:
        return GO
    if breaker.state is BreakerState.OPEN:
        wait = max(0.0, (breaker.probe_at or now) - now)
        return Permit(allowed=False, wait=max(wait, 1.0)) if wait or write else PROBE
    return _half_open(breaker, write=write, now=now)


def _half_open(breaker: Breaker, *, write: bool, now: float) -> Permit:
    if breaker.is_read_proven and not write:
        return GO
    busy = max(0.0, (breaker.probing_until or now) - now)
    if busy or (write and not breaker.is_read_proven):
        return Permit(allowed=False, wait=max(1.0, min(busy, 5.0)))
    return PROBE


def claimed(breaker: Breaker, *, now: float) -> Breaker:
    """The breaker while a probe is under way."""
    return replace(breaker, state=BreakerState.HALF_OPEN, probing_until=now + PROBE_TIME)


def proven(breaker: Breaker, *, write: bool, is_written: bool) -> Breaker:
    """The breaker after a probe that worked. `is_written`: somebody writes there, so a read alone proves too little."""
    if breaker.state is BreakerState.CLOSED:
        return breaker
    if write or not is_written:
        return Breaker()
    return replace(breaker, state=BreakerState.HALF_OPEN, probing_until=None, is_read_proven=True)
