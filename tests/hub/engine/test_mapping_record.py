"""One record becomes an image, is excluded, or is rejected with every reason; nothing is raised."""

from decimal import Decimal
from typing import Any

import pytest

from hub.engine.mapping import Excluded, Mapped, Problem, Rejected, compile_mapping
from hub.sdk import Record

ANY = [{"path": "in"}]


def mapped(rule: dict[str, Any], data: dict[str, Any], **body: Any) -> Mapped | Excluded | Rejected:
    return compile_mapping({"fields": {"out": rule}, **body}).map_record(Record("1", data))


class TestAbsence:
    def test_a_missing_value_is_not_written(self) -> None:
        assert mapped({"steps": ANY}, {}) == Mapped({})

    def test_a_missing_value_is_written_as_null_when_told_to(self) -> None:
        assert mapped({"steps": ANY, "missing": "null"}, {}) == Mapped({"out": None})

    def test_null_stays_null(self) -> None:
        assert mapped({"steps": [*ANY, {"trim": True}]}, {"in": None}) == Mapped({"out": None})

    def test_null_is_left_out_when_told_to(self) -> None:
        assert mapped({"steps": ANY, "null": "omit"}, {"in": None}) == Mapped({})

    def test_null_is_refused_when_told_to(self) -> None:
        assert mapped({"steps": ANY, "null": "refuse"}, {"in": None}) == Rejected(
            (Problem("out", "missing_value", "out: null is not accepted, but in is null"),)  # type: ignore[arg-type]
        )

    @pytest.mark.parametrize(("data", "what"), [({}, "missing"), ({"in": None}, "null"), ({"in": "  "}, "empty")])
    def test_a_required_value_must_be_there(self, data: dict[str, Any], what: str) -> None:
        result = mapped({"steps": [*ANY, {"trim": True}], "required": True}, data)

        assert isinstance(result, Rejected)
        assert result.problems[0].kind == "missing_value"
        assert result.problems[0].message == f"out: a value is required, but in, trimmed is {what}"

    def test_empty_text_is_a_value_unless_required(self) -> None:
        assert mapped({"steps": ANY}, {"in": ""}) == Mapped({"out": ""})


class TestFilter:
    BODY = {"filter": {"steps": [{"path": "active"}]}}

    def test_lets_a_record_in(self) -> None:
        assert mapped({"steps": ANY}, {"in": 1, "active": True}, **self.BODY) == Mapped({"out": 1})

    @pytest.mark.parametrize("data", [{"active": False}, {"active": None}, {}])
    def test_excludes_a_record_with_its_reason(self, data: dict[str, Any]) -> None:
        assert mapped({"steps": ANY}, data, **self.BODY) == Excluded("the filter does not hold: active")

    def test_rejects_a_record_it_cannot_decide(self) -> None:
        result = mapped({"steps": ANY}, {"active": "yes"}, **self.BODY)

        assert isinstance(result, Rejected)
        assert result.problems[0].message == "filter: “yes” is not true or false, as the condition “active” must be"

    def test_may_be_an_expression(self) -> None:
        body = {"filter": {"jsonata": 'status in ["open", "new"]'}}

        assert mapped({"steps": ANY}, {"in": 1, "status": "new"}, **body) == Mapped({"out": 1})
        assert isinstance(mapped({"steps": ANY}, {"status": "gone"}, **body), Excluded)


class TestReferences:
    RULE = {"steps": ANY, "reference": "customers"}

    @pytest.mark.parametrize(
        ("key", "text"), [("C-1", "C-1"), (12345678901234567890, "12345678901234567890"), (Decimal("7"), "7")]
    )
    def test_are_handed_to_the_caller(self, key: Any, text: str) -> None:
        assert mapped(self.RULE, {"in": key}) == Mapped({}, {"out": ("customers", text)})

    @pytest.mark.parametrize("key", [None, ""])
    def test_to_nothing_are_null(self, key: Any) -> None:
        assert mapped(self.RULE, {"in": key}) == Mapped({"out": None})

    def test_to_nothing_are_left_out_when_told_to(self) -> None:
        assert mapped({**self.RULE, "null": "omit"}, {"in": ""}) == Mapped({})

    @pytest.mark.parametrize("key", [True, [1], 1.5, "a\0"])
    def test_refuse_what_is_no_key(self, key: Any) -> None:
        assert isinstance(mapped(self.RULE, {"in": key}), Rejected)


class TestProblems:
    def test_are_reported_together(self) -> None:
        body = {
            "fields": {
                "name": {"steps": [{"path": "name"}], "required": True},
                "limit": {"steps": [{"path": "limit"}, {"decimal": True}]},
                "good": {"steps": [{"path": "good"}]},
            }
        }
        result = compile_mapping(body).map_record(Record("1", {"limit": "much", "good": 1}))

        assert isinstance(result, Rejected)
        assert [problem.message for problem in result.problems] == [
            "name: a value is required, but name is missing",
            "limit: “much” is not a number like -1234.50",
        ]

    def test_show_only_the_beginning_of_a_long_value(self) -> None:
        result = mapped({"steps": [*ANY, {"decimal": True}]}, {"in": "x" * 500})

        assert isinstance(result, Rejected)
        assert len(result.problems[0].message) < 120

    @pytest.mark.parametrize(
        "bad",
        [
            "a\0b",
            "\ud800",
            float("nan"),
            Decimal("NaN"),
            Decimal("1E+5000"),
            b"x",
            {1, 2},
            {"a": ["\0"]},
            {"a\0": 1},
            {"a": float("inf")},
            {1: 2},
        ],
    )
    def test_name_what_no_destination_can_hold(self, bad: Any) -> None:
        result = mapped({"steps": ANY}, {"in": bad})

        assert isinstance(result, Rejected)
        assert result.problems[0].kind == "invalid_value"
        assert result.problems[0].message.encode()

    def test_of_a_record_that_breaks_when_it_is_read_stay_its_own(self) -> None:
        class Broken(dict[str, Any]):
            def get(self, key: str, default: Any = None) -> Any:
                raise LookupError(key)

        result = mapped({"steps": ANY}, Broken())

        assert isinstance(result, Rejected)
        assert result.problems[0].message == "out: the rule cannot take this value (LookupError: in)"

    def test_name_an_abyss(self) -> None:
        abyss: Any = 1
        for _ in range(5_000):
            abyss = [abyss]

        result = mapped({"steps": ANY}, {"in": abyss})

        assert isinstance(result, Rejected)
        assert "64 levels deep are allowed" in result.problems[0].message

    def test_pass_sound_values_through_untouched(self) -> None:
        value = {"id": 12345678901234567890, "price": Decimal("0.10"), "list": [1.5, None, "é"]}

        assert mapped({"steps": ANY}, {"in": value}) == Mapped({"out": value})
