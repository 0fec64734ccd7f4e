"""The folder that holds the files: which there are, whether one has changed, and opening one."""

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import IO, Any

import fsspec

from connectors.files.place import Place
from hub.http import SftpFiles
from hub.sdk import AbsentError, ConfigError, TransientError

UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
# What tells one content of a file from the next, by the names that file systems use.
STAMPS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "modified", "updated", "ino", "created")


@dataclass(frozen=True, slots=True)
class FileMark:
    """One file as it is now. `stamp` changes whenever its content may have changed."""

    name: str
    path: str
    size: int
    stamp: str


class Folder:
    """One folder on one file system. Nothing is called before it is used."""

    def __init__(self, place: Place, system: Any = None) -> None:
        self.origin, self._root = place.url, place.path
        # An instance of its own: the shared ones remember listings.
        options = {"skip_instance_cache": True, "use_listings_cache": False}
        self._system = system or fsspec.filesystem(place.scheme, **options)  # type: ignore[no-untyped-call]
        self._shares_handles = place.scheme == "memory"

    def close(self) -> None:
        """End a connection to the file system, if it has one."""
        if isinstance(self._system, SftpFiles):
            self._system.close()

    def files(self, pattern: str) -> tuple[FileMark, ...]:
        """The files whose names match, in the order of their names; hidden and unfinished ones are left out."""
        with self._translated():
            entries = self._system.ls(self._root, detail=True)
        paths = sorted(entry["name"] for entry in entries if entry["type"] == "file")
        # Asked for again one by one: some file systems say less, or something else, in a listing.
        return tuple(self._look(path) for path in paths if _matches(path.rsplit("/", 1)[-1], pattern))

    def check_there(self) -> None:
        """Raise AbsentError if there is no such folder."""
        with self._translated():
            self._system.ls(self._root, detail=False)

    def check_unchanged(self, mark: FileMark) -> None:
        """Raise TransientError if the file is not what it was."""
        if self._look(mark.path) != mark:
            raise TransientError(
                f"{mark.name} changed while it was being read; it will be read again from the beginning."
            )

    @contextmanager
    def open(self, mark: FileMark) -> Iterator[IO[bytes]]:
        """The bytes of a file, unpacked if its name ends in .gz. Reading errors become the hub's."""
        with self._translated(mark.name), self._bytes(mark) as packed:
            if not mark.name.endswith(".gz"):
                yield packed
                return
            with gzip.GzipFile(fileobj=packed, mode="rb") as unpacked:
                yield io.BufferedReader(unpacked)

    def _bytes(self, mark: FileMark) -> IO[bytes]:
        if self._shares_handles:
            return io.BytesIO(self._system.cat_file(mark.path))
        opened: IO[bytes] = self._system.open(mark.path, "rb")
        return opened

    def _look(self, path: str) -> FileMark:
        name = path.rsplit("/", 1)[-1]
        with self._translated(name):
            entry = self._system.info(path)
        stamps = [f"{stamp}={entry[stamp]}" for stamp in STAMPS if entry.get(stamp) is not None]
        return FileMark(name, path, int(entry.get("size") or 0), " ".join(stamps))

    @contextmanager
    def _translated(self, name: str = "") -> Iterator[None]:
        place = name or self.origin
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            if name:
                raise TransientError(f"{name} is gone.") from None
            raise AbsentError(f"url: there is no folder {self.origin}.") from None
        except PermissionError:
            raise ConfigError(f"{place}: the hub may not read this.") from None
        except EOFError:
            raise TransientError(f"{place} ends in the middle; it may still be being written.") from None
        except (OSError, zlib.error) as error:
            raise TransientError(f"{place} cannot be read: {error}.") from None


def digest_of(marks: Sequence[FileMark], spec: object) -> str:
    """One short text for a set of files as they are now, and for how they are to be read."""
    known = [[mark.name, mark.size, mark.stamp] for mark in marks]
    return hashlib.sha256(json.dumps([known, repr(spec)]).encode()).hexdigest()[:32]


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and not name.startswith((".", "~")) and not name.endswith(UNFINISHED)
