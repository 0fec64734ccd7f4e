"""How one request ended, and the classes that such ends fall into (correctness paper 6.1)."""

from dataclasses import dataclass
from enum import StrEnum


class Loss(StrEnum):
    """How a request ended without a usable answer."""

    NOT_SENT = "not_sent"  # no name, refused, connect timeout: no byte left
    UNSENDABLE = "unsendable"  # certificate, egress rule, a request that cannot be written: no use trying again
    LOST = "lost"  # reset, closed, cut short: it may have arrived
    TIMEOUT = "timeout"  # nothing came within the deadline: it may have arrived
    OVERSIZE = "oversize"  # the answer was larger than allowed: it did arrive


class SignalClass(StrEnum):
    """What the end of a request means for what comes next."""

    APPLIED = "applied"  # it happened
    ACCEPTED = "accepted"  # taken for later: poll
    PER_ITEM = "per_item"  # each item has its own result
    NOT_SENT = "not_sent"  # nothing left: try again
    NOT_APPLIED = "not_applied"  # it arrived and surely did nothing: try again
    THROTTLED = "throttled"  # the same, and the other side asks for less
    BUSY = "busy"  # a lock or a deadlock in the way: try again soon
    TRANSIENT = "transient"  # a read without an answer: try again
    AMBIGUOUS = "ambiguous"  # it may or may not have happened: resolve
    AUTH = "auth"  # credentials refused: hold the connection
    PERMISSION = "permission"  # not allowed to do this: hold the operation
    CONFIG = "config"  # wrongly set up: an operator must correct it
    REJECTED = "rejected"  # refused for what it says: a person must look
    CONFLICT = "conflict"  # the precondition was false: read, adopt if equal
    TARGET_GONE = "target_gone"  # the record to change is not there: delete policy
    DUPLICATE = "duplicate"  # the record to create is there: probe and adopt
    DUPLICATE_TARGET = "duplicate_target"  # several records match: a person must look
    SPLIT = "split"  # too large: halve the batch
    HELD = "held"  # a closed period: wait for it to open


# What a breaker counts against a system: it may well work later, but did not now.
TRANSIENTS = frozenset(
    {
        SignalClass.NOT_SENT,
        SignalClass.NOT_APPLIED,
        SignalClass.THROTTLED,
        SignalClass.TRANSIENT,
        SignalClass.AMBIGUOUS,
    }
)


@dataclass(frozen=True, slots=True)
class Signal:
    """The end of one request.

    `is_handled`: the connector said that it deals with this status itself, as with a session
    that has ended. `seconds` is how long it took. `retry_after` is how long the other side asked to be left alone;
    `remaining` of a quota and `reset` seconds until it is whole again are what it told of its quota.
    """

    kind: SignalClass
    write: bool
    origin: str = ""
    status: int | None = None
    loss: Loss | None = None
    seconds: float = 0.0
    retry_after: float | None = None
    remaining: int | None = None
    reset: float | None = None
    is_handled: bool = False
