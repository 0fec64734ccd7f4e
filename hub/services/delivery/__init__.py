"""Deliveries: received and stored before they are answered, turned into hints afterwards, replayed by people."""

from hub.services.delivery.receive import Receipt, Request, known, receive, receive_later
from hub.services.delivery.replay import ReplayError, replay
from hub.services.delivery.sweep import sweep, tend
from hub.services.delivery.take import take_waiting

__all__ = [
    "Receipt",
    "ReplayError",
    "Request",
    "known",
    "receive",
    "receive_later",
    "replay",
    "sweep",
    "take_waiting",
    "tend",
]
