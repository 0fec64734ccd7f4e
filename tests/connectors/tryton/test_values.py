"""What Tryton's values become in the hub, and back."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.tryton.values import from_tryton, kind_of, to_tryton
from hub.sdk import RecordError

MOMENT = {"year": 2026, "month": 11, "day": 22, "hour": 14, "minute": 17, "second": 31, "microsecond": 714340}
BOTH_WAYS = [
    ("char", "Müller", "Müller"),
    ("boolean", True, True),
    ("integer", 7, 7),
    ("float", Decimal("0.1"), Decimal("0.1")),
    ("numeric", {"__class__": "Decimal", "decimal": "2241.110"}, Decimal("2241.110")),
    ("date", {"__class__": "date", "year": 2026, "month": 2, "day": 28}, date(2026, 2, 28)),
    ("datetime", {"__class__": "datetime", **MOMENT}, datetime(2026, 11, 22, 14, 17, 31, 714340, tzinfo=UTC)),
    ("time", {"__class__": "time", "hour": 8, "minute": 30, "second": 0, "microsecond": 0}, "08:30:00"),
    ("timedelta", {"__class__": "timedelta", "seconds": Decimal("1.5")}, Decimal("1.5")),
    ("binary", {"__class__": "bytes", "base64": "aGVsbG8="}, "aGVsbG8="),
    ("many2one", 12, "12"),
    ("reference", "party.party,12", "party.party,12"),
    ("multiselection", ["a", "b"], ["a", "b"]),
    ("dict", {"size": {"__class__": "Decimal", "decimal": "1.20"}}, {"size": Decimal("1.20")}),
    ("selection", None, None),
]


class TestValues:
    @pytest.mark.parametrize(("kind", "raw", "value"), BOTH_WAYS)
    def test_come_back_as_they_went(self, kind: str, raw: Any, value: Any) -> None:
        assert from_tryton(kind, raw) == value
        assert to_tryton("field", kind, value) == raw

    def test_yes_and_no_of_sqlite_are_numbers(self) -> None:
        assert [from_tryton("boolean", raw) for raw in (1, 0, None)] == [True, False, None]

    def test_whole_seconds_are_whole(self) -> None:
        assert repr(from_tryton("timedelta", {"__class__": "timedelta", "seconds": Decimal("3600.0")})) == "3600"

    def test_long_bytes_come_in_one_line(self) -> None:
        assert from_tryton("binary", {"__class__": "bytes", "base64": "aGVs\nbG8=\n"}) == "aGVsbG8="

    def test_lists_of_links_are_keys(self) -> None:
        assert from_tryton("one2many", [3, 14]) == ["3", "14"]

    def test_times_are_sent_in_utc(self) -> None:
        cologne = timezone(timedelta(hours=1))

        sent = to_tryton("field", "datetime", datetime(2026, 11, 22, 15, 17, 31, 714340, tzinfo=cologne))

        assert sent == {"__class__": "datetime", **MOMENT}

    @pytest.mark.parametrize(
        ("kind", "value", "raw"),
        [
            ("numeric", "2241.10", {"__class__": "Decimal", "decimal": "2241.10"}),
            ("numeric", 5, {"__class__": "Decimal", "decimal": "5"}),
            ("date", "2026-02-28", {"__class__": "date", "year": 2026, "month": 2, "day": 28}),
            ("datetime", "2026-11-22T14:17:31.714340", {"__class__": "datetime", **MOMENT}),
            ("integer", Decimal("7.0"), 7),
            ("many2one", 12, 12),
        ],
    )
    def test_other_ways_of_writing_are_understood(self, kind: str, value: Any, raw: Any) -> None:
        assert to_tryton("field", kind, value) == raw

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("char", 5),
            ("boolean", "yes"),
            ("boolean", 1),
            ("integer", "7"),
            ("integer", Decimal("7.5")),
            ("integer", True),
            ("numeric", "a lot"),
            ("numeric", Decimal("NaN")),
            ("date", datetime(2026, 1, 1, tzinfo=UTC)),
            ("date", "yesterday"),
            ("many2one", "party.party,3"),
            ("many2one", True),
            ("binary", "not base64!"),
            ("multiselection", "a"),
            ("dict", []),
        ],
    )
    def test_what_tryton_would_bend_is_refused(self, kind: str, value: Any) -> None:
        with pytest.raises(RecordError, match=f"price is a {kind}") as refusal:
            to_tryton("price", kind, value)

        assert refusal.value.code == "type"

    def test_kinds_are_named_for_people_who_map(self) -> None:
        assert [kind_of(kind) for kind in ("numeric", "many2one", "timestamp", "one2many", "never-heard-of")] == [
            "decimal",
            "string",
            "datetime",
            "array",
            "string",
        ]
