"""Which links a read contained: one bit a link, whatever the number of records."""

import struct
from collections.abc import Iterator, Sequence

from django.db.models import Max, Min, QuerySet

from hub.models import Link, LinkState, SeenPage, SyncRun
from hub.services.run.flow import Flow

FETCHED = 16  # pages at a time: each is a text of up to 64 kB on its way from PostgreSQL


class IdSet:
    """A set of ids between `low` and `high`, one bit each."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high
        self._bits = bytearray((high - low) // 8 + 1)

    def update(self, ids: Sequence[int]) -> None:
        """Put ids in; those outside the bounds are of no interest."""
        bits, low, high = self._bits, self._low, self._high
        for id_ in ids:
            if low <= id_ <= high:
                bits[(id_ - low) >> 3] |= 1 << ((id_ - low) & 7)

    def unseen(self, mapping_id: int) -> Iterator[int]:
        """The id of each linked record of the mapping that is not in it, in order."""
        return Link.objects.unmarked(mapping_id, (self._low, self._high), self._bits)

    def __contains__(self, id_: int) -> bool:
        place = id_ - self._low
        return bool(self._bits[place >> 3] & (1 << (place & 7)))


def packed(ids: Sequence[int]) -> bytes:
    """The links of a page, 8 bytes each."""
    return struct.pack(f"<{len(ids)}q", *ids)


def of(flow: Flow) -> IdSet | None:
    """The links this read contained; None when absence from it proves nothing."""
    run = flow.run
    if not (flow.reads_everything and run.read_complete):
        return None
    pages = SeenPage.objects.filter(run=run)
    # A page with an item that could not even be named is not stored: it may have been any record.
    if pages.count() != run.pages:
        return None
    return among(flow.mapping.pk, pages) if run.is_full or has_brought(run) else None


def has_brought(run: SyncRun) -> bool:
    """Whether a run was given anything: an incremental one that was not was told “nothing new”, not “nothing there”."""
    # Counts are kept in the database; the run in hand does not know them.
    return SyncRun.objects.filter(pk=run.pk, received__gt=0).exists()


def among(mapping_id: int, pages: QuerySet[SeenPage]) -> IdSet:
    """The links these pages contained."""
    bounds = Link.objects.filter(mapping_id=mapping_id, state=LinkState.LINKED).aggregate(low=Min("id"), high=Max("id"))
    seen = IdSet(bounds["low"] or 0, bounds["high"] or 0)
    for links in pages.values_list("links", flat=True).iterator(chunk_size=FETCHED):
        seen.update(struct.unpack(f"<{len(links) // 8}q", links))
    return seen
