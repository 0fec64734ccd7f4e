"""Finds what a complete read did not contain any more, in memory that does not grow with the number of records."""

import struct
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice

from hub.models import Link, SeenPage
from hub.services.run import page
from hub.services.run.flow import Flow

# Digests compared in one pass: a table of 16 MB at most, whatever the number of records.
AT_ONCE = 1_000_000
CONFIRM = 500


class DigestSet:
    """A set of 64-bit digests at 16 bytes each: a Python set would take six times that."""

    def __init__(self, room: int) -> None:
        self._mask = (1 << max(4, (2 * room).bit_length())) - 1
        self._table = array("q", bytes(8 * (self._mask + 1)))

    def add(self, digest: int) -> None:
        """Put one digest in."""
        table, mask, digest = self._table, self._mask, digest or 1
        place = digest & mask
        while table[place] not in (0, digest):
            place = (place + 1) & mask
        table[place] = digest

    def __contains__(self, digest: int) -> bool:
        table, mask, digest = self._table, self._mask, digest or 1
        place = digest & mask
        while table[place]:
            if table[place] == digest:
                return True
            place = (place + 1) & mask
        return False


def absent(flow: Flow) -> Iterator[list[str]]:
    """Source keys of linked records that the complete read did not contain, some hundred at a time."""
    total = _seen_total(flow)
    if total is None:
        return
    passes = max(1, -(-total // AT_ONCE))
    for number in range(passes):
        keys = _unseen(flow, number, passes, total)
        while chunk := list(islice(keys, CONFIRM)):
            yield _confirmed(flow, chunk)


def _seen_total(flow: Flow) -> int | None:
    """How many records the read contained; None when absence from it proves nothing."""
    run = flow.run
    if not (flow.reads_everything and run.read_complete):
        return None
    pages = SeenPage.objects.filter(run=run)
    # A page with an item that could not even be named is not stored: it may have been any record.
    if pages.count() != run.pages:
        return None
    total = sum(len(digests) // 8 for digests in pages.values_list("digests", flat=True).iterator())
    is_untouched = not total and not run.is_full  # the source said “nothing new”, not “nothing there”
    return None if is_untouched else total


def _unseen(flow: Flow, number: int, passes: int, total: int) -> Iterator[str]:
    """The linked keys of one slice of the digests that are not among the seen ones."""
    seen = DigestSet(min(total, AT_ONCE) * 5 // 4)
    for packed in SeenPage.objects.filter(run=flow.run).values_list("digests", flat=True).iterator():
        for digest in struct.unpack(f"<{len(packed) // 8}q", packed):
            if digest % passes == number:
                seen.add(digest)
    for _, key in Link.objects.keys_of(flow.mapping.pk):
        digest = page.key_digest(key)
        if digest % passes == number and digest not in seen:
            yield key


def _confirmed(flow: Flow, keys: Sequence[str]) -> list[str]:
    """The keys that a read by key does not find either: a page shifted by edits must not delete anything."""
    if not flow.source_offers.fetch_by_key:
        return list(keys)
    present = {record.key for record in flow.source.fetch(flow.mapping.source_stream, keys) if not record.deleted}
    return [key for key in keys if key not in present]
