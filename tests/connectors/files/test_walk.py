"""Reading from page to page: resuming anywhere, noticing changes, finding by key, and staying small."""

import json
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.seen import SeenKeys
from hub.sdk import Cursor, Fault, Record, RecordError, TransientError
from tests.connectors.files.acts import Exports, pages, records

ROWS = "k,v\n" + "".join(f"{n},v{n}\n" for n in range(10)) + "3,again\nbad\n"
MORE = "k,v\n" + "".join(f"{n},w{n}\n" for n in range(8, 14))


def two_files(exports: Exports) -> None:
    """Thirteen rows in one file and six in another, two of them with a key of the first."""
    exports.write("a.csv", ROWS)
    exports.write("b.csv", MORE)


class TestResume:
    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 12, 13, 19, 100])
    def test_after_every_page_gives_the_same_as_one_go(self, exports: Exports, limit: int) -> None:
        two_files(exports)
        whole = pages(exports.open(), limit=100)[0]
        found: list[Record] = []
        faults: list[Fault] = []
        cursor: Cursor | None = None
        for _ in range(30):
            opened = exports.open()  # another worker each time
            page = opened.read("s", cursor, limit)
            opened.close()
            found += page.records
            faults += page.faults
            cursor = json.loads(json.dumps(page.cursor))
            if page.done:
                break

        assert page.done
        assert found == whole.records
        assert sorted(map(repr, faults)) == sorted(map(repr, whole.faults))
        assert cursor == whole.cursor

    def test_goes_back_to_a_page_that_was_lost(self, exports: Exports) -> None:
        """The same cursor gives the same page again."""
        two_files(exports)
        opened = exports.open()
        first = opened.read("s", None, 4)

        second = opened.read("s", first.cursor, 4)

        assert opened.read("s", first.cursor, 4) == second
        assert opened.read("s", None, 4) == first

    def test_tells_streams_apart(self, exports: Exports) -> None:
        two_files(exports)
        opened = exports.open_streams({"s": {"pattern": "a*", "key": "k"}, "t": {"pattern": "b*", "key": "k"}})
        first_s, first_t = opened.read("s", None, 2), opened.read("t", None, 2)

        assert [r.key for r in opened.read("s", first_s.cursor, 2).records] == ["2", "3"]
        assert [r.key for r in opened.read("t", first_t.cursor, 2).records] == ["10", "11"]


class TestUnchangedFiles:
    def test_give_one_empty_page(self, exports: Exports) -> None:
        two_files(exports)
        done = pages(exports.open())[-1].cursor

        [page] = pages(exports.open(), done)

        assert (page.records, page.faults, page.cursor, page.done) == ([], (), done, True)

    def test_are_others_when_any_is_written_added_removed_or_read_otherwise(self, exports: Exports) -> None:
        two_files(exports)
        done = pages(exports.open())[-1].cursor

        assert pages(exports.open(columns=["v"]), done)[0].records
        exports.write("c.csv", "k,v\n99,x\n")
        third = pages(exports.open(), done)
        assert sum(len(page.records) for page in third) == 15
        (exports.folder / "c.csv").unlink()
        exports.write("a.csv", ROWS)
        assert pages(exports.open(), third[-1].cursor)[0].records

    def test_count_as_changed_when_only_the_time_tells(self, exports: Exports) -> None:
        two_files(exports)
        done = pages(exports.open())[-1].cursor
        exports.write("a.csv", ROWS.replace("v1", "x1"))
        os.utime(exports.folder / "a.csv", (1, 1))

        assert pages(exports.open(), done)[0].records[1].data["v"] == "x1"


class TestChangeDuringRead:
    def test_stops_the_read_and_the_next_try_starts_again(self, exports: Exports) -> None:
        two_files(exports)
        opened = exports.open()
        first = opened.read("s", None, 4)
        exports.write("a.csv", "k,v\nnew,v\n" + ROWS.removeprefix("k,v\n"))

        with pytest.raises(TransientError, match=r"a\.csv changed while it was being read"):
            opened.read("s", first.cursor, 4)

        again = pages(opened, first.cursor, limit=100)
        assert [record.key for page in again for record in page.records][:2] == ["new", "0"]

    def test_is_noticed_when_the_file_was_replaced(self, exports: Exports) -> None:
        """Renaming another file over it leaves the old content readable to whoever has it open."""
        two_files(exports)
        opened = exports.open()
        first = opened.read("s", None, 4)
        exports.write("a.csv.tmp", ROWS)
        (exports.folder / "a.csv.tmp").rename(exports.folder / "a.csv")

        with pytest.raises(TransientError):
            opened.read("s", first.cursor, 4)

    def test_is_noticed_when_the_file_grows_or_goes(self, exports: Exports) -> None:
        two_files(exports)
        growing, going = exports.open(), exports.open("b*")
        first, second = growing.read("s", None, 4), going.read("s", None, 4)
        with (exports.folder / "a.csv").open("a") as file:
            file.write("more,x\n")
        (exports.folder / "b.csv").unlink()

        with pytest.raises(TransientError):
            growing.read("s", first.cursor, 4)
        with pytest.raises(TransientError, match=r"b\.csv is gone"):
            going.read("s", second.cursor, 4)

    def test_of_a_file_not_yet_begun_is_noticed_too(self, exports: Exports) -> None:
        two_files(exports)
        opened = exports.open()
        first = opened.read("s", None, 4)
        exports.write("b.csv", MORE + "more,x\n")

        with pytest.raises(TransientError, match=r"b\.csv changed"):
            opened.read("s", first.cursor, 100)

    def test_starts_again_for_another_worker(self, exports: Exports) -> None:
        two_files(exports)
        first = exports.open().read("s", None, 4)
        exports.write("a.csv", ROWS + "more,x\n")

        page = exports.open().read("s", first.cursor, 100)

        assert page.done
        assert page.records[0].key == "0"


class TestFetch:
    def test_finds_records_in_one_pass(self, exports: Exports) -> None:
        two_files(exports)
        opened = exports.open()

        found = {record.key: record.data["v"] for record in opened.fetch("s", ["12", "3", "nowhere", "8"])}

        assert found == {"3": "v3", "8": "v8", "12": "w12"}

    def test_does_not_call_a_broken_row_missing(self, exports: Exports) -> None:
        exports.write("a.csv", b"k,v\n1,\xff\n2,b\n")
        fetched = exports.open().fetch("s", ["1", "2", "3"])

        assert next(fetched).key == "2"
        with pytest.raises(RecordError, match=r"a\.csv line 2 column 2 \(v\)"):
            next(fetched)

    def test_does_not_disturb_a_read(self, exports: Exports) -> None:
        two_files(exports)
        opened = exports.open()
        first = opened.read("s", None, 4)

        list(opened.fetch("s", ["12"]))

        assert [record.key for record in opened.read("s", first.cursor, 2).records] == ["4", "5"]


class TestMemory:
    def test_does_not_grow_with_the_file(self, exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("connectors.files.seen.NEAR", 1_000)

        few, many = (peak_of_reading(exports, rows) for rows in (4_000, 40_000))

        assert many < few * 1.5


class TestSeenKeys:
    @given(
        st.lists(st.lists(st.sampled_from("abcdefg"), max_size=6), max_size=6),
        st.integers(0, 8),
    )
    def test_tells_the_first_place_of_each_key_wherever_it_is_kept(self, batches: list[list[str]], near: int) -> None:
        numbered = [[(key, file, line) for line, key in enumerate(keys)] for file, keys in enumerate(batches)]
        first: dict[str, tuple[int, int]] = {}
        seen = SeenKeys()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("connectors.files.seen.NEAR", near)
            told = [seen.add(batch) for batch in numbered]
        seen.close()

        for batch, met in zip(numbered, told, strict=True):
            wanted = {(f, n): first[k] for k, f, n in batch if first.setdefault(k, (f, n)) != (f, n)}
            assert met == wanted


def peak_of_reading(exports: Exports, rows: int) -> int:
    """The most bytes that Python held while reading a file of so many rows."""
    exports.write("1.csv", "k,a,b\n" + "".join(f"{n},some text {n},more text {n}\n" for n in range(rows)))
    opened = exports.open()
    opened.read("s", None, 1)
    tracemalloc.start()
    page = opened.read("s", None, 500)
    while not page.done:
        page = opened.read("s", page.cursor, 500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_read_leaves_nothing_open(exports: Exports) -> None:
    two_files(exports)
    before = open_files()
    opened = exports.open()
    opened.read("s", None, 2)
    opened.close()
    list(records(exports.open()))

    assert open_files() == before


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
