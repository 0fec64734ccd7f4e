"""What a manifest says about one JSON API, as plain types. How it is written stands in the README."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as fresh
from typing import Any

from connectors.rest.template import Path, Pointer
from hub.sdk import CursorKind, Key, SignalClass, StreamField

SUCCESS = frozenset({200, 201, 203, 204, 205})


@dataclass(frozen=True, slots=True)
class Pagination:
    """How one page leads to the next.

    `size_param` asks for a number of records, at most `size_max`. `field` is the last record's field that a
    keyset continues after. `more` says whether anything follows; without it, an empty page ends a read
    by number or keyset (`stop` short: a page with fewer records than asked for).
    """

    kind: str = "none"
    param: str = ""
    start: int = 0
    size_param: str = ""
    size_max: int = 1000
    next: Pointer | None = None
    more: Pointer | None = None
    field: str = ""
    stop: str = "empty"
    stable: bool = True


@dataclass(frozen=True, slots=True)
class Incremental:
    """How only what changed is asked for: records whose `field` is after (timestamps: at or after) `param`.

    `overlap` is in seconds; `unit` how a timestamp is written: iso, seconds or milliseconds. `watermark` is where the
    answer says until when it is complete: long transactions of the system end after records with a later time show.
    """

    kind: CursorKind
    param: str
    field: str
    overlap: int = 0
    unit: str = "iso"
    params: Mapping[str, Any] = fresh(default_factory=dict)
    watermark: Pointer | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The list of a stream. `records` is where its items stand in the answer."""

    path: str
    records: Path = ()
    params: Mapping[str, Any] = fresh(default_factory=dict)
    pagination: Pagination = Pagination()
    incremental: Incremental | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """Several records by one request: their keys go into `param`, separated, `most` at a time."""

    param: str
    separator: str = ","
    most: int = 100


@dataclass(frozen=True, slots=True)
class Item:
    """One record by its key."""

    path: str
    record: Path = ()
    many: Many | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """Where the version stands: in a `field` of the record, or in a `header` of the answer for one record."""

    field: str = ""
    header: str = ""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A record is a tombstone when `field` has this value."""

    field: str
    value: Any = True


@dataclass(frozen=True, slots=True)
class Precondition:
    """How a write names the version it expects: in a header, written as `format`, or in a field of the record."""

    header: str = ""
    format: str = "{version}"
    field: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """One way of writing, and what each status means for it."""

    method: str
    path: str
    body: Any
    record: Path
    current: Path
    headers: Mapping[str, str]
    key_from: Pointer | None
    if_match: Precondition | None
    if_none_match: bool
    idempotency: Key | None
    success: frozenset[int]
    accepted: frozenset[int]
    exists: frozenset[int]
    conflict: frozenset[int]
    missing: frozenset[int]
    refused: frozenset[int]
    retry: frozenset[int]
    errors: Path


@dataclass(frozen=True, slots=True)
class Search:
    """How records are found by the reference the hub stored. `lag` is seconds until a new record is found.

    `exact`: an answer without a single match means that the API ignored the question.
    """

    path: str
    params: Mapping[str, Any]
    records: Path
    exact: bool = True
    lag: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """The field that holds the hub's reference; `unique` says that the API enforces it."""

    field: str
    unique: bool
    search: Search | None


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """Everything about one stream. `landing` is how many seconds a request may still take effect after silence."""

    name: str
    label: str
    key: Path
    version: Version
    deleted: Deleted | None
    listing: Listing | None
    item: Item | None
    create: Write | None
    update: Write | None
    delete: Write | None
    reference: Reference | None
    landing: int | None
    fields: tuple[StreamField, ...]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """An endpoint that takes several whole requests in one: `most` at a time, each with its own answer."""

    path: str
    most: int


@dataclass(frozen=True, slots=True)
class Override:
    """An answer that means something else here than everywhere: one of `statuses`, whose body says so at `at`.

    `equals` are the texts that must stand there (none: anything does, unless it is empty).
    """

    code: str
    statuses: frozenset[int]
    at: Path
    equals: tuple[str, ...]
    means: SignalClass


@dataclass(frozen=True, slots=True)
class Quota:
    """Headers that tell of a quota: requests `remaining`, and when it is whole again: seconds, or a Unix time."""

    remaining: str
    reset: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole API. `check` is a path to call harmlessly, `parallel` how many writes may be under way at once."""

    check: str
    headers: Mapping[str, str]
    messages: tuple[Path, ...]
    parallel: int
    batch: BatchPlan | None
    streams: Mapping[str, StreamPlan]
    classes: tuple[Override, ...] = ()
    quota: Quota | None = None
