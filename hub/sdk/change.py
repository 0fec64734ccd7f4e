"""What the hub asks of a destination, and what the destination answers."""

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
    destination's own words, `retry_after` seconds, `job` where an accepted change can be asked about.
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
