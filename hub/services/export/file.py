"""Writes an export piece by piece, wherever it goes, and reckons what it comes to."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from hub.models import ExportFormat
from hub.services.export import table
from hub.services.export.chosen import Chosen

PIECE = 1 << 20  # bytes before compression


class Written:
    """How large the file is so far, and its SHA-256."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()

    def add(self, piece: bytes) -> None:
        """Count a piece."""
        self.size += len(piece)
        self._digest.update(piece)

    @property
    def digest(self) -> str:
        """Of all pieces."""
        return self._digest.hexdigest()


def pieces(chosen: Chosen, kind: str) -> Iterator[bytes]:
    """The file in pieces of about a megabyte."""
    texts = chosen.lines() if kind == ExportFormat.LINES else table.rows(chosen)
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        said = text.encode()
        waiting.append(said)
        size += len(said)
        if size >= PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def save(chosen: Chosen, kind: str, path: Path, told: Callable[[Chosen], None]) -> Written:
    """Write the file at `path`, which must not be there yet; `told` hears how far it is. Raises OSError."""
    written = Written()
    with path.open("xb") as out:
        path.chmod(0o600)
        for piece in pieces(chosen, kind):
            out.write(piece)
            written.add(piece)
            told(chosen)
    return written
