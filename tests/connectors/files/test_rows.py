"""What rows of files say, and what is said of rows that cannot be read."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import ConfigError, Record, TransientError
from tests.connectors.files.acts import Exports, data, faults, pages, records

# Any text that a file can hold: no NUL and no half characters.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class TestCsv:
    @given(
        rows=st.dictionaries(TEXT.filter(bool), st.tuples(TEXT, TEXT), min_size=1, max_size=8),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
        delimiter=st.sampled_from([",", ";", "\t", "|"]),
        end=st.sampled_from(["\n", "\r\n"]),
        limit=st.integers(1, 5),
    )
    def test_of_any_text_reads_back(
        self, rows: dict[str, tuple[str, str]], encoding: str, delimiter: str, end: str, limit: int
    ) -> None:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows([("k", "a", "b"), *((key, *values) for key, values in rows.items())])
        with tempfile.TemporaryDirectory() as folder:
            exports = Exports(Path(folder))
            exports.write("x.csv", text.getvalue().encode(encoding))
            read = pages(exports.open(encoding=encoding, delimiter=delimiter), limit=limit)
            exports.close()

        assert [(r.key, r.data["a"], r.data["b"]) for page in read for r in page.records] == [
            (key, *values) for key, values in rows.items()
        ]
        assert [fault for page in read for fault in page.faults] == []

    def test_takes_columns_by_name_in_each_file(self, exports: Exports) -> None:
        exports.write("1.csv", "k,a,b\n1,x,y\n")
        exports.write("2.csv", "b,k,a\ny2,2,x2\n")

        assert data(exports.open()) == [{"k": "1", "a": "x", "b": "y"}, {"b": "y2", "k": "2", "a": "x2"}]

    def test_reads_only_the_columns_wanted(self, exports: Exports) -> None:
        exports.write("1.csv", "k,a,v,b\n1,x,7,y\n2,x,,z\n")

        assert records(exports.open(columns=["b"], version="v")) == [
            Record("1", {"b": "y"}, "7"),
            Record("2", {"b": "z"}, None),
        ]

    def test_without_a_header_takes_the_columns_from_left_to_right(self, exports: Exports) -> None:
        exports.write("1.csv", "1;x\n2;y")

        opened = exports.open(header=False, columns=["k", "a"], delimiter="semicolon")

        assert data(opened) == [{"k": "1", "a": "x"}, {"k": "2", "a": "y"}]

    def test_makes_one_key_of_several_columns(self, exports: Exports) -> None:
        exports.write("1.csv", 'k,l\n"a,""b",c\n')

        assert [record.key for record in records(exports.open(key=["k", "l"]))] == ['["a,\\"b","c"]']

    def test_skips_blank_lines_and_needs_no_last_line_end(self, exports: Exports) -> None:
        exports.write("1.csv", "k,a\r\n\r\n1,x\r\n\r\n\r\n2,y")

        assert [record.key for record in records(exports.open())] == ["1", "2"]

    def test_reads_old_encodings(self, exports: Exports) -> None:
        exports.write("1.csv", "k,a\n1,Größe €\n".encode("cp1252"))

        assert data(exports.open(encoding="cp1252")) == [{"k": "1", "a": "Größe €"}]

    def test_unpacks_gzip(self, exports: Exports) -> None:
        exports.write("1.csv.gz", gzip.compress(b"k,a\n1,x\n"))

        assert data(exports.open("*.csv.gz")) == [{"k": "1", "a": "x"}]

    def test_leaves_out_hidden_and_unfinished_files(self, exports: Exports) -> None:
        for name in (".1.csv", "1.csv.tmp", "1.csv.part", "1.csv~", "~1.csv", "2.csv"):
            exports.write(name, f"k\n{name}\n")

        assert [record.key for record in records(exports.open("*"))] == ["2.csv"]


class TestCsvFaults:
    def test_name_file_line_and_column(self, exports: Exports) -> None:
        good = b"".join(b"ok%d,a,b,c\n" % n for n in range(3))
        bad = b'short,a\nlong,a,b,c,d\n,a,b,c\nbad,a,\xff,c\nnul,a,b,\x00\n"multi\nline","x\ny",b,\xe4\n"open"x,a,b,c\n'
        exports.write("airports.csv", b"iata,name,city,country\n" + good + bad + b"last,a,b,c\n")
        opened = exports.open(key="iata")

        assert faults(opened) == [
            ("airports.csv line 5 column 3 (city)", "the row ends before it: 2 of 4 columns"),
            ("airports.csv line 6 column 5", "the row goes on: 5 columns instead of 4"),
            ("airports.csv line 7 column 1 (iata)", "the key is empty"),
            ("airports.csv line 8 column 3 (city)", "it holds bytes that are not utf-8"),
            ("airports.csv line 9 column 4 (country)", "it holds a NUL character"),
            ("airports.csv line 10 column 4 (country)", "it holds bytes that are not utf-8"),
            ("airports.csv line 13", "the row cannot be taken apart: ',' expected after '\"'"),
        ]
        assert [record.key for record in records(opened)] == ["ok0", "ok1", "ok2", "last"]
        assert [f.key for p in pages(opened) for f in p.faults if f.key] == ["bad", "nul", "multi\nline"]

    def test_count_lines_as_an_editor_does(self, exports: Exports) -> None:
        exports.write("1.csv", 'k,a\r\n1,"x\r\ny\nz"\r\n\r\n2\r\n')

        assert faults(exports.open()) == [("1.csv line 6 column 2 (a)", "the row ends before it: 1 of 2 columns")]

    def test_of_quotes_that_never_close_say_what_they_swallowed(self, exports: Exports) -> None:
        rows = "".join(f"{n},{'x' * 60}\n" for n in range(5_000))
        exports.write("1.csv", f'k,a\nfirst,"open\n{rows}')

        [(where, message)] = faults(exports.open(), limit=10_000)

        assert where.startswith("1.csv line 2 to ")
        assert message == "the row cannot be taken apart: field larger than field limit (131072)"

    @pytest.mark.parametrize("limit", [1, 2, 100])
    def test_of_repeated_keys_name_the_first_one(self, exports: Exports, limit: int) -> None:
        exports.write("a.csv", "k,v\n1,a\n2,b\n1,c\n")
        exports.write("b.csv", "k,v\n3,d\n2,e\n3,f\n")
        opened = exports.open()

        assert [(r.key, r.data["v"]) for r in records(opened, limit)] == [("1", "a"), ("2", "b"), ("3", "d")]
        assert [where for where, _ in faults(opened, limit)] == ["a.csv line 4", "b.csv line 3", "b.csv line 4"]
        assert "2 stands already in a.csv line 3" in faults(opened, limit)[1][1]

    def test_of_one_endless_line_does_not_take_the_rest(
        self, exports: Exports, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.files.lines.LONGEST", 100)
        exports.write("1.csv", "k,a\n1," + "x" * 250 + "\n2,y\n")
        exports.write("2.jsonl", json.dumps({"k": "x" * 250}) + '\n{"k": "2"}\n')

        assert data(exports.open()) == [{"k": "2", "a": "y"}]
        assert faults(exports.open())[0][0] == "1.csv line 2"
        assert faults(exports.open("*.jsonl", format="jsonl"))[0][0] == "2.jsonl line 1"

    @given(
        rows=st.lists(st.sampled_from(["good", "short", "long", "byte", "nul", "repeat", "quote"]), max_size=12),
        limit=st.integers(1, 4),
    )
    def test_and_records_together_are_all_rows(self, rows: list[str], limit: int) -> None:
        """Nothing is lost and nothing is counted twice, whatever stands next to what."""
        made = {
            "good": "{n},a",
            "short": "{n}",
            "long": "{n},a,b",
            "byte": "{n},\udcff",
            "nul": "{n},\0",
            "repeat": "same,a",
            "quote": '"{n}"x,a',
        }
        text = "k,a\n" + "".join(made[kind].format(n=n) + "\n" for n, kind in enumerate(rows))
        with tempfile.TemporaryDirectory() as folder:
            exports = Exports(Path(folder))
            exports.write("1.csv", text.encode("utf-8", "surrogateescape"))
            read = pages(exports.open(), limit=limit)
            exports.close()

        good = [str(n) for n, kind in enumerate(rows) if kind == "good"] + ["same"] * ("repeat" in rows)
        assert sorted(record.key for page in read for record in page.records) == sorted(good)
        assert sum(len(page.faults) for page in read) == len(rows) - len(good)
        assert all(len(page.records) + len(page.faults) <= limit for page in read)


class TestHeaders:
    @pytest.mark.parametrize(
        ("content", "sign"),
        [
            (b"k,a,a\n", "a is there twice"),
            (b"k,,b\n", "a column has no name"),
            (b"k,\xff\n", "bytes that are not utf-8"),
            (b'"k\n', "header cannot be read"),
            (b"key,a\n", "has no column k; it has key, a"),
        ],
    )
    def test_that_cannot_be_used_stop_the_read(self, exports: Exports, content: bytes, sign: str) -> None:
        exports.write("1.csv", content + b"1,2,3\n")

        with pytest.raises(ConfigError, match=sign):
            exports.open().read("s", None, 10)

    def test_name_the_fields_of_the_stream(self, exports: Exports) -> None:
        exports.write("1.csv", "\ufeffk,Größe\n")
        exports.write("1.jsonl", '{"k": 1, "a": 2}\n{"k": 2, "b": {}}\n')
        opened = exports.open_streams(
            {
                "c": {"pattern": "*.csv", "key": "k"},
                "j": {"pattern": "*.jsonl", "key": "k", "format": "jsonl"},
                "later": {"pattern": "later*", "key": "k"},
            }
        )

        fields = {stream.name: [field.name for field in stream.fields] for stream in opened.streams()}

        assert fields == {"c": ["k", "Größe"], "j": ["k", "a", "b"], "later": ["k"]}


class TestWholeFiles:
    def test_that_are_missing_or_empty_are_no_empty_stream(self, exports: Exports) -> None:
        """An empty stream would look as if everything had been deleted."""
        opened = exports.open()
        with pytest.raises(TransientError, match=r"no file \*\.csv"):
            opened.read("s", None, 10)

        exports.write("1.csv", "")
        with pytest.raises(TransientError, match=r"1\.csv is empty"):
            opened.read("s", None, 10)

        exports.write("1.csv", "k,a\n")
        assert opened.read("s", None, 10).done

    def test_that_end_too_early_are_tried_again(self, exports: Exports) -> None:
        exports.write("1.csv.gz", gzip.compress(b"k\n" + b"x" * 10_000)[:-20])

        with pytest.raises(TransientError, match="ends in the middle"):
            exports.open("*.gz").read("s", None, 10)

    def test_that_are_not_what_they_say_are_told(self, exports: Exports) -> None:
        exports.write("1.csv.gz", "k\n1\n")
        exports.write("2.csv", "k,a\n1,b\n".encode("utf-16") + b"\x00")

        with pytest.raises(TransientError, match=r"1\.csv\.gz cannot be read"):
            exports.open("1*").read("s", None, 10)
        with pytest.raises(ConfigError, match="is not utf-16 from here on"):
            exports.open("2*", encoding="utf-16").read("s", None, 10)
