"""What travels between systems: one record, and one page of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# JSON values, plus Decimal, date and datetime: money and time never pass through a double.
Json = Any
Fields = Mapping[str, Json]
Cursor = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Record:
    """One item as its system holds it now.

    `key` identifies it within its stream; `version` is the system's own mark of this state (ETag,
    sequence, updated_at) or None. `deleted` marks a tombstone: the item is gone and `data` may be empty.
    """

    key: str
    data: Fields
    version: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One item that could not be read: where it stands (file, line, column) and what is wrong."""

    where: str
    message: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a read.

    `cursor` is where the next read continues: after this page, or, when `done`, where the next
    incremental read starts. `done` says that nothing follows. It is opaque to the hub and must be JSON.
    """

    records: Sequence[Record]
    cursor: Cursor
    done: bool
    faults: Sequence[Fault] = field(default=())
