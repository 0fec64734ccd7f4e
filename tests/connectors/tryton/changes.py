"""Changes as the hub makes them, and what became of them."""

from collections.abc import Sequence
from typing import Any

from connectors.tryton.connection import Connection
from hub.sdk import Answer, Change, Operation, Outcome, Record

CREATE, WRITE, DELETE = (f"model.party.party.{method}" for method in ("create", "write", "delete"))


def new(reference: str, **fields: Any) -> Change:
    """A create whose source key is `reference`."""
    return Change(f"new {reference}", Operation.CREATE, reference, {"name": f"Party {reference}", **fields})


def edit(record: Record, **fields: Any) -> Change:
    """An update of a record as it was seen."""
    change_id = f"edit {record.data['code']}"
    key, version = record.key, record.version
    return Change(change_id, Operation.UPDATE, "", fields, key=key, version=version, before=record.data)


def remove(record: Record) -> Change:
    """A delete of a record as it was seen."""
    return Change(f"remove {record.key}", Operation.DELETE, "", key=record.key, version=record.version)


def apply(opened: Connection, changes: Sequence[Change], stream: str = "parties") -> dict[str, Outcome]:
    """The outcomes by change, after making sure that there is one for each."""
    outcomes = list(opened.apply(stream, changes))
    assert sorted(outcome.change_id for outcome in outcomes) == sorted(change.id for change in changes)
    return {outcome.change_id: outcome for outcome in outcomes}


def answers(outcomes: dict[str, Outcome]) -> list[Answer]:
    return [outcome.answer for _, outcome in sorted(outcomes.items())]


def seen(opened: Connection, *keys: str) -> list[Record]:
    """Records as they are now, in the order of `keys`."""
    found = {record.key: record for record in opened.fetch("parties", keys)}
    return [found[key] for key in keys]
