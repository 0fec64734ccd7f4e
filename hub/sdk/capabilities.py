"""What a stream can promise; the hub chooses its read and write protocols by it and by nothing else."""

from dataclasses import dataclass
from enum import StrEnum


class CursorKind(StrEnum):
    """How far an incremental read can be trusted to continue."""

    NONE = "none"  # every read is a full read
    SEQUENCE = "sequence"  # unique and rising in commit order (Kinto's last_modified)
    TIMESTAMP = "timestamp"  # ties and late commits possible: read with overlap


class DeleteFeed(StrEnum):
    """How deletions at a source become known."""

    NONE = "none"  # only by absence from a complete read
    TOMBSTONES = "tombstones"  # an incremental read contains them


class BodyCompare(StrEnum):
    """What a destination does when a known idempotency key comes with another body."""

    ERROR = "error"  # refuses it
    IGNORE = "ignore"  # gives the first answer again
    NONE = "none"  # nobody knows


class KeyFormat(StrEnum):
    """How a destination wants an idempotency key to look."""

    TEXT = "text"  # any characters, up to the greatest length
    UUID = "uuid"


@dataclass(frozen=True, slots=True)
class Key:
    """The destination honours an idempotency key: in `header`, for `ttl` seconds.

    `stores_errors`: an answer 5xx is remembered too and given again under the same key, so that sending again says
    nothing new. `in_flight` is the status that means “the first request with this key is still at work”.
    """

    header: str = "Idempotency-Key"
    ttl: int = 86_400
    stores_errors: bool = False
    compare: BodyCompare = BodyCompare.NONE
    in_flight: int = 409
    max_length: int = 255
    format: KeyFormat = KeyFormat.TEXT

    def spelled(self, key: str) -> str:
        """The hub's key, a UUID, as this destination takes it: without dashes and shortened where it must be."""
        if self.format is KeyFormat.UUID or len(key) <= self.max_length:
            return key
        return key.replace("-", "")[: self.max_length]


@dataclass(frozen=True, slots=True)
class ExternalId:
    """The destination stores our reference in `field`; `unique` says whether it enforces uniqueness.

    `upsert`: a create whose reference is there already overwrites that record instead of being refused.
    """

    field: str
    unique: bool = True
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class ConditionalWrite:
    """The destination refuses a write whose precondition is false.

    `create` says that it can also refuse to create over an existing record (`If-None-Match: *`). Not `strong`: the
    same version may stand for different contents, so a late copy of a request is not surely refused.
    """

    create: bool = False
    strong: bool = True


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How a destination record can be found again. `search_lag` is in seconds."""

    by_key: bool = True
    by_external_id: bool = False
    search_lag: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """The destination takes many changes a request. `atomic`: one bad item refuses the whole request."""

    max_items: int = 1
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a write that takes several. `repeatable`: sent twice it does no more than sent once."""

    name: str
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class WriteCapability:
    """What one operation of one stream offers against lost answers and foreign edits.

    `landing` is D: seconds a request may still take effect after the hub gave up on it
    (correctness paper 1.2). None means the hub's default: the connection's landing time, or 24 hours where writes
    are `asynchronous` (taken for later, with a job to ask about).
    `version_step` is how much one write raises a numeric version, also where no precondition is offered: a greater
    step shows that somebody else wrote in between. `calls`, when there are several, are those of one write, in order;
    the capability then speaks of each of them.
    """

    key: Key | None = None
    external_id: ExternalId | None = None
    conditional: ConditionalWrite | None = None
    read_back: ReadBack = ReadBack()
    batch: Batch = Batch()
    landing: int | None = None
    asynchronous: bool = False
    version_step: int | None = None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one stream offers. An operation that is None is not offered.

    `versions_rise`: the version of a record, its end included, is a whole number that is greater with each of its
    states. So a step that is told again is known as one of the past.
    """

    create: WriteCapability | None = None
    update: WriteCapability | None = None
    delete: WriteCapability | None = None
    cursor: CursorKind = CursorKind.NONE
    delete_feed: DeleteFeed = DeleteFeed.NONE
    stable_pages: bool = True  # edits during a full read cannot make it miss records
    fetch_by_key: bool = True
    versions_rise: bool = False

    def of(self, operation: str) -> WriteCapability | None:
        """The capability of `operation` (create, update or delete)."""
        return {"create": self.create, "update": self.update, "delete": self.delete}[operation]
