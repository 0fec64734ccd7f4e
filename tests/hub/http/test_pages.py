"""Paging that ends, links that are read, and JSON that is exact."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.http import PageWalk, decode, encode, links, quote_segment
from hub.http.redact import Scrubber
from hub.http.response import Response
from hub.http.transport import WireRequest
from hub.sdk import FatalError, RecordError

PLAIN = st.none() | st.booleans() | st.integers() | st.text()


class TestPageWalk:
    """A read from page to page."""

    def test_goes_on_as_long_as_pages_are_new(self) -> None:
        walk = PageWalk()

        for number in range(100):
            walk.step({"page": number}, {"page": number + 1})

    def test_stops_at_a_page_that_names_itself(self) -> None:
        with pytest.raises(FatalError):
            PageWalk().step({"page": 1}, {"page": 1})

    def test_stops_in_a_longer_circle(self) -> None:
        walk = PageWalk()
        walk.step(None, {"page": 1})
        walk.step({"page": 1}, {"page": 2})

        with pytest.raises(FatalError):
            walk.step({"page": 2}, {"page": 1})

    def test_may_start_again_anywhere(self) -> None:
        walk = PageWalk()

        for _ in range(3):
            walk.step(None, {"page": 1})
            walk.step({"page": 1}, {"page": 2})


class TestLinks:
    """The Link header."""

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ('</a?page=2>; rel="next"', {"next": "/a?page=2"}),
            (
                '<https://x/a?b=1,2>; rel=next, <https://x/z>; rel="last"',
                {"next": "https://x/a?b=1,2", "last": "https://x/z"},
            ),
            ('</a>; title="one, rel=prev"; rel="next up"', {"next": "/a", "up": "/a"}),
            ("", {}),
            ("nonsense", {}),
        ],
    )
    def test_is_read(self, header: str, expected: dict[str, str]) -> None:
        assert links(answer({"link": header})) == expected


class TestPayload:
    """JSON in and out."""

    @given(st.decimals(allow_nan=False, allow_infinity=False))
    def test_keeps_every_digit(self, number: Decimal) -> None:
        [found] = decode(encode([number]))

        assert Decimal(found) == number

    @given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
    def test_gives_back_what_was_written(self, value: Any) -> None:
        assert decode(encode(value)) == value

    def test_cannot_be_tricked_by_text_that_looks_like_a_number(self) -> None:
        value = {"a": Decimal("1.0"), "b": 'decimal-00:1.0","x":"'}

        assert decode(encode(value)) == value

    def test_writes_times_as_text(self) -> None:
        assert encode(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == b'"2026-01-02T03:04:00+00:00"'

    @pytest.mark.parametrize("value", [float("inf"), Decimal("NaN"), object(), {1, 2}])
    def test_refuses_what_json_cannot_say(self, value: Any) -> None:
        with pytest.raises(RecordError):
            encode(value)

    @pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b"{", b"\xff", b"[" * 100_000])
    def test_refuses_to_read_what_is_no_json(self, body: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011  json's own messages differ
            decode(body)


class TestQuoteSegment:
    """A key in a path."""

    @pytest.mark.parametrize(("key", "quoted"), [("a/b", "a%2Fb"), ("ä ?", "%C3%A4%20%3F"), ("a..", "a..")])
    def test_stays_one_segment(self, key: str, quoted: str) -> None:
        assert quote_segment(key) == quoted

    @pytest.mark.parametrize("key", ["", ".", ".."])
    def test_refuses_keys_that_climb(self, key: str) -> None:
        with pytest.raises(RecordError):
            quote_segment(key)


def answer(headers: dict[str, str]) -> Response:
    """An answer with these headers."""
    request = WireRequest("GET", "http://127.0.0.1:1", "/", {}, None, 1.0, 1)
    return Response(request, 200, headers, b"", 0, Scrubber([]))
