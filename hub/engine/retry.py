"""When to try again after a failure that passes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

CEILING = 6 * 3600


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Whether to try again, and not before when."""

    retry: bool
    due_at: datetime | None
    reason: str


def decide(*, tries: int, most: int, now: datetime, chance: float, retry_after: float | None = None) -> RetryDecision:
    """Full jitter: a point (`chance`, 0 to 1) within 2^tries times 5 seconds, but never before `retry_after`."""
    if tries >= most:
        return RetryDecision(retry=False, due_at=None, reason=f"Tried {tries} times.")
    spread = min(CEILING, 5 * 2**tries)
    seconds = min(CEILING, max(retry_after or 0, 1 + chance * spread))
    return RetryDecision(retry=True, due_at=now + timedelta(seconds=seconds), reason=f"Try {tries + 1} of {most}.")
