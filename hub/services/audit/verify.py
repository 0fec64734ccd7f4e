"""Reads the chain as a stream of lines, verifies it, and exports it for whoever verifies it elsewhere."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection

from hub import clock
from hub.evidence import NOTHING_BEFORE, Finding, Tree, manifest_text, read_anchors, seal_hash
from hub.evidence.verifier import CANNOT_TELL, GOOD, TAMPERED, TamperedError, Verifier
from hub.models import Seal, SealedEntry, User, guard
from hub.services.audit import anchor, key
from hub.services.audit.content import KINDS, contents, moment, seal_line
from hub.services.audit.record import seen
from hub.services.audit.seal import unsealed_ids

Line = dict[str, Any]
PAGE = 5_000
FORMAT = 1
OVERDUE = timedelta(hours=1)  # what is older and in no seal says that nobody seals


def verify(anchors: Iterable[Path] = ()) -> Finding:
    """Check all there is: seals, entries, anchors, what waits for a seal, and the triggers."""
    known = [line for path in [*anchor.files(), *anchors] if path.exists() for line in read_anchors(path)]
    verifier = Verifier(key.public_keys(), known)
    try:
        verifier.walk(lines())
        waiting = _check_waiting(verifier)
    except TamperedError as found:
        return Finding(TAMPERED, found.told, found.position)
    if lacking := guard.missing(connection):
        return Finding(CANNOT_TELL, f"What is sealed is sound, but nothing guards what is not: {guard.told(lacking)}.")
    if waiting:
        return Finding(CANNOT_TELL, f"What is sealed is sound, but nobody seals: {waiting}.")
    return Finding(
        GOOD, f"{verifier.entries:,} entries in {verifier.seals:,} seals are as they were sealed. {status()}"
    )


def status() -> str:
    """What the hub can prove: that depends on whether somebody else knows its seals."""
    if settings.HUB_AUDIT_ANCHORS:
        return "Tamper-evident: seals are told to an anchor."
    return (
        "Tamper-resistant only: no anchor outside knows the seals, so whoever has database and key can make new ones."
    )


def lines(begin: int = 1, end: int | None = None) -> Iterator[Line]:
    """Seals, each followed by its entries, from one position to another."""
    entries = _entries(begin, end)
    waiting = next(entries, None)
    seals = Seal.objects.filter(last__gte=begin).order_by("number")
    for seal in (seals.filter(first__lte=end) if end is not None else seals).iterator(chunk_size=PAGE):
        yield {"type": "seal", **seal_line(seal)}
        while waiting is not None and waiting["seq"] <= seal.last:
            yield waiting
            waiting = next(entries, None)
    if waiting is not None:  # in no seal
        yield waiting


def export(to: IO[str], begin: int = 1, end: int | None = None) -> int:
    """Write a bundle; returns how many entries it holds. A batch that is cut carries proofs of its entries."""
    head = Seal.objects.first()
    last = min(end or head.last, head.last) if head else 0
    _write(to, _manifest(begin, last))
    count = 0
    for seal, entries in _batches(lines(begin, last)):
        _write(to, seal)
        is_cut = seal["first"] < begin or seal["last"] > last
        tree = Tree(leaves(seal)) if is_cut else None
        for entry in entries:
            if tree:
                entry["proof"] = tree.path(entry["seq"] - seal["first"])
            _write(to, entry)
            count += 1
    return count


def export_to(path: Path, begin: int, end: int | None, by: User | None) -> int:
    """Export into a file, and say so in the audit trail; returns how many entries."""
    with path.open("w", encoding="utf-8") as to:
        count = export(to, begin, end)
    head = Seal.objects.first()
    if head is not None:
        detail = {"from": begin, "to": end or head.last, "entries": count}
        seen(actor=by, action="audit.export", subject=head, detail=detail)
    return count


def _entries(begin: int, end: int | None) -> Iterator[Line]:
    """Entries in the order of their positions, with what they say now."""
    after = begin - 1 if begin > 1 else -1
    while True:
        rows = SealedEntry.objects.filter(seq__gt=after).order_by("seq")
        rows = rows.filter(seq__lte=end) if end is not None else rows
        page = list(rows.values_list("seq", "kind", "entry_id", "leaf")[:PAGE])
        if not page:
            return
        said = {kind: contents(kind, [row[2] for row in page if row[1] == kind]) for kind in KINDS}
        for seq, kind, id_, leaf in page:
            content = said.get(kind, {}).get(id_)
            yield {"type": "entry", "seq": seq, "kind": kind, "id": id_, "leaf": leaf, "content": content}
        after = page[-1][0]


def _batches(found: Iterator[Line]) -> Iterator[tuple[Line, Iterator[Line]]]:
    """Each seal with its entries."""
    grouped = groupby(found, key=lambda line: line["type"])
    seals: list[Line] = []
    for kind, group in grouped:
        if kind == "seal":
            seals = list(group)
            continue
        yield seals[-1], group


def _manifest(begin: int, last: int) -> Line:
    before = Seal.objects.filter(last__lt=begin).first()
    made: Line = {
        "type": "manifest", "format": FORMAT, "hub": settings.HUB_ENVIRONMENT, "at": moment(clock.now()),
        "from": begin, "to": last, "after_seal": before.number if before else 0,
        "previous": seal_hash(seal_line(before)).hex() if before else NOTHING_BEFORE, "key": key.signer(),
    }  # fmt: skip
    return {**made, "signature": key.sign(manifest_text(made))[1]}


def leaves(seal: Line) -> list[bytes]:
    """The hashes of all entries of a seal."""
    found = SealedEntry.objects.filter(seq__gte=seal["first"], seq__lte=seal["last"]).order_by("seq")
    return [bytes.fromhex(leaf) for leaf in found.values_list("leaf", flat=True)]


def _write(to: IO[str], line: Line) -> None:
    to.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def _check_waiting(verifier: Verifier) -> str:
    """What is in no seal yet must be new. Returns what has waited too long, as words.

    Raises TamperedError for a copy of what is sealed, and for what claims to have been there before it was.
    """
    overdue = 0
    for kind in KINDS:
        for content in contents(kind, unsealed_ids(kind, 0, PAGE)).values():
            uid = int(content.get("uid", "0"), 16)
            told = f"{kind.capitalize()} {content['id']}, which is in no seal,"
            if uid in verifier.uids:
                raise TamperedError(verifier.last + 1, f"{told} is a copy of entry {verifier.uids[uid]}.")
            verifier.check_date(verifier.last + 1, content)
            overdue += content["at"] < moment(clock.now() - OVERDUE)
    return f"{overdue} events or rows have waited for more than an hour" if overdue else ""
