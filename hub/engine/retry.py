"""When to try again after a failure that passes: full jitter, a limited number of tries, a limited age.

Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (correctness paper 6.2).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

BASE, CAP = 2.0, 900.0
# A lock or a deadlock is over soon.
BUSY_BASE, BUSY_CAP = 0.5, 30.0
MOST_TRIES = 8
MOST_AGE = timedelta(hours=24)
# A change may have waited a day for others' sake: its age ends it only after it had a few tries of its own.
LEAST_TRIES = 3
# How long something waits that was held back without a word of how long, and within how much more it comes.
HELD_FOR, HELD_SPREAD = 15.0, 5.0
# Longer than anybody means it; a wait beyond is somebody's mistake in writing a date.
LONGEST_WAIT = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Whether to try again, and not before when."""

    retry: bool
    due_at: datetime | None
    reason: str


def decide(  # noqa: PLR0913  each is a fact of the failed try
    *,
    tries: int,
    now: datetime,
    chance: float,
    most: int = MOST_TRIES,
    first_at: datetime | None = None,
    retry_after: float | None = None,
    is_busy: bool = False,
) -> RetryDecision:
    """Try again at a point (`chance`, 0 to 1) within the spread of `tries` so far, never before `retry_after` seconds.

    Ends after `most` tries, or a day after `first_at`.
    """
    if tries >= most:
        return RetryDecision(retry=False, due_at=None, reason=f"Tried {tries} times.")
    if first_at is not None and now - first_at > MOST_AGE and tries >= LEAST_TRIES:
        return RetryDecision(retry=False, due_at=None, reason=f"Tried {tries} times in more than a day.")
    seconds = max(min(retry_after or 0.0, LONGEST_WAIT), chance * spread(tries, is_busy=is_busy))
    return RetryDecision(retry=True, due_at=now + timedelta(seconds=seconds), reason=f"Try {tries + 1} of {most}.")


def held_until(*, now: datetime, chance: float, seconds: float | None) -> datetime:
    """When something that was held back, not tried, is due: after `seconds`, spread a little so that not all come."""
    wait = HELD_FOR if seconds is None else min(seconds, LONGEST_WAIT)
    return now + timedelta(seconds=wait + chance * HELD_SPREAD)


def spread(tries: int, *, is_busy: bool = False) -> float:
    """Seconds within which the next try falls: min(cap, base · 2^tries)."""
    base, cap = (BUSY_BASE, BUSY_CAP) if is_busy else (BASE, CAP)
    return min(cap, base * 2.0 ** min(tries, 32))
