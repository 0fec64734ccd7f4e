"""Checks exported evidence without the hub: python verifier.py BUNDLE --key ID:PUBLIC [--anchor FILE …].

Needs Python 3.11 and the package cryptography, nothing else. Take this file and the public keys from a place that
whoever keeps the database cannot write to. Exit code 0: nothing was changed, added or removed; 1: something was, and
the first bad position is named; 2: cannot tell.

An entry's hash covers its position and its content; the entries of a batch are the leaves of a Merkle tree (RFC 6962);
its root stands in a seal, which also holds the hash of the seal before and is signed with Ed25519. Anchors are lines
that say which seal had which hash, kept somewhere else.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Line = Mapping[str, Any]
GOOD, TAMPERED, CANNOT_TELL = 0, 1, 2
NOTHING_BEFORE = "0" * 64
SELECTION = 2  # the format of an export of chosen entries
SEAL_FIELDS = ("number", "first", "last", "root", "previous", "at", "complete", "hub", "key")
# No transaction takes so long: what is dated before a complete seal by more was not there when that was made.
LATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came out: an exit code, a sentence, and the first bad position where there is one."""

    code: int
    told: str
    position: int | None = None


class TamperedError(Exception):
    """Something is not as it was sealed, from this position on."""

    def __init__(self, position: int, told: str) -> None:
        super().__init__(told)
        self.position, self.told = position, told


def canonical(value: Any) -> bytes:
    """The one way to write a value down: keys in order, no spaces, no numbers but whole ones."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def leaf_hash(seq: int, kind: str, content: Any) -> bytes:
    """The hash of an entry at its position."""
    return hashlib.sha256(b"\x00" + canonical([seq, kind, content])).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree over these leaves."""
    level = list(leaves)
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def root_by(leaf: bytes, index: int, size: int, path: Iterable[str]) -> bytes:
    """The root to which a path leads from a leaf."""
    rest = iter(path)
    while size > 1:
        if index ^ 1 < size:
            neighbour = bytes.fromhex(next(rest, ""))
            pair = neighbour + leaf if index & 1 else leaf + neighbour
            leaf = hashlib.sha256(b"\x01" + pair).digest()
        index, size = index // 2, (size + 1) // 2
    return leaf


def seal_hash(seal: Line) -> bytes:
    """The hash of all that a seal says."""
    return hashlib.sha256(b"\x02" + canonical({name: seal[name] for name in SEAL_FIELDS})).digest()


def signed_text(digest: bytes) -> bytes:
    """What is signed of a seal. The words keep a signature made for anything else from standing in for it."""
    return b"hub audit seal 1\n" + digest


def selection_start(manifest: Line) -> bytes:
    """What the digest of an export of chosen entries begins with; each entry's hash is added to it."""
    return hashlib.sha256(b"\x03" + manifest_text(manifest)).digest()


def manifest_text(manifest: Line) -> bytes:
    """What is signed of an export: what it says it contains."""
    said = {name: value for name, value in manifest.items() if name not in ("type", "signature")}
    return b"hub audit export 1\n" + canonical(said)


class Verifier:
    """Walks through seals, each followed by its entries, in order, and stops at the first that is not as sealed."""

    def __init__(self, keys: Mapping[str, str], anchors: Iterable[Line] = ()) -> None:
        self._keys = {name: Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for name, key in keys.items()}
        self._anchors = {int(line["seal"]): line for line in anchors}
        self.uids: dict[int, int] = {}
        self.seals = self.entries = self._unproven = 0
        self.number, self.last, self.previous = 0, 0, NOTHING_BEFORE
        self.whole_at: datetime | None = None
        self.digest: bytes | None = None  # of chosen entries
        self._has_ended = False

    def begin(self, manifest: Line) -> None:
        """Start in the middle, where an export does. Raises TamperedError when the export does not say what it said."""
        self.check_signature(manifest["from"], manifest, manifest_text(manifest), "The export")
        self.number, self.previous = manifest["after_seal"], manifest["previous"]
        self.last = manifest["from"] - 1
        self.digest = selection_start(manifest) if manifest["format"] == SELECTION else None

    def walk(self, lines: Iterable[Line], until: int | None = None) -> None:
        """Check all lines. Raises TamperedError with the first bad position."""
        seal: Line | None = None
        leaves: list[bytes] = []
        for line in lines:
            if self._has_ended:
                raise TamperedError(self.last + 1, "Something stands behind the end of the export.")
            if line["type"] == "seal":
                self._close(seal, leaves, until)
                self._open(line)
                seal, leaves = line, []
            elif line["type"] == "entry":
                leaves.append(self._entry(seal, line))
            elif line["type"] == "end":
                self._end(line)
        self._close(seal, leaves, until)
        if (until is not None and self.last != until) or (self.digest is not None and not self._has_ended):
            raise TamperedError(self.last + 1, "The rest of the export is missing.")
        self._anchored_and_gone()

    def check_signature(self, position: int, line: Line, text: bytes, what: str) -> None:
        """Raises TamperedError when it is not signed with a key that is trusted."""
        key = self._keys.get(line["key"])
        if key is None:
            raise TamperedError(position, f"{what} is signed with the key “{line['key']}”, which is not trusted.")
        try:
            key.verify(bytes.fromhex(line["signature"]), text)
        except (InvalidSignature, ValueError):
            raise TamperedError(position, f"{what} is not signed with the key “{line['key']}”.") from None

    def _open(self, seal: Line) -> None:
        """A seal must follow the one before: in number, position and hash. Of chosen entries some are left out."""
        self._unproven = 0
        is_chosen = self.digest is not None
        may_skip = is_chosen and seal["number"] > self.number + 1
        if seal["number"] != self.number + 1 and not may_skip:
            raise TamperedError(self.last + 1, f"Seal {self.number + 1} is missing.")
        if seal["previous"] != self.previous and not may_skip:
            raise TamperedError(seal["first"], f"Seal {seal['number']} does not follow from the one before.")
        if (seal["first"] > self.last + 1 and not is_chosen) or seal["last"] < seal["first"]:
            raise TamperedError(self.last + 1, f"Seal {seal['number']} does not begin where the one before ends.")

    def _entry(self, seal: Line | None, line: Line) -> bytes:
        """An entry must be at its position, be there once, and say what was sealed; returns its hash."""
        seq, uid = line["seq"], line["content"] and line["content"].get("uid")
        self._check_place(seq, line)
        if seal is None or not seal["first"] <= seq <= seal["last"]:
            raise TamperedError(seq, "This entry is in no seal.")
        if line["content"] is None:
            raise TamperedError(seq, f"What was sealed here, {line['kind']} {line['id']}, was removed.")
        leaf = leaf_hash(seq, line["kind"], line["content"])
        if leaf.hex() != line["leaf"]:
            raise TamperedError(seq, "This entry does not say what was sealed.")
        self._unproven += "proof" not in line
        if "proof" in line:
            size = seal["last"] - seal["first"] + 1
            if root_by(leaf, seq - seal["first"], size, line["proof"]).hex() != seal["root"]:
                raise TamperedError(seq, f"This entry is not in seal {seal['number']}.")
        if uid and self.uids.setdefault(int(uid, 16), seq) != seq:
            raise TamperedError(seq, f"This entry is a copy of {self.uids[int(uid, 16)]}.")
        self.check_date(seq, line["content"])
        self.last, self.entries = seq, self.entries + 1
        self.digest = hashlib.sha256(self.digest + leaf).digest() if self.digest is not None else None
        return leaf

    def _check_place(self, seq: int, line: Line) -> None:
        if self.digest is None and seq != self.last + 1:
            raise TamperedError(min(seq, self.last + 1), f"Entry {self.last + 1} is missing, or {seq} is out of place.")
        if self.digest is not None and (line["n"] != self.entries + 1 or seq <= self.last):
            raise TamperedError(seq, f"Entry {self.entries + 1} of the export is missing, or {line['n']} out of place.")

    def check_date(self, position: int, content: Line) -> None:
        """Raises TamperedError for what is dated before a seal that would have held it, had it been there."""
        if self.whole_at is not None and datetime.fromisoformat(content["at"]) < self.whole_at - LATE:
            raise TamperedError(position, f"It is dated {content['at']}, but was not there when that was sealed.")

    def _close(self, seal: Line | None, leaves: list[bytes], until: int | None) -> None:
        """The entries of a seal must be all of them, and what it says must be signed and anchored."""
        if seal is None:
            return
        digest = seal_hash(seal)
        is_cut = until is not None and until < seal["last"]
        if self.digest is None and self.last != (until if is_cut else seal["last"]):
            raise TamperedError(self.last + 1, f"Seal {seal['number']} holds more entries than there are.")
        is_whole = len(leaves) == seal["last"] - seal["first"] + 1
        if (root_of(leaves).hex() != seal["root"]) if is_whole else self._unproven:
            raise TamperedError(seal["first"], f"The entries of seal {seal['number']} are not those that were sealed.")
        self.check_signature(seal["first"], seal, signed_text(digest), f"Seal {seal['number']}")
        anchor = self._anchors.get(seal["number"])
        if anchor is not None and anchor["hash"] != digest.hex():
            raise TamperedError(seal["first"], f"Seal {seal['number']} was anchored with another hash.")
        self.number, self.previous, self.seals = seal["number"], digest.hex(), self.seals + 1
        if seal["complete"]:
            self.whole_at = datetime.fromisoformat(seal["at"])

    def _end(self, line: Line) -> None:
        """What the hub signed at the end of an export of chosen entries: how many, and what they come to."""
        self.check_signature(self.last + 1, line, manifest_text(line), "The end of the export")
        if self.digest is None or line["entries"] != self.entries or line["digest"] != self.digest.hex():
            raise TamperedError(self.last + 1, f"The export had {line['entries']} entries, and not these.")
        self._has_ended = True

    def _anchored_and_gone(self) -> None:
        gone = [number for number in self._anchors if number > self.number and self.digest is None]
        if gone:
            raise TamperedError(self.last + 1, f"Seal {min(gone)} was anchored, and is not there.")


def verify_lines(texts: Iterable[str], keys: Mapping[str, str], anchors: Iterable[Line] = ()) -> Finding:
    """What an exported bundle proves."""
    if not keys:
        return Finding(CANNOT_TELL, "Without a trusted key anybody may have signed this. Give --key ID:PUBLIC.")
    verifier = Verifier(keys, anchors)
    try:
        lines = _read(texts)
        manifest = next(lines, None)
        if manifest is None or manifest.get("type") != "manifest":
            return Finding(CANNOT_TELL, "This is no bundle of evidence: its first line is no manifest.")
        verifier.begin(manifest)
        verifier.walk(lines, until=manifest["to"] if verifier.digest is None else None)
    except TamperedError as found:
        return Finding(TAMPERED, found.told, found.position)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Finding(TAMPERED, f"What stands here cannot be read: {error!r}", verifier.last + 1)
    return Finding(GOOD, f"{verifier.entries:,} entries in {verifier.seals:,} seals are as they were sealed.")


def read_anchors(path: Path) -> Iterator[Line]:
    """The anchors in a file: one JSON object a line, also behind what a system log writes before it."""
    for text in path.read_text().splitlines():
        found = text.find('{"')
        if found >= 0 and '"seal"' in text:
            yield json.loads(text[found:])


def _read(texts: Iterable[str]) -> Iterator[Line]:
    for text in texts:
        if text.strip():
            yield json.loads(text, parse_float=_refuse)


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is no whole number")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", action="append", default=[], metavar="ID:PUBLIC", help="a trusted key, 64 hex digits")
    parser.add_argument("--anchor", action="append", default=[], type=Path, metavar="FILE", help="lines kept elsewhere")
    given = parser.parse_args(arguments)
    try:
        anchors = [line for path in given.anchor for line in read_anchors(path)]
        keys = dict(key.split(":", 1) for key in given.key)
        with given.bundle.open(encoding="utf-8") as texts:
            found = verify_lines(texts, keys, anchors)
    except (OSError, ValueError) as error:
        found = Finding(CANNOT_TELL, f"Cannot read what was given: {error}")
    where = f"position {found.position}: " if found.position is not None else ""
    sys.stdout.write(f"{('good', 'TAMPERED', 'cannot tell')[found.code]}: {where}{found.told}\n")
    return found.code


if __name__ == "__main__":
    sys.exit(main())
