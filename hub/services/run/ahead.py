"""Reads on while the present page is sorted and written, where the connector allows that.

What was read meanwhile is taken together, as one page: it costs as many statements and commits as a small one.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

from hub.sdk import Cursor, HubError, Page
from hub.services.run import portion
from hub.services.run.flow import Flow

# What is taken together at most; two times as much is in memory, one half being written, one being read.
MOST, LARGEST = 6_000, 6_000_000  # records, characters


class Ahead:
    """Gives the pages of a run in order, read in advance. What failed there fails where it is asked for.

    At a source that answers quickly, pages are joined as far as about a second of writing takes; hints, pauses and
    other runs are looked at between them.
    """

    def __init__(self, flow: Flow, pool: ThreadPoolExecutor | None) -> None:
        self._flow, self._pool = flow, pool
        self._coming: tuple[Cursor | None, Future[Page]] | None = None
        self._is_wanted = Event()
        self._room = flow.mapping.page_size
        self._given: tuple[int, float] | None = None

    def page(self) -> Page:
        """What comes at the run's cursor: at least one page. Raises what the source raises."""
        self._learn()
        found = self._next(self._flow.run.cursor)
        self._given = len(found.records), time.monotonic()
        return found

    def begin(self, found: Page) -> None:
        """Begin to read what follows this page."""
        if self._pool is not None and not found.done and self._coming is None:
            self._is_wanted.clear()
            self._coming = (found.cursor, self._pool.submit(self._read_on, found.cursor))

    def forget(self) -> None:
        """Drop what was read in advance: records are read again, and it must not bring older values after that (I9)."""
        if self._coming is not None:
            coming, self._coming = self._coming[1], None
            self._is_wanted.set()
            wait([coming])

    def _next(self, cursor: Cursor | None) -> Page:
        if self._coming is not None:
            (foreseen, coming), self._coming = self._coming, None
            self._is_wanted.set()
            if foreseen == cursor:
                return coming.result()
            wait([coming])
        return self._read(cursor)

    def _learn(self) -> None:
        """How many records fill a second, by what those given last took."""
        if self._given and self._given[0]:
            size, since = self._given
            self._room = min(MOST, portion.fitting(size, time.monotonic() - since))

    def _read_on(self, cursor: Cursor) -> Page:
        """The page at `cursor`, and those after it until they are wanted or are enough."""
        pages = [self._read(cursor)]
        while self._has_room(pages) and not pages[-1].done and pages[-1].cursor != cursor:
            cursor = pages[-1].cursor
            try:
                pages.append(self._read(cursor))
            except HubError:  # read again after what was read before it, it fails where it is asked for
                break
        return _joined(pages)

    def _has_room(self, pages: Sequence[Page]) -> bool:
        if self._is_wanted.is_set() or sum(map(_length, pages)) >= LARGEST:
            return False
        return sum(len(page.records) for page in pages) < self._room

    def _read(self, cursor: Cursor | None) -> Page:
        mapping = self._flow.mapping
        return self._flow.source.read(mapping.source_stream, cursor, mapping.page_size)


def _length(page: Page) -> int:
    """About how many characters its records have, judged by the first."""
    return len(page.records) * len(str(page.records[0].data)) if page.records else 0


def _joined(pages: Sequence[Page]) -> Page:
    """Pages that follow each other, as one."""
    if len(pages) == 1:
        return pages[0]
    records = [record for page in pages for record in page.records]
    return replace(pages[-1], records=records, faults=[fault for page in pages for fault in page.faults])


@contextmanager
def reading(flow: Flow) -> Iterator[Ahead]:
    """The pages of a run; a read that nobody waits for any more ends before this does."""
    if not getattr(flow.source, "reads_ahead", False):
        yield Ahead(flow, None)
        return
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        pages = Ahead(flow, pool)
        try:
            yield pages
        finally:
            pages.forget()
