"""Cuts a list of changes into batches in which no record appears twice."""

from collections.abc import Iterator, Sequence

from connectors.sql.shape import BATCH
from hub.sdk import Change


def rounds(changes: Sequence[Change], limit: int = BATCH) -> Iterator[list[Change]]:
    """Batches in the given order; a second change of a record waits for the next batch."""
    batch: list[Change] = []
    seen: set[tuple[str, str]] = set()
    for change in changes:
        names = {("reference", change.external_id), ("key", change.key or change.id)}
        if len(batch) == limit or names & seen:
            yield batch
            batch, seen = [], set()
        batch.append(change)
        seen |= names
    if batch:
        yield batch
