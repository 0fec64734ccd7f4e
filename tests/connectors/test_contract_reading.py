"""What every source promises."""

import json

import pytest

from hub.sdk import (
    Connector,
    Cursor,
    CursorKind,
    DeleteFeed,
    Opened,
    Operation,
)
from tests.connectors.acting import (
    MOST_PAGES,
    PAGE,
    apply,
    capabilities,
    capability,
    deletion,
    pages_of,
    read_all,
    source,
)
from tests.connectors.bench import Bench


class TestReading:
    """What a source promises."""

    def test_keys_unique(self, opened: Opened, bench: Bench) -> None:
        keys = [record.key for record in read_all(opened, bench.stream)]

        assert len(keys) == len(set(keys))
        assert set(keys) == set(bench.held())

    def test_pages_are_bounded(self, opened: Opened, bench: Bench) -> None:
        pages = pages_of(opened, bench.stream)

        assert max(len(page.records) for page in pages) <= PAGE
        assert [page.done for page in pages] == [False] * (len(pages) - 1) + [True]

    def test_reading_repeats(self, opened: Opened, bench: Bench) -> None:
        assert read_all(opened, bench.stream) == read_all(opened, bench.stream)

    def test_cursor_is_json(self, opened: Opened, bench: Bench) -> None:
        for page in pages_of(opened, bench.stream):
            assert json.loads(json.dumps(page.cursor)) == page.cursor

    def test_resumes_after_each_page(self, connector: Connector, bench: Bench) -> None:
        """A worker that dies after every page still reads everything."""
        keys: set[str] = set()
        cursor: Cursor | None = None
        for _ in range(MOST_PAGES):
            opened = connector.open(bench.settings)
            page = source(opened).read(bench.stream, cursor, PAGE)
            opened.close()
            keys |= {record.key for record in page.records}
            cursor = json.loads(json.dumps(page.cursor))
            if page.done:
                break

        assert page.done
        assert keys == set(bench.held())

    def test_cursor_advances(self, opened: Opened, bench: Bench) -> None:
        start = pages_of(opened, bench.stream)[-1].cursor
        key = bench.insert()

        later = [record.key for page in pages_of(opened, bench.stream, start) for record in page.records]

        assert key in later
        if capabilities(opened, bench.stream).cursor is CursorKind.SEQUENCE:
            assert later == [key]

    def test_an_unchanged_sequence_reads_nothing(self, opened: Opened, bench: Bench) -> None:
        if capabilities(opened, bench.stream).cursor is not CursorKind.SEQUENCE:
            pytest.skip("no sequence claimed")
        start = pages_of(opened, bench.stream)[-1].cursor

        pages = pages_of(opened, bench.stream, start)

        assert [record for page in pages for record in page.records] == []
        assert pages[-1].cursor == start

    def test_deletions_arrive(self, opened: Opened, bench: Bench) -> None:
        if capabilities(opened, bench.stream).delete_feed is not DeleteFeed.TOMBSTONES:
            pytest.skip("no tombstones claimed")
        if bench.target or capability(opened, bench, Operation.DELETE) is None:
            pytest.skip("cannot delete here")
        start = pages_of(opened, bench.stream)[-1].cursor
        key = next(iter(bench.held()))
        apply(opened, bench, [deletion(key)])

        found = {record.key: record for page in pages_of(opened, bench.stream, start) for record in page.records}

        assert found[key].deleted

    def test_fetch_agrees_with_read(self, opened: Opened, bench: Bench) -> None:
        if not capabilities(opened, bench.stream).fetch_by_key:
            pytest.skip("no fetch by key claimed")
        read = {record.key: record for record in read_all(opened, bench.stream)}

        fetched = {record.key: record for record in source(opened).fetch(bench.stream, list(read))}

        assert {key: dict(record.data) for key, record in fetched.items()} == {
            key: dict(record.data) for key, record in read.items()
        }
        assert all(fetched[key].version == record.version for key, record in read.items() if record.version)

    def test_fetch_leaves_out_what_is_missing(self, opened: Opened, bench: Bench) -> None:
        if not capabilities(opened, bench.stream).fetch_by_key:
            pytest.skip("no fetch by key claimed")
        key = next(iter(bench.held()))

        found = list(source(opened).fetch(bench.stream, [bench.absent, key]))

        assert [record.key for record in found if not record.deleted] == [key]
