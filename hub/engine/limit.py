"""Rate limits as token buckets: so many requests a second, a minute and a day, shared by all workers.

Workers lease tokens by the handful, so that the shared state is touched once for many requests.
Token bucket: https://en.wikipedia.org/wiki/Token_bucket
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

SECONDS = {"second": 1.0, "minute": 60.0, "day": 86_400.0}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit and what is left of it: refilled by `rate` tokens a second up to `capacity`, last at `at`."""

    name: str
    rate: float
    capacity: float
    tokens: float
    at: float


def bucket(name: str, count: int, *, burst: int | None, now: float) -> Bucket:
    """A full bucket for `count` requests each `name` (second, minute, day).

    With a `burst` it is the leaky bucket that vendors describe: `count` a period and `burst` at once. Without, a
    tenth may go at once, and no period contains more than `count`, wherever it begins.
    """
    period = SECONDS[name]
    if burst is not None:
        return Bucket(name, count / period, max(1, burst), max(1, burst), now)
    at_once = max(1, count // 10)
    return Bucket(name, (count - at_once + 1) / period, at_once, at_once, now)


def refilled(some: Bucket, now: float) -> Bucket:
    """The bucket as it is at `now`; a clock that went back gives nothing."""
    if now <= some.at:
        return some
    return replace(some, tokens=min(some.capacity, some.tokens + (now - some.at) * some.rate), at=now)


def lease(buckets: Sequence[Bucket], wanted: int, now: float) -> tuple[int, list[Bucket]]:
    """(how many of `wanted` requests may go, the buckets after that): each must have a token for each."""
    full = [refilled(each, now) for each in buckets]
    given = max(0, min([wanted, *(int(each.tokens + 1e-9) for each in full)]))
    return given, [replace(each, tokens=each.tokens - given) for each in full]


def returned(buckets: Sequence[Bucket], count: int) -> list[Bucket]:
    """The buckets with `count` leased tokens that were not used put back."""
    return [replace(each, tokens=min(each.capacity, each.tokens + count)) for each in buckets]


def wait(buckets: Sequence[Bucket], now: float) -> float:
    """Seconds until one request may go."""
    return max([0.0, *((1 - refilled(each, now).tokens) / each.rate for each in buckets)])
