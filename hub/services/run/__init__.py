"""Runs: asking for one, the loop itself, settling what is open, and what people can do with it."""

from hub.services.run.claim import resolve_in_doubt
from hub.services.run.control import ControlError, approve_held, cancel, discard_held
from hub.services.run.execute import drain, execute_here
from hub.services.run.lane import lane_of
from hub.services.run.request import (
    LiveRunError,
    NotReadyError,
    PausedError,
    RequestError,
    request,
    request_integration,
)

__all__ = [
    "ControlError",
    "LiveRunError",
    "NotReadyError",
    "PausedError",
    "RequestError",
    "approve_held",
    "cancel",
    "discard_held",
    "drain",
    "execute_here",
    "lane_of",
    "request",
    "request_integration",
    "resolve_in_doubt",
]
