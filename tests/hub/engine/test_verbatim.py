"""A record as text and back: nothing that a mapping can tell apart is lost."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.engine import verbatim
from hub.sdk import Record

MOMENTS = st.datetimes(timezones=st.sampled_from([None, UTC])).map(lambda moment: moment.replace(fold=0))
JSON = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    JSON | st.decimals(allow_nan=False) | st.dates() | MOMENTS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), VALUES), st.none() | st.text(), st.booleans())
def test_any_record_comes_back_as_it_was(data: dict[str, object], version: str | None, deleted: bool) -> None:
    record = Record("k", data, version, deleted=deleted)

    found = verbatim.read(verbatim.written(record))

    assert found == record
    assert repr(found.data) == repr(record.data)


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1.50"),
        date(2026, 2, 1),
        datetime(2026, 2, 1, 12, tzinfo=UTC),
        {"$": "decimal", "is": "1"},
        "a\0b\ud800",
    ],
)
def test_no_value_turns_into_another(value: object) -> None:
    found = verbatim.read(verbatim.written(Record("k", {"it": value}))).data["it"]

    assert (type(found), found) == (type(value), value)


def test_a_text_is_plain_enough_for_any_database() -> None:
    text = verbatim.written(Record("k", {"it": "Köln\0\ud800"}))

    assert text.isascii()
    assert "\0" not in text


def test_what_is_of_no_known_kind_becomes_its_text() -> None:
    assert verbatim.read(verbatim.written(Record("k", {"at": time(9, 30)}))).data == {"at": "09:30:00"}
