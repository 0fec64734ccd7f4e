"""JSON travels without rounding, whichever of the two decoders and encoders takes it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.http import decode, encode
from hub.sdk import RecordError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class TestDecode:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b"12.50", Decimal("12.50")),
            (b'{"a": [{"b": 1e3}]}', {"a": [{"b": Decimal("1E+3")}]}),
            (b"123456789012345678901234", 123456789012345678901234),
            (b"-9223372036854775809", -9223372036854775809),
            (b"1E400", Decimal("1E+400")),
            (b'"\\ud800"', "\ud800"),
            ('{"ä": 1}'.encode("utf-16"), {"ä": 1}),
        ],
    )
    def test_keeps_every_digit_and_letter(self, text: bytes, value: Any) -> None:
        assert decode(text) == value

    @pytest.mark.parametrize("text", [b"", b"NaN", b"[1,", b"{'a': 1}", b"[" * 100_000])
    def test_refuses_what_is_not_json(self, text: bytes) -> None:
        with pytest.raises(ValueError, match=r".*"):
            decode(text)

    @given(st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=5), max_size=5))
    def test_reads_what_the_standard_library_reads(self, value: Any) -> None:
        text = json.dumps(value).encode()

        assert decode(text) == json.loads(text)


class TestEncode:
    @given(JSON)
    def test_is_undone_by_decoding(self, value: Any) -> None:
        try:
            body = encode(value)
        except RecordError:
            return  # half characters
        assert decode(body) == value

    @pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}, {"a": object()}, {"a": "\ud800"}])
    def test_refuses_what_has_no_json_form(self, value: Any) -> None:
        with pytest.raises(RecordError):
            encode(value)
