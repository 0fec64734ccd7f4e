"""The canonical form gives equal records equal fingerprints, and different ones different fingerprints."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.engine.canonical import canonical, differences, digest, raw_digest, to_json

TEXT = st.text(st.characters(exclude_categories=()))  # with NUL and unpaired surrogates
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXT,
    st.decimals(),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")])),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
FIELDS = st.dictionaries(TEXT, VALUES, max_size=8)
NOON = datetime(2026, 1, 31, 12, 0, 0, 500_000)  # noqa: DTZ001  a time without zone is what is tested


def abyss(depth: int, bottom: object = None) -> dict[str, object]:
    fields: dict[str, object] = {"a": bottom}
    for _ in range(depth):
        fields = {"a": fields}
    return fields


class Colour(StrEnum):
    RED = "red"


class TestCanonical:
    @pytest.mark.parametrize(
        ("value", "written"),
        [
            (Decimal("1.50"), '"1.50"'),
            (Decimal("1E+3"), '"1000"'),
            (Decimal("-0.00"), '"0.00"'),
            (Decimal("0.0000001"), '"0.0000001"'),
            (-0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (float("nan"), "null"),
            (True, "true"),
            (12345678901234567890, "12345678901234567890"),
            (10**25, '"10000000000000000000000000"'),
            (date(2026, 1, 31), '"2026-01-31"'),
            (datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))), '"2026-01-31T10:00:00Z"'),
            (NOON, '"2026-01-31T12:00:00.500000"'),
            (("a", 1), '["a",1]'),
            (Colour.RED, '"red"'),
            ("e\u0301", '"é"'),
            ("a\0b", '"a\ufffdb"'),
            ("\ud800", '"\ufffd"'),
            (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ],
    )
    def test_writes_each_kind_of_value_in_one_way(self, value: object, written: str) -> None:
        assert canonical({"a": value}) == f'{{"a":{written}}}'.encode()

    def test_does_not_fill_the_memory_with_a_number_of_a_million_zeros(self) -> None:
        assert canonical({"a": Decimal("1E+1000000")}) == b'{"a":"1E+1000000"}'

    def test_tells_null_from_missing(self) -> None:
        assert canonical({"a": None}) != canonical({})

    def test_survives_an_abyss(self) -> None:
        assert canonical(abyss(600)) == canonical(to_json(abyss(600)))


class TestDigest:
    @given(FIELDS)
    def test_does_not_depend_on_the_order_of_fields(self, fields: dict[str, object]) -> None:
        assert digest(fields) == digest(dict(reversed(fields.items())))

    @given(FIELDS)
    def test_is_the_same_after_storing_as_json(self, fields: dict[str, object]) -> None:
        stored = json.loads(json.dumps(to_json(fields)))

        assert digest(stored) == digest(fields)

    def test_is_32_hex_digits(self) -> None:
        assert len(bytes.fromhex(digest({"a": 1}))) == 16

    @pytest.mark.parametrize("salt", [b"", b"a", b"b" * 16, b"c" * 500])
    def test_takes_a_salt_of_any_length(self, salt: bytes) -> None:
        assert (digest({"a": 1}, salt) == digest({"a": 1})) is (salt == b"")

    @given(st.integers(), st.integers())
    def test_differs_when_a_value_differs(self, one: int, other: int) -> None:
        assert (digest({"a": one}) == digest({"a": other})) is (one == other)


class TestRawDigest:
    @given(FIELDS)
    def test_does_not_depend_on_the_order_of_fields(self, fields: dict[str, object]) -> None:
        assert raw_digest(fields) == raw_digest(dict(reversed(fields.items())))

    def test_sees_a_change_inside_a_nested_value(self) -> None:
        assert raw_digest({"a": [{"b": Decimal("1.0")}]}) != raw_digest({"a": [{"b": Decimal("1.1")}]})

    def test_takes_what_json_has_no_type_for(self) -> None:
        odd = {"a": b"x", "b": 2**80, "c": "\ud800", "d": MappingProxyType({"e": timedelta(1)}), "f": date(2026, 1, 1)}

        assert raw_digest(odd) == raw_digest({**odd})

    def test_sees_the_bottom_of_an_abyss(self) -> None:
        assert raw_digest(abyss(2_000, 1)) != raw_digest(abyss(2_000, 2))

    def test_tells_apart_what_only_looks_alike(self) -> None:
        odd = 2**80  # sends the record the slow way

        assert raw_digest({"a": [odd, "b"]}) != raw_digest({"a": [[odd], "b"]})

    def test_is_salted(self) -> None:
        assert raw_digest({"a": 1}, b"one") != raw_digest({"a": 1}, b"two")

    def test_is_never_taken_for_the_digest_of_an_image(self) -> None:
        assert raw_digest({"a": 1}) != digest({"a": 1})


class TestToJson:
    def test_keeps_money_exact_and_at_its_scale(self) -> None:
        assert to_json({"a": Decimal("12345678901234567890.10")}) == {"a": "12345678901234567890.10"}

    def test_leaves_plain_values_as_they_are(self) -> None:
        plain = {"a": "e\u0301", "b": 1.0, "c": [None, True, {"d": 3}]}

        assert to_json(plain) == plain

    @given(FIELDS)
    def test_is_stored_by_every_database(self, fields: dict[str, object]) -> None:
        stored = json.dumps(to_json(fields), allow_nan=False, ensure_ascii=False)

        assert "\\u0000" not in stored
        assert stored.encode().decode() == stored


class TestDifferences:
    @given(FIELDS, FIELDS)
    def test_is_empty_exactly_when_the_digests_are_equal(
        self, before: dict[str, object], after: dict[str, object]
    ) -> None:
        assert (differences(before, after) == []) is (digest(before) == digest(after))

    def test_names_changed_new_and_vanished_fields_in_order(self) -> None:
        before = {"gone": 1, "same": Decimal("1.0"), "changed": "x"}
        after = {"changed": "y", "new": None, "same": "1.0"}

        assert differences(before, after) == [("changed", "x", "y"), ("new", None, None), ("gone", 1, None)]

    def test_tells_true_from_one(self) -> None:
        assert differences({"a": 1}, {"a": True}) == [("a", 1, True)]

    def test_takes_the_same_instant_in_another_zone_as_equal(self) -> None:
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)

        assert differences({"a": noon}, {"a": noon.astimezone(timezone(timedelta(hours=5)))}) == []
