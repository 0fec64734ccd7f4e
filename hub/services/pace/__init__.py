"""Pace: how much a connection may be asked, whether it works at all, and what people can do about it."""

from hub.services.pace.bycall import by_call
from hub.services.pace.connection import ConnectionPace, opened
from hub.services.pace.hold import (
    Hold,
    close_breaker,
    grant_catch_up,
    grant_retries,
    hold_for_consent,
    hold_of,
    holds_of,
    probe_now,
    proven,
    try_again,
)
from hub.services.pace.standing import Standing, held, standings

__all__ = [
    "ConnectionPace",
    "Hold",
    "Standing",
    "by_call",
    "close_breaker",
    "grant_catch_up",
    "grant_retries",
    "held",
    "hold_for_consent",
    "hold_of",
    "holds_of",
    "opened",
    "probe_now",
    "proven",
    "standings",
    "try_again",
]
