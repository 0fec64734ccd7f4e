"""The body of a delivery as data, whatever was sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.engine import delivery
from hub.services.delivery.body import UnreadableError, document

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def test_a_large_number_keeps_every_digit() -> None:
    body = document("application/json", b'{"id": 123456789012345678901234567890}')

    assert delivery.keys_at("body:id", {}, body) == ["123456789012345678901234567890"]


def test_forms_are_read_too() -> None:
    assert document(FORM, b"id=7&state=paid") == {"id": "7", "state": "paid"}
    assert document(FORM, b"payload=%7B%22id%22%3A7%7D") == {"id": 7}


@pytest.mark.parametrize("body", [b"", b"<xml/>", b'{"id": 1', b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_said_to_be_so(body: bytes) -> None:
    with pytest.raises(UnreadableError, match="not JSON"):
        document("application/json", body)


@given(st.text(), st.binary())
def test_any_body_is_a_document_or_unreadable(content_type: str, body: bytes) -> None:
    try:
        found = document(content_type, body)
    except UnreadableError:
        return
    delivery.keys_at("body:*.id", {}, found)
