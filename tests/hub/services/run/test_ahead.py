"""Pages are read ahead where the connector allows it; what the run sees is the same, a few pages at a time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_ident
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hub.sdk import Cursor, Fault, Page, Record, TransientError
from hub.services.run import ahead
from hub.services.run.flow import Flow

SIZE = 10


class Source:
    """Some pages of ten records, and a note of who read which. `gate`: what each read waits for."""

    def __init__(self, pages: int = 3, *, reads_ahead: bool = True, broken: int = -1) -> None:
        self.pages, self.reads_ahead, self.broken = pages, reads_ahead, broken
        self.read_by: dict[int, int] = {}
        self.read_last = Event()
        self.gate = Event()
        self.gate.set()

    def read(self, stream: str, cursor: Cursor | None, limit: int) -> Page:
        at = (cursor or {}).get("at", 0)
        assert self.gate.wait(10)
        self.read_by[at] = get_ident()
        if at == self.broken:
            raise TransientError("Not now.")
        if at == self.pages - 1:
            self.read_last.set()
        records = [Record(str(at * SIZE + number), {}) for number in range(SIZE)]
        return Page(records, {"at": at + 1}, done=at == self.pages - 1, faults=[Fault(f"page {at}", "Torn.")])


def flow_of(source: Source) -> Flow:
    mapping = SimpleNamespace(source_stream="things", page_size=SIZE)
    return cast(Flow, SimpleNamespace(source=source, mapping=mapping, run=SimpleNamespace(cursor=None)))


def take(flow: Any, pages: ahead.Ahead) -> Page:
    found = pages.page()
    pages.begin(found)
    flow.run.cursor = found.cursor
    return found


def takes(flow: Any, pages: ahead.Ahead) -> Iterator[Page]:
    while not (found := take(flow, pages)).done:
        yield found
    yield found


def take_keys(flow: Any, pages: ahead.Ahead, into: list[str]) -> None:
    for found in takes(flow, pages):
        into += [record.key for record in found.records]


class TestReading:
    def test_reads_the_next_page_while_the_present_one_is_in_hand(self) -> None:
        source = Source(pages=2)
        flow = flow_of(source)

        with ahead.reading(flow) as pages:
            take(flow, pages)
            assert source.read_last.wait(10)
            assert take(flow, pages).done

        assert source.read_by[0] == get_ident() != source.read_by[1]

    def test_stays_in_its_thread_and_takes_page_by_page_where_the_connector_does_not_allow_it(self) -> None:
        source = Source(reads_ahead=False)
        flow = flow_of(source)

        with ahead.reading(flow) as pages:
            sizes = [len(found.records) for found in takes(flow, pages)]

        assert set(source.read_by.values()) == {get_ident()}
        assert sizes == [SIZE] * 3

    def test_fails_where_the_page_is_asked_for(self) -> None:
        flow = flow_of(Source(broken=1))

        with ahead.reading(flow) as pages:
            take(flow, pages)
            with pytest.raises(TransientError):
                pages.page()

    def test_reads_again_when_records_were_read_by_key_meanwhile(self) -> None:
        """I9: what was read in advance may hold older values than what was written since then."""
        source = Source()
        flow = flow_of(source)

        with ahead.reading(flow) as pages:
            take(flow, pages)
            pages.forget()
            assert source.read_by[1] != get_ident()
            take(flow, pages)

        assert source.read_by[1] == get_ident()

    def test_reads_again_when_the_run_goes_on_elsewhere(self) -> None:
        source = Source()
        flow = flow_of(source)

        with ahead.reading(flow) as pages:
            take(flow, pages)
            flow.run.cursor = {"at": 2}
            assert pages.page().done


class TestPagesReadMeanwhile:
    def test_are_taken_together_when_writing_is_quick(self) -> None:
        source = Source(pages=5)
        flow = flow_of(source)

        with ahead.reading(flow) as pages:
            take(flow, pages)  # what follows is one page, because nobody knows yet how long one takes
            second = take(flow, pages)
            assert source.read_last.wait(10)
            rest = take(flow, pages)

        assert [len(found.records) for found in (second, rest)] == [SIZE, 3 * SIZE]
        assert [record.key for record in rest.records] == [str(number) for number in range(20, 50)]
        assert [fault.where for fault in rest.faults] == ["page 2", "page 3", "page 4"]
        assert rest.done
        assert rest.cursor == {"at": 5}

    def test_are_no_more_than_there_were_when_the_run_asked(self) -> None:
        source = Source(pages=5)
        flow = flow_of(source)

        with ahead.reading(flow) as pages:
            take(flow, pages)
            take(flow, pages)
            source.gate.clear()
            with ThreadPoolExecutor(1) as run:
                waiting = run.submit(pages.page)
                time.sleep(0.05)  # by now it waits for the page that is being read
                source.gate.set()
                assert len(waiting.result(10).records) <= 2 * SIZE

    def test_are_taken_one_by_one_when_writing_takes_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = Source(pages=4)
        flow = flow_of(source)
        now = iter(range(0, 1000, 10))
        monkeypatch.setattr(ahead, "time", SimpleNamespace(monotonic=lambda: next(now)))

        with ahead.reading(flow) as pages:
            sizes = [len(found.records) for found in takes(flow, pages)]

        assert sizes == [SIZE] * 4

    def test_are_taken_one_by_one_when_they_are_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ahead, "LARGEST", SIZE)
        flow = flow_of(Source(pages=4))

        with ahead.reading(flow) as pages:
            sizes = [len(found.records) for found in takes(flow, pages)]

        assert sizes == [SIZE] * 4

    def test_are_handed_over_before_one_that_cannot_be_read(self) -> None:
        source = Source(pages=5, broken=3)
        flow = flow_of(source)

        with ahead.reading(flow) as pages:
            taken: list[str] = []
            with pytest.raises(TransientError):
                take_keys(flow, pages, taken)

        assert taken == [str(number) for number in range(30)]

    def test_of_a_cursor_that_stands_still_do_not_go_on_for_ever(self) -> None:
        class Stuck(Source):
            def read(self, stream: str, cursor: Cursor | None, limit: int) -> Page:
                return Page([Record("1", {})], {"at": 7}, done=False)

        flow = flow_of(Stuck())

        with ahead.reading(flow) as pages:
            take(flow, pages)
            assert take(flow, pages).cursor == {"at": 7}
