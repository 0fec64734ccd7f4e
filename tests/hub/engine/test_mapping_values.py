"""Steps for text, numbers and dates work on exact values and refuse what they cannot take."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.hub.engine.one_field import after, exactly, refusal, value

D = Decimal


class TestText:
    @pytest.mark.parametrize(
        ("step", "given", "expected"),
        [
            ({"trim": True}, "\u00a0 a ", "a"),
            ({"trim": "left"}, " a ", "a "),
            ({"case": "upper"}, "straße", "STRASSE"),
            ({"case": "sentence"}, "ABC def", "Abc def"),
            ({"replace": {"find": ".*", "with": "x"}}, "a.*b", "axb"),
            ({"replace": {"find": " "}}, "1 2 3", "123"),
            ({"substring": {"from": 1, "length": 2}}, "abcd", "bc"),
            ({"substring": {"from": -2}}, "abcd", "cd"),
            ({"pad": {"length": 5, "with": "0"}}, 42, "00042"),
            ({"pad": {"length": 3, "side": "right"}}, "a", "a  "),
            ({"max_length": 3}, "äöüß", "äöü"),
            ({"keep": "digits"}, "+49 (30) 12", "493012"),
            ({"keep": "letters_and_digits"}, "A-1 é", "A1é"),
            ({"split": ","}, "a,,b", ["a", "", "b"]),
            ({"join": ", "}, ["a", 1, None, True], "a, 1, true"),
            ({"text": True}, D("1.50"), "1.50"),
            ({"text": True}, 0.1, "0.1"),
            ({"text": True}, 12345678901234567890, "12345678901234567890"),
            ({"text": True}, date(2026, 1, 31), "2026-01-31"),
            ({"text": True}, datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00Z"),
        ],
    )
    def test_changes_text(self, step: dict[str, Any], given: Any, expected: Any) -> None:
        assert exactly(value(after(step), given), expected)

    def test_refuses_text_that_is_too_long_when_told_to(self) -> None:
        steps = after({"max_length": 3, "when_longer": "refuse"})

        assert refusal(steps, "abcd") == "out: “abcd” has 4 characters; at most 3 are accepted"

    @pytest.mark.parametrize("given", [True, [1], {"a": 1}, float("nan"), D("Infinity")])
    def test_refuses_what_has_no_plain_text(self, given: Any) -> None:
        assert "is not" in refusal(after({"trim": True}), given)

    def test_refuses_to_grow_beyond_a_mebichar(self) -> None:
        grown = after({"replace": {"find": "a", "with": "a" * 1000}})

        assert "longer than 1048576 characters" in refusal(grown, "a" * 2000)
        assert "at most 1048576 are allowed" in refusal([{"concat": [{"path": "in"}, {"path": "in"}]}], "a" * 600_000)

    @pytest.mark.parametrize(("given", "expected"), [("Ja", True), (" nein ", False), (True, True), (0, False)])
    def test_reads_yes_and_no_as_declared(self, given: Any, *, expected: bool) -> None:
        steps = after({"boolean": {"true": ["ja", "1"], "false": ["nein", "0"]}})

        assert value(steps, given) is expected

    def test_refuses_another_word_for_yes(self) -> None:
        assert "“maybe” is neither true nor false" in refusal(after({"boolean": True}), "maybe")


class TestNumbers:
    @pytest.mark.parametrize(
        ("step", "given", "expected"),
        [
            ({"decimal": True}, "0.10", D("0.10")),
            ({"decimal": {"places": 2}}, "1.005", D("1.01")),
            ({"decimal": {"places": 2, "rounding": "half_even"}}, "1.005", D("1.00")),
            ({"decimal": {"places": 2}}, 0.1, D("0.10")),
            (
                {"decimal": {"places": 2, "decimal_separator": ",", "group_separator": "."}},
                " 1.234.567,8 ",
                D("1234567.80"),
            ),
            ({"decimal": {"places": 0}}, 12345678901234567890123, D("12345678901234567890123")),
            ({"integer": True}, "12345678901234567890", 12345678901234567890),
            ({"integer": True}, D("5.00"), 5),
            ({"add": "0.2"}, "0.1", D("0.3")),
            ({"add": 0.2}, 0.1, D("0.3")),
            ({"subtract": {"path": "in"}}, "0.1", D("0.0")),
            ({"multiply": "1.19"}, "99.99", D("118.9881")),
            ({"divide": {"by": 3, "places": 2}}, "10.00", D("3.33")),
            ({"round": {"places": 1, "rounding": "down"}}, "-1.29", D("-1.2")),
            ({"scale": -2}, 12345, D("123.45")),
        ],
    )
    def test_computes_exactly(self, step: dict[str, Any], given: Any, expected: Any) -> None:
        assert exactly(value(after(step), given), expected)

    @pytest.mark.parametrize(
        "given", ["", "1,5", "1e5", "NaN", "Infinity", "1_000", "٣", "1.2.3", "--1", True, [1], "9" * 200]
    )
    def test_refuses_what_is_no_plain_number(self, given: Any) -> None:
        assert "is not" in refusal(after({"decimal": True}), given)

    def test_never_takes_a_badly_grouped_number(self) -> None:
        steps = after({"decimal": {"decimal_separator": ",", "group_separator": "."}})

        assert refusal(steps, "1.5") == "out: “1.5” is not a number like 1.234,50"

    def test_refuses_more_places_when_told_to(self) -> None:
        steps = after({"decimal": {"places": 2, "rounding": "refuse"}})

        assert refusal(steps, "1.005") == "out: 1.005 is not a number with at most 2 decimal places"

    def test_refuses_a_fraction_where_a_whole_number_is_due(self) -> None:
        assert refusal(after({"integer": True}), "1.5") == "out: “1.5” is not a whole number"

    def test_refuses_to_divide_by_zero(self) -> None:
        assert "which is zero" in refusal(after({"divide": {"by": {"constant": "0.00"}, "places": 2}}), 1)

    def test_refuses_to_calculate_with_nothing(self) -> None:
        assert refusal(after({"add": {"path": "nowhere"}}), 1) == "out: nowhere has no value to calculate with"

    def test_refuses_a_result_it_would_have_to_round(self) -> None:
        long = "1." + "1" * 99

        assert "too many digits" in refusal(after({"multiply": {"path": "in"}}, {"multiply": {"path": "in"}}), long)

    def test_refuses_a_number_of_a_million_digits(self) -> None:
        assert "is not a usable number" in refusal(after({"round": 2}), D("1E+1000000"))


class TestDates:
    @pytest.mark.parametrize(
        ("options", "given", "expected"),
        [
            (True, "2026-01-31", date(2026, 1, 31)),
            (True, "2026-01-31T23:30:00Z", date(2026, 1, 31)),
            ({"zone": "Europe/Berlin"}, "2026-01-31T23:30:00Z", date(2026, 2, 1)),
            ({"zone": "Europe/Berlin"}, "2026-01-31T23:30:00", date(2026, 1, 31)),
            ({"format": "%d.%m.%Y"}, "1.2.2024", date(2024, 2, 1)),
            ({"format": "%Y%m%d"}, "20240229", date(2024, 2, 29)),
            ({"format": "%d%m%y"}, "010269", date(1969, 2, 1)),
            ({"format": "%Y-%j"}, "2024-366", date(2024, 12, 31)),
            ({"to": "datetime", "zone": "Europe/Berlin"}, "2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
            (
                {"to": "datetime", "format": "%d.%m.%Y %H:%M", "zone": "UTC"},
                "1.2.2024 08:05",
                datetime(2024, 2, 1, 8, 5, tzinfo=UTC),
            ),
            (
                {"to": "datetime", "format": "%Y-%m-%d %H:%M:%S.%f %z"},
                "2024-02-01 08:05:06.5 +0530",
                datetime(2024, 2, 1, 2, 35, 6, 500_000, tzinfo=UTC),
            ),
            ({"to": "datetime", "format": "unix"}, "1.5", datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)),
            (
                {"to": "datetime", "format": "unix_ms"},
                1_700_000_000_123,
                datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC),
            ),
        ],
    )
    def test_reads_dates_as_declared(self, options: Any, given: Any, expected: Any) -> None:
        assert exactly(value(after({"date": options}), given), expected)

    @pytest.mark.parametrize(
        ("options", "given"),
        [
            (True, "31.01.2026"),
            (True, "2026-02-30"),
            (True, "x" * 100),
            (True, 5),
            ({"format": "%d.%m.%Y"}, "2026-01-31"),
            ({"format": "%d.%m.%Y"}, "31.6.2026"),
            ({"format": "%Y-%j"}, "2023-366"),
            ({"format": "unix"}, "1" * 20),
            ({"format": "%d%m%Y"}, "1122024"),
        ],
    )
    def test_refuses_what_is_no_such_date(self, options: Any, given: Any) -> None:
        assert "is not a" in refusal(after({"date": options}), given)

    def test_refuses_an_instant_without_zone(self) -> None:
        assert "has no time zone" in refusal(after({"date": {"to": "datetime"}}), "2026-01-31T10:00:00")

    def test_refuses_an_hour_that_clocks_skip(self) -> None:
        steps = after({"date": {"to": "datetime", "zone": "Europe/Berlin"}})

        assert "2026-03-29T02:30:00 does not exist in Europe/Berlin" in refusal(steps, "2026-03-29T02:30:00")

    def test_moves_a_skipped_hour_forward_when_told_to(self) -> None:
        steps = after({"date": {"to": "datetime", "zone": "Europe/Berlin", "nonexistent": "forward"}})

        assert value(steps, "2026-03-29T02:30:00") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 in Berlin

    def test_refuses_an_hour_that_happens_twice(self) -> None:
        steps = after({"date": {"to": "datetime", "zone": "Europe/Berlin"}})

        assert "happens twice in Europe/Berlin" in refusal(steps, "2026-10-25T02:30:00")

    @pytest.mark.parametrize(("which", "hour"), [("earlier", 0), ("later", 1)])
    def test_takes_one_of_two_hours_when_told_to(self, which: str, hour: int) -> None:
        steps = after({"date": {"to": "datetime", "zone": "Europe/Berlin", "ambiguous": which}})

        assert value(steps, "2026-10-25T02:30:00") == datetime(2026, 10, 25, hour, 30, tzinfo=UTC)

    def test_writes_dates_as_declared(self) -> None:
        instant = datetime(2026, 1, 31, 23, 5, tzinfo=UTC)

        assert (
            value(after({"format_date": {"format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}}), instant)
            == "01.02.2026 00:05"
        )
        assert value(after({"format_date": "%Y%m%d %j %%"}), date(987, 1, 2)) == "09870102 002 %"

    def test_adds_days(self) -> None:
        assert value(after({"date": True}, {"add_days": -1}), "2024-03-01") == date(2024, 2, 29)

    def test_refuses_a_day_beyond_the_calendar(self) -> None:
        assert "days away" in refusal(after({"date": True}, {"add_days": 1}), "9999-12-31")
