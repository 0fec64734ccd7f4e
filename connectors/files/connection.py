"""A folder of files in use: its streams, reading them page by page, and finding records by key."""

from collections.abc import Iterator, Sequence
from itertools import islice

from connectors.files.csv_rows import CsvRows
from connectors.files.folder import FileMark, Folder, digest_of
from connectors.files.spec import FileSpec
from connectors.files.walk import Walk, opened_rows
from hub.sdk import (
    Capabilities,
    ConfigError,
    Cursor,
    FatalError,
    Fault,
    HubError,
    Page,
    Record,
    RecordError,
    Stream,
    StreamField,
    TransientError,
)

SAMPLE = 100  # lines of JSON that are looked at for field names


class FilesConnection:
    """An open folder. Reading goes on where the last page ended as long as the files are what they were."""

    def __init__(self, folder: Folder, specs: dict[str, FileSpec]) -> None:
        self._folder, self._specs = folder, specs
        self._walks: dict[str, Walk] = {}

    def streams(self) -> Sequence[Stream]:
        """The configured streams, with the fields of each one's first file if there is one."""
        self._folder.check_there()  # whoever learns that this worked takes the folder for being there
        return [
            Stream(
                name=name,
                label=spec.pattern,
                capabilities=Capabilities(),
                key_fields=spec.key,
                version_field=spec.version,
                fields=tuple(StreamField(field, required=field in spec.key) for field in self._fields(spec)),
            )
            for name, spec in self._specs.items()
        ]

    def check(self) -> str:
        """Count the files of each stream."""
        counts = {name: len(self._folder.files(spec.pattern)) for name, spec in self._specs.items()}
        told = ", ".join(f"{count} for {name}" for name, count in counts.items())
        return f"{self._folder.origin} answered; files: {told}."

    def read(self, stream: str, cursor: Cursor | None, limit: int) -> Page:
        """One page of a complete read; nothing at all when no file changed since the cursor of a finished one."""
        spec = self._spec(stream)
        walk = self._walks.pop(stream, None)
        if walk is None or cursor is None or walk.cursor != cursor:
            if walk:
                walk.close()
            marks = self._marks(spec)
            if cursor == {"files": digest_of(marks, spec), "done": True}:
                return Page([], cursor, done=True)
            walk = self._resumed(spec, marks, cursor)
        return self._page(stream, walk, limit)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Record]:
        """Look through all files once for these keys. The cost is that of a read up to the last one found.

        Raises RecordError at the end when the row of a key is there and cannot be read: that is not *missing*.
        """
        spec, wanted = self._spec(stream), set(keys)
        broken: list[Fault] = []
        for mark in self._marks(spec):
            if not wanted:
                break
            with self._folder.open(mark) as raw, opened_rows(raw, mark.name, spec) as rows:
                for _, _, item in rows.numbered(0):
                    if item.key in wanted:
                        wanted.remove(item.key)
                        if isinstance(item, Record):
                            yield item
                        else:
                            broken.append(item)
                    if not wanted:
                        break
            self._folder.check_unchanged(mark)
        if broken:
            raise RecordError("; ".join(f"{fault.where}: {fault.message}" for fault in broken[:5]))

    def close(self) -> None:
        """Close whatever is open."""
        for walk in self._walks.values():
            walk.close()
        self._walks.clear()
        self._folder.close()

    def _page(self, stream: str, walk: Walk, limit: int) -> Page:
        try:
            page = walk.page(limit)
        except HubError:
            walk.close()
            raise
        if page.done:
            walk.close()
        else:
            self._walks[stream] = walk
        return page

    def _resumed(self, spec: FileSpec, marks: Sequence[FileMark], cursor: Cursor | None) -> Walk:
        """A walk that stands where the cursor says, or at the beginning when the files are others by now."""
        walk = Walk(self._folder, spec, marks)
        if cursor is None or cursor.get("files") != digest_of(marks, spec):
            return walk
        if not walk.catch_up(cursor):
            walk.close()
            raise FatalError(f"The files of {spec.pattern} have no place {cursor}.")
        return walk

    def _marks(self, spec: FileSpec) -> tuple[FileMark, ...]:
        marks = self._folder.files(spec.pattern)
        if not marks:
            raise TransientError(f"There is no file {spec.pattern} in {self._folder.origin} yet.")
        return marks

    def _spec(self, stream: str) -> FileSpec:
        if stream not in self._specs:
            raise ConfigError(f"There is no stream “{stream}”; known: {', '.join(self._specs)}.")
        return self._specs[stream]

    def _fields(self, spec: FileSpec) -> tuple[str, ...]:
        if spec.columns:
            return spec.columns
        try:
            return self._looked_up(spec, self._marks(spec)[0])
        except TransientError:  # not there yet, or empty
            return spec.key

    def _looked_up(self, spec: FileSpec, mark: FileMark) -> tuple[str, ...]:
        with self._folder.open(mark) as raw, opened_rows(raw, mark.name, spec) as rows:
            if isinstance(rows, CsvRows):
                return rows.header
            sample = [item for _, _, item in islice(rows.numbered(0), SAMPLE)]
        return tuple(dict.fromkeys(name for item in sample if isinstance(item, Record) for name in item.data))
