"""Finds what a complete read did not contain any more: one bit a link, whatever the number of records."""

import struct
from collections.abc import Iterator, Sequence
from itertools import islice

from django.db.models import Max, Min

from hub.models import Link, LinkState, SeenPage
from hub.services.run.flow import Flow

CONFIRM = 500


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

    def __contains__(self, id_: int) -> bool:
        place = id_ - self._low
        return bool(self._bits[place >> 3] & (1 << (place & 7)))


def packed(ids: Sequence[int]) -> bytes:
    """The links of a page, 8 bytes each."""
    return struct.pack(f"<{len(ids)}q", *ids)


def absent(flow: Flow) -> Iterator[list[str]]:
    """Source keys of linked records that the complete read did not contain, some hundred at a time."""
    seen = _seen(flow)
    if seen is None:
        return
    unseen = (id_ for id_ in Link.objects.linked_ids(flow.mapping.pk) if id_ not in seen)
    while chunk := list(islice(unseen, CONFIRM)):
        keys = Link.objects.filter(pk__in=chunk).order_by("pk").values_list("source_key", flat=True)
        yield _confirmed(flow, list(keys))


def _seen(flow: Flow) -> IdSet | None:
    """The links this read contained; None when absence from it proves nothing."""
    run = flow.run
    if not (flow.reads_everything and run.read_complete):
        return None
    pages = SeenPage.objects.filter(run=run)
    # A page with an item that could not even be named is not stored: it may have been any record.
    if pages.count() != run.pages:
        return None
    # The source of an incremental run that gave nothing said “nothing new”, not “nothing there”.
    if not run.is_full and not run.received:
        return None
    bounds = Link.objects.filter(mapping=flow.mapping, state=LinkState.LINKED).aggregate(low=Min("id"), high=Max("id"))
    seen = IdSet(bounds["low"] or 0, bounds["high"] or 0)
    for links in pages.values_list("links", flat=True).iterator():
        seen.update(struct.unpack(f"<{len(links) // 8}q", links))
    return seen


def _confirmed(flow: Flow, keys: Sequence[str]) -> list[str]:
    """The keys that a read by key does not find either: a page shifted by edits must not delete anything."""
    if not flow.source_offers.fetch_by_key:
        return list(keys)
    found, is_whole = flow.fetch(keys)
    if not is_whole:
        return []
    return [key for key in keys if key not in found or found[key].deleted]
