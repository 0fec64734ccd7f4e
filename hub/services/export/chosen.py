"""Reads what was chosen of the evidence in the order of its positions, batch by batch, with little memory."""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.conf import settings

from hub import clock
from hub.evidence import NOTHING_BEFORE, SELECTION, Tree, manifest_text, selection_start
from hub.models import Seal, SealedEntry
from hub.services.audit import key, selection
from hub.services.audit.content import contents, moment, seal_line
from hub.services.audit.verify import leaves

PAGE = 2_000
Line = dict[str, Any]
Entry = tuple[int, int, str]  # position, id, hash


class Chosen:
    """The sealed entries of one kind that match some filters, up to the newest seal there was at the beginning.

    What is in no seal yet is left out: nothing proves it. `entries` and `percent` tell how far reading is.
    """

    def __init__(self, kind: str, narrowed: selection.Narrowed) -> None:
        self.kind, self.narrowed = kind, narrowed
        self.entries, self.percent = 0, 0
        head = Seal.objects.first()
        self.head = head.last if head else 0

    def lines(self) -> Iterator[str]:
        """JSON Lines: a signed manifest, each seal with its entries, and a signed end."""
        manifest: Line = {
            "type": "manifest", "format": SELECTION, "hub": settings.HUB_ENVIRONMENT, "at": moment(clock.now()),
            "kind": self.kind, "narrowed": dict(self.narrowed), "from": 1, "to": self.head, "after_seal": 0,
            "previous": NOTHING_BEFORE, "key": key.signer(),
        }  # fmt: skip
        yield _text({**manifest, "signature": key.sign(manifest_text(manifest))[1]})
        digest = selection_start(manifest)
        for seal, entries in self.batches():
            is_whole = len(entries) == seal.last - seal.first + 1
            said = seal_line(seal)
            yield _text({"type": "seal", **said})
            tree = None if is_whole else Tree(leaves(said))
            for entry in entries:
                self.entries += 1
                entry["n"] = self.entries
                if tree:
                    entry["proof"] = tree.path(entry["seq"] - seal.first)
                digest = hashlib.sha256(digest + bytes.fromhex(entry["leaf"])).digest()
                yield _text(entry)
        end = {"type": "end", "entries": self.entries, "digest": digest.hex(), "key": key.signer()}
        yield _text({**end, "signature": key.sign(manifest_text(end))[1]})

    def batches(self) -> Iterator[tuple[Seal, list[Line]]]:
        """Each seal that holds something chosen, with these entries."""
        for page in self._pages():
            said = contents(self.kind, [id_ for _, batch in page for _, id_, _ in batch])
            for seal, batch in page:
                yield (
                    seal,
                    [
                        {
                            "type": "entry",
                            "seq": seq,
                            "kind": self.kind,
                            "id": id_,
                            "leaf": leaf,
                            "content": said.get(id_),
                        }
                        for seq, id_, leaf in batch
                    ],
                )
                self.percent = batch[-1][0] * 100 // max(1, self.head)

    def _pages(self) -> Iterator[list[tuple[Seal, list[Entry]]]]:
        """Some thousand entries at a time, whole batches together."""
        page: list[tuple[Seal, list[Entry]]] = []
        size = 0
        for batch in self._grouped():
            page.append(batch)
            size += len(batch[1])
            if size >= PAGE:
                yield page
                page, size = [], 0
        if page:
            yield page

    def _grouped(self) -> Iterator[tuple[Seal, list[Entry]]]:
        """The entries of each seal together, also where they do not end with a chunk."""
        found: list[Entry] = []
        current: Seal | None = None
        for chunk in self._chunks():
            seals = _seals(chunk[0][0], chunk[-1][0])
            ends = [seal.last for seal in seals]
            for place, group in groupby(chunk, key=lambda entry: bisect_left(ends, entry[0])):
                seal = seals[place]
                if current is not None and current.number != seal.number:
                    yield current, found
                    found = []
                current = seal
                found += group
        if current is not None:
            yield current, found

    def _chunks(self) -> Iterator[list[Entry]]:
        """The positions, read with a cursor that stays on the server."""
        rows = SealedEntry.objects.filter(kind=self.kind, seq__lte=self.head).order_by("seq")
        if self.narrowed:
            rows = rows.filter(entry_id__in=selection.selected(self.kind, self.narrowed).order_by().values("pk"))
        chunk: list[Entry] = []
        for row in rows.values_list("seq", "entry_id", "leaf").iterator(chunk_size=PAGE):
            chunk.append(row)
            if len(chunk) == PAGE:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


def _seals(first: int, last: int) -> list[Seal]:
    return list(Seal.objects.filter(last__gte=first, first__lte=last).order_by("last"))


def _text(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
