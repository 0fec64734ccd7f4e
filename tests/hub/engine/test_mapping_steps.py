"""Steps that find, choose, ask and walk through lists do what their names say."""

from decimal import Decimal
from typing import Any

import pytest

from hub.engine.mapping import Rejected
from tests.hub.engine.one_field import ABSENT, after, exactly, outcome, refusal, value

D = Decimal


class TestSources:
    def test_a_path_reaches_into_objects_and_lists(self) -> None:
        data = {"a": {"b.c": 1, "list": [{"x": 5}, {"x": 6}]}}

        paths: list[Any] = ["a.list.0.x", "a.list[-1].x", ["a", "b.c"]]
        found = [outcome([{"path": path}], data).image["out"] for path in paths]  # type: ignore[union-attr]

        assert found == [5, 6, 1]

    @pytest.mark.parametrize("path", ["a.x", "a.list.7", "a.list.one", "a.text.length", "a.list.²"])
    def test_a_path_that_leads_nowhere_is_missing(self, path: str) -> None:
        data = {"a": {"list": [1], "text": "abc"}}

        assert outcome([{"path": path}], data).image == {}  # type: ignore[union-attr]

    def test_a_default_stands_in_for_missing_but_not_for_null(self) -> None:
        assert value([{"path": "nowhere", "default": "x"}]) == "x"
        assert value([{"path": "in", "default": "x"}], None) is None

    def test_concat_skips_what_has_no_value(self) -> None:
        steps = [{"concat": [{"path": "in"}, {"path": "nowhere"}, "!"], "separator": "-"}]

        assert value(steps, "a") == "a-!"

    def test_concat_is_missing_when_nothing_comes_from_the_record(self) -> None:
        assert value([{"concat": [{"path": "nowhere"}, ", "]}]) is ABSENT

    def test_concat_refuses_a_gap_when_told_to(self) -> None:
        steps = [{"concat": {"parts": [{"path": "in"}, {"path": "nowhere"}], "missing": "refuse"}}]

        assert refusal(steps, "a") == "out: nowhere has no value to put together"

    def test_concat_writes_numbers_plainly(self) -> None:
        assert value([{"concat": [{"path": "in"}, "/", 7]}], D("1E+2")) == "100/7"

    def test_an_object_is_built_of_what_is_there(self) -> None:
        steps = [{"object": {"a": {"path": "in"}, "b": {"path": "nowhere"}, "c": [{"path": "in"}, {"case": "upper"}]}}]

        assert value(steps, "x") == {"a": "x", "c": "X"}


class TestLists:
    @pytest.mark.parametrize(
        ("step", "given", "expected"),
        [
            ({"first": True}, [1, 2], 1),
            ({"last": True}, [1, 2], 2),
            ({"item": -2}, [1, 2], 1),
            ({"item": 5}, [1, 2], ABSENT),
            ({"first": True}, [], ABSENT),
            ({"count": True}, [None, None], 2),
            ({"sum": True}, ["0.1", D("0.2"), 0.3], D("0.6")),
            ({"sort": True}, ["b", "a", 3], [3, "a", "b"]),
            ({"sort": "number"}, ["10", 9], [9, "10"]),
            ({"distinct": True}, ["a", 1, "a", "1"], ["a", 1, "1"]),
            ({"each": [{"trim": True}]}, [" a", "b "], ["a", "b"]),
            ({"get": "a.0"}, {"a": ["x"]}, "x"),
        ],
    )
    def test_work_on_lists(self, step: dict[str, Any], given: Any, expected: Any) -> None:
        assert value(after(step), given) == expected

    def test_sum_of_products_is_exact(self) -> None:
        lines = [{"quantity": 3, "price": "0.10"}, {"quantity": "2.5", "price": D("0.2")}]
        steps = after({"sum": [{"path": "quantity"}, {"multiply": {"path": "price"}}]})

        assert exactly(value(steps, lines), D("0.80"))

    def test_sum_refuses_an_item_without_number(self) -> None:
        steps = after({"sum": {"path": "price"}})

        assert refusal(steps, [{"price": 1}, {}]) == "out: item 2 has no price to add up"

    def test_each_reshapes_every_item(self) -> None:
        steps = after({"each": {"object": {"sku": {"path": "code"}, "n": [{"path": "qty"}, {"integer": True}]}}})

        assert value(steps, [{"code": "a", "qty": "2"}, {"code": "b"}]) == [{"sku": "a", "n": 2}, {"sku": "b"}]

    def test_where_keeps_items_that_meet_a_condition(self) -> None:
        steps = after({"where": {"path": "qty", "more_than": 1}}, {"count": True})

        assert value(steps, [{"qty": 2}, {"qty": "1"}, {}]) == 1

    def test_refuse_what_is_no_list(self) -> None:
        assert refusal(after({"count": True}), "abc") == "out: “abc” is not a list"

    def test_refuse_a_list_that_is_too_long(self) -> None:
        assert "at most 10000 are allowed" in refusal(after({"count": True}), [0] * 10_001)

    def test_refuse_to_build_a_list_of_too_much_text(self) -> None:
        steps = after({"each": {"concat": [{"constant": "x" * 10_000}, {"value": True}]}})

        assert "would hold more than" in refusal(steps, ["y"] * 10_000)


class TestChoices:
    MAPS = {"value_maps": {"languages": {"de": "de_DE", "true": 1, "1": "one"}}}

    @pytest.mark.parametrize(
        ("given", "expected"), [("de", "de_DE"), (True, 1), (1, "one"), (D("1"), "one"), (None, None)]
    )
    def test_a_value_map_translates(self, given: Any, expected: Any) -> None:
        assert value(after({"lookup": "languages"}), given, **self.MAPS) == expected

    def test_an_unmapped_value_names_value_and_map(self) -> None:
        result = outcome(after({"lookup": "languages"}), {"in": "fr"}, **self.MAPS)

        assert isinstance(result, Rejected)
        assert result.problems[0].kind == "unmapped_value"
        assert result.problems[0].message.startswith("out: “fr” is not in the value map “languages”; add it")

    @pytest.mark.parametrize(
        ("options", "expected"), [({"default": "en"}, "en"), ({"default": None}, None), ({"unmapped": "keep"}, "fr")]
    )
    def test_an_unmapped_value_may_have_a_substitute(self, options: dict[str, Any], expected: Any) -> None:
        assert value(after({"lookup": {"map": "languages", **options}}), "fr", **self.MAPS) == expected

    @pytest.mark.parametrize(
        ("step", "given", "expected"),
        [
            ({"default": "x"}, None, "x"),
            ({"default": "x"}, "", ""),
            ({"when_empty": {"constant": []}}, "  ", []),
            ({"when_empty": "x"}, [], "x"),
            ({"when_empty": "x"}, 0, 0),
            ({"null_if": ["", "N/A", 0]}, "N/A", None),
            ({"null_if": ["", "N/A", 0]}, False, False),
            ({"if": {"when": {"equals": "a"}, "then": "is a"}}, "b", "b"),
            ({"if": {"when": {"equals": "a"}, "then": "is a", "else": [{"case": "upper"}]}}, "b", "B"),
            ({"equals": 1}, True, False),
            ({"equals": 1}, D("1.0"), True),
            ({"equals": {"path": "in"}}, "x", True),
            ({"not_equals": "x"}, None, True),
            ({"in": ["a", 1]}, 1.0, True),
            ({"not_in": ["a", 1]}, "1", True),
            ({"exists": True}, None, False),
            ({"empty": True}, {}, True),
            ({"starts_with": "a"}, "abc", True),
            ({"ends_with": "a"}, "abc", False),
            ({"contains": "5"}, 152, True),
            ({"contains": "5"}, None, False),
            ({"at_least": "10"}, "9.99", False),
            ({"at_most": 10}, D("10.00"), True),
            ({"less_than": 10}, None, False),
            ({"all": [{"starts_with": "a"}, {"ends_with": "c"}]}, "abc", True),
            ({"any": [{"equals": 1}, {"equals": 2}]}, 3, False),
            ({"not": {"equals": 1}}, 3, True),
        ],
    )
    def test_choose_and_test(self, step: dict[str, Any], given: Any, expected: Any) -> None:
        assert exactly(value(after(step), given), expected)

    def test_dates_are_compared_as_dates(self) -> None:
        limit = [{"constant": "2026-01-01"}, {"date": True}]

        assert value(after({"date": True}, {"less_than": limit}), "2025-12-31") is True
        assert "comparable" in refusal(after({"date": True}, {"less_than": 5}), "2025-12-31")

    def test_a_condition_beside_a_path_reads_the_record(self) -> None:
        steps = [{"if": {"when": {"path": "in", "in": ["DE", "AT"]}, "then": "19", "else": "0"}}]

        assert (value(steps, "AT"), value(steps, "FR")) == ("19", "0")

    def test_a_condition_refuses_what_is_neither_true_nor_false(self) -> None:
        steps = [{"if": {"when": {"path": "in"}, "then": 1, "else": 2}}]

        assert "“yes” is not true or false" in refusal(steps, "yes")
