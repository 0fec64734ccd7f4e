"""What the hub asks of a destination, and what the destination answers."""

import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from hub.sdk.record import Fields


class Operation(StrEnum):
    """What is to happen to one record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One operation on one record of a destination stream.

    `id` names the change in the hub; outcomes refer to it. `key` is the destination's key (None for a
    create). `external_id` is the source's key: unique per mapping, to be stored where the destination
    can hold it. `fields` are the fields to send (only those that changed), `image` the full mapped
    record. `version` is the precondition: the destination's version that the hub last acknowledged.
    `before` is the destination image that the hub last acknowledged (for compare-and-set on values).
    `step` is the last call done of a write in several calls: go on after it; `key` is then known for a create too.
    """

    id: str
    operation: Operation
    external_id: str
    fields: Fields = field(default_factory=dict)
    image: Fields = field(default_factory=dict)
    key: str | None = None
    version: str | None = None
    before: Fields | None = None
    idempotency_key: str = ""
    step: str = ""

    def key_for(self, call: str) -> str:
        """The idempotency key of one call of a write in several calls: its own, and the same every time."""
        return str(uuid.uuid5(uuid.UUID(self.idempotency_key), call)) if self.idempotency_key else ""


class Answer(StrEnum):
    """How a destination answered one change. The value decides what the hub does next."""

    APPLIED = "applied"  # it happened
    UNCHANGED = "unchanged"  # it was already so; counts as applied
    REFUSED = "refused"  # definitive business or validation refusal: a person must look
    CONFLICT = "conflict"  # the precondition was false: somebody else changed the record
    MISSING = "missing"  # the record to change is not there
    RETRY = "retry"  # definitely not applied, try again later (429, 503 before any effect)
    UNKNOWN = "unknown"  # silence: it may or may not have happened
    AUTH = "auth"  # credentials refused: nothing of this connection can be written
    ACCEPTED = "accepted"  # taken for later (202); `job` says where to ask
    STEP = "step"  # one call of a write in several calls is done: `step` names it; another outcome follows


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back, already redacted and bounded, as shown to a person."""

    request: str = ""
    response: str = ""
    status: int | None = None
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one change.

    `key` and `version` are the destination's own after the write; `image` what it now holds, if it
    said so (None: unknown). `code` is stable and short (`unique`, `validation`), `message` the
    destination's own words, `retry_after` seconds, `job` where an accepted change can be asked about, `step` the
    call that is done (of STEP) or that this answer is about.
    """

    change_id: str
    answer: Answer
    key: str | None = None
    version: str | None = None
    image: Fields | None = None
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    job: str = ""
    exchange: Exchange | None = None
    step: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A write that a destination took for later: `token` is the `job` it gave, `change` what it was asked for."""

    token: str
    change: Change


NOT_BEGUN = "not-begun"  # the code of a RETRY for a change that was left alone because `Orders.is_stopped`


class Orders(list[Change]):
    """The changes that a destination is asked for. Once `is_stopped` none may be begun that has not been.

    A connector that writes them one by one asks before each and answers RETRY with the code NOT_BEGUN for the rest;
    others need not care: they are given no more than about a second's work at once.
    """

    is_stopped = False
