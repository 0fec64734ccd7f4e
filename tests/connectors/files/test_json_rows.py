"""What JSON Lines say, and what is said of lines that cannot be read."""

import codecs
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Record
from tests.connectors.files.acts import Exports, faults, pages, records

# Any text that a file can hold: no NUL and no half characters.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class TestJsonLines:
    @given(
        items=st.dictionaries(TEXT.filter(bool), st.dictionaries(TEXT, VALUES, max_size=3), max_size=6),
        escape=st.booleans(),
        limit=st.integers(1, 4),
    )
    def test_of_any_value_reads_back(self, items: dict[str, Any], escape: bool, limit: int) -> None:
        lines = [spelled({**item, "k": key}, escape) for key, item in items.items()]
        with tempfile.TemporaryDirectory() as folder:
            exports = Exports(Path(folder))
            exports.write("x.jsonl", codecs.BOM_UTF8 + "\n".join(lines).encode())
            read = pages(exports.open("*.jsonl", format="jsonl"), limit=limit)
            exports.close()

        assert [fault for page in read for fault in page.faults] == []
        assert [dict(r.data) for page in read for r in page.records] == [{**v, "k": k} for k, v in items.items()]

    def test_keeps_decimals_exact(self, exports: Exports) -> None:
        exports.write("1.jsonl", '{"k": 1, "price": 0.1000000000000000055511151231257827, "n": 12345678901234567890}\n')

        [record] = records(exports.open("*.jsonl", format="jsonl"))

        assert record.data["price"] == Decimal("0.1000000000000000055511151231257827")
        assert record.data["n"] == 12345678901234567890

    def test_faults_name_line_and_column(self, exports: Exports) -> None:
        exports.write(
            "1.jsonl",
            b'{"k": 1, "v": 2}\n{"k": 2,}\n\n[1]\n{"k": true}\n{"a": 1}\n{"k": "", "a": 1}\n{"k": "\xff"}\n'
            b'{"k": "9", "a": {"b": ["\\ud800"]}}\n{"k": "10", "a": "\\u0000"}\n{"k": 11, "a": NaN}\n'
            b'{"k": 1}\n{"k": "13", "a": "\\ud83d\\ude00"}\n' + b"[" * 100_000 + b"\n",
        )
        opened = exports.open("*.jsonl", format="jsonl", version="v")

        assert records(opened) == [Record("1", {"k": 1, "v": 2}, "2"), Record("13", {"k": "13", "a": "😀"})]
        found = faults(opened)
        assert [where for where, _ in found] == [
            "1.jsonl line 2 column 9",
            "1.jsonl line 4",
            "1.jsonl line 5 (k)",
            "1.jsonl line 6 (k)",
            "1.jsonl line 7 (k)",
            "1.jsonl line 8 column 8",
            "1.jsonl line 9 (a)",
            "1.jsonl line 10 (a)",
            "1.jsonl line 11",
            "1.jsonl line 14",
            "1.jsonl line 12",
        ]

    def test_is_no_array(self, exports: Exports) -> None:
        exports.write("1.jsonl", '[{"k": 1},\n {"k": 2}]')

        assert len(faults(exports.open("*.jsonl", format="jsonl"))) == 2


def spelled(value: Any, escape: bool) -> str:
    """JSON with exact decimals, with or without escapes."""
    if isinstance(value, dict):
        fields = (f"{json.dumps(name, ensure_ascii=escape)}: {spelled(inner, escape)}" for name, inner in value.items())
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(spelled(item, escape) for item in value) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}" if "." in f"{value:f}" else f"{value:f}.0"
    return json.dumps(value, ensure_ascii=escape)
