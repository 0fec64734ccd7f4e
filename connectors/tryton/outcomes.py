"""Says of each change what became of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.http import exchange_of
from hub.sdk import (
    Answer,
    AuthError,
    Change,
    ConfigError,
    HubError,
    Outcome,
    RateLimitedError,
    Record,
    RecordError,
    SilenceError,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One change on its way: the values Tryton will be given, and the version its record must still have."""

    change: Change
    values: dict[str, Any] = field(default_factory=dict)
    version: str | None = None

    @property
    def key(self) -> str:
        """The record's key; empty for a create."""
        return self.change.key or ""

    def shown(self) -> str:
        """The values as a person may read them."""
        return json.dumps(self.values, ensure_ascii=False, default=str)


class LostError(Exception):
    """A call that wrote these items left and got no answer, or one that does not say what was done."""

    def __init__(self, items: Sequence[Item], reason: SilenceError) -> None:
        super().__init__(str(reason))
        self.items = items
        self.reason = reason


def lost(item: Item, error: SilenceError) -> Outcome:
    """It may have happened."""
    return Outcome(
        item.change.id,
        Answer.UNKNOWN,
        key=item.change.key,
        code=error.code,
        message=str(error),
        exchange=exchange_of(error),
    )


def refused(change: Change, error: RecordError) -> Outcome:
    """Tryton, or this connector for it, will not do this."""
    answer = Answer.CONFLICT if error.code == "conflict" else Answer.REFUSED
    return Outcome(change.id, answer, key=change.key, code=error.code, message=str(error), exchange=exchange_of(error))


def taken(change: Change, holder: Record) -> Outcome:
    """The external id of a create is taken: `key` says by which record."""
    message = f"Tryton already has a record with “{change.external_id}”, {holder.key}."
    return Outcome(
        change.id,
        Answer.REFUSED,
        key=holder.key,
        version=holder.version,
        image=holder.data,
        code="exists",
        message=message,
    )


def overtaken(change: Change, now: Record) -> Outcome:
    """Somebody else changed the record since the hub last saw it."""
    message = "The record was changed in Tryton in the meantime."
    return Outcome(
        change.id,
        Answer.CONFLICT,
        key=now.key,
        version=now.version,
        image=now.data,
        code="conflict",
        message=message,
    )


def not_sent(change: Change, error: HubError) -> Outcome:
    """Nothing of this change was sent, because of something that is not its own fault."""
    if isinstance(error, AuthError):
        answer = Answer.AUTH
    else:
        answer = Answer.REFUSED if isinstance(error, ConfigError) else Answer.RETRY
    pause = error.retry_after if isinstance(error, RateLimitedError) else None
    return Outcome(
        change.id,
        answer,
        key=change.key,
        code=error.code,
        message=str(error),
        retry_after=pause,
        exchange=exchange_of(error),
    )
