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


@dataclass(frozen=True, slots=True)
class Key:
    """The destination honours an idempotency key: in `header`, for `ttl` seconds."""

    header: str = "Idempotency-Key"
    ttl: int = 86_400
    stores_errors: bool = False
    max_length: int = 255


@dataclass(frozen=True, slots=True)
class ExternalId:
    """The destination stores our reference in `field`; `unique` says whether it enforces uniqueness."""

    field: str
    unique: bool = True


@dataclass(frozen=True, slots=True)
class ConditionalWrite:
    """The destination refuses a write whose precondition is false.

    `create` says that it can also refuse to create over an existing record (`If-None-Match: *`).
    `step` is how much one write raises a numeric version, when that is known.
    """

    create: bool = False
    strong: bool = True
    step: int | None = None


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
class WriteCapability:
    """What one operation of one stream offers against lost answers and foreign edits.

    `landing` is D: seconds a request may still take effect after the hub gave up on it
    (correctness paper 1.2). None means the hub's default of 15 minutes.
    """

    key: Key | None = None
    external_id: ExternalId | None = None
    conditional: ConditionalWrite | None = None
    read_back: ReadBack = ReadBack()
    batch: Batch = Batch()
    landing: int | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one stream offers. An operation that is None is not offered."""

    create: WriteCapability | None = None
    update: WriteCapability | None = None
    delete: WriteCapability | None = None
    cursor: CursorKind = CursorKind.NONE
    delete_feed: DeleteFeed = DeleteFeed.NONE
    stable_pages: bool = True  # edits during a full read cannot make it miss records
    fetch_by_key: bool = True

    def of(self, operation: str) -> WriteCapability | None:
        """The capability of `operation` (create, update or delete)."""
        return {"create": self.create, "update": self.update, "delete": self.delete}[operation]
