"""The retry budget: repeated requests stay a small part of all, so that they cannot make an outage worse.

Retries are at most a tenth of a connection's calls in a minute, and ten are always allowed (correctness paper 6.2).
"""

SHARE, FLOOR = 0.1, 10


def allowance(calls: int) -> int:
    """How many of a minute's calls may be retries."""
    return max(FLOOR, int(SHARE * calls))


def granted(wanted: int, *, calls: int, retries: int) -> int:
    """How many of `wanted` retries may go now, after `calls` in the last minute of which `retries` were retries."""
    return max(0, min(wanted, allowance(calls) - retries))
