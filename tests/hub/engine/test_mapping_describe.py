"""A mapping reads aloud in plain English, whatever steps it uses."""

import json
from typing import Any

import pytest

from hub.engine.mapping import MappingError, describe, describe_filter
from hub.engine.mapping.steps import STEPS

EVERY_STEP: dict[str, tuple[list[Any], str]] = {
    "path": ([{"path": "a.b", "default": 0}], "a.b (if missing: 0)"),
    "constant": ([{"constant": "x"}], "“x”"),
    "value": (
        [{"path": "a"}, {"if": {"when": {"empty": True}, "then": 0, "else": {"value": True}}}],
        "a, 0 if is empty, else the value so far",
    ),
    "concat": ([{"concat": [{"path": "city"}, ", ", {"path": "country"}]}], "city + “, ” + country"),
    "object": ([{"object": {"b": {"path": "a"}, "c": 1}}], "an object of b: a; c: 1"),
    "text": ([{"path": "a"}, {"text": True}], "a, as text"),
    "trim": ([{"path": "a"}, {"trim": True}], "a, trimmed"),
    "case": ([{"path": "a"}, {"case": "upper"}], "a, in upper case"),
    "replace": ([{"path": "a"}, {"replace": {"find": "x", "with": "y"}}], "a, with “x” replaced by “y”"),
    "substring": ([{"path": "a"}, {"substring": {"from": 0, "length": 3}}], "a, 3 characters from character 1"),
    "pad": ([{"path": "a"}, {"pad": {"length": 5, "with": "0"}}], "a, filled up to 5 characters with “0” on the left"),
    "max_length": ([{"path": "a"}, {"max_length": 80}], "a, at most 80 characters"),
    "keep": ([{"path": "a"}, {"keep": "digits"}], "a, only its digits"),
    "split": ([{"path": "a"}, {"split": ","}], "a, split at “,”"),
    "join": ([{"path": "a"}, {"join": ", "}], "a, joined with “, ”"),
    "boolean": ([{"path": "a"}, {"boolean": {"true": ["J"], "false": ["N"]}}], "a, as true (J) or false (N)"),
    "decimal": ([{"path": "a"}, {"decimal": {"places": 2}}], "a, as a number with 2 decimal places, rounded half up"),
    "integer": ([{"path": "a"}, {"integer": True}], "a, as a whole number"),
    "add": ([{"path": "a"}, {"add": {"path": "b"}}], "a, plus b"),
    "subtract": ([{"path": "a"}, {"subtract": 1}], "a, minus 1"),
    "multiply": ([{"path": "a"}, {"multiply": "1.19"}], "a, times “1.19”"),
    "divide": (
        [{"path": "a"}, {"divide": {"by": 3, "places": 2}}],
        "a, divided by 3 (2 decimal places, rounded half up)",
    ),
    "round": (
        [{"path": "a"}, {"round": {"places": 0, "rounding": "refuse"}}],
        "a, with 0 decimal places, refused when it has more",
    ),
    "scale": ([{"path": "a"}, {"scale": -2}], "a, with the decimal point moved 2 to the left"),
    "date": (
        [{"path": "a"}, {"date": {"format": "%d.%m.%Y", "zone": "Europe/Berlin"}}],
        "a, as a date written %d.%m.%Y in Europe/Berlin",
    ),
    "format_date": ([{"path": "a"}, {"date": True}, {"format_date": "%Y%m%d"}], "a, as a date, written %Y%m%d"),
    "add_days": ([{"path": "a"}, {"date": True}, {"add_days": -1}], "a, as a date, 1 days earlier"),
    "first": ([{"path": "a"}, {"first": True}], "a, the first"),
    "last": ([{"path": "a"}, {"last": True}], "a, the last"),
    "item": ([{"path": "a"}, {"item": -2}], "a, item 2 from the end"),
    "count": ([{"path": "a"}, {"count": True}], "a, counted"),
    "sum": ([{"path": "a"}, {"sum": [{"path": "n"}, {"multiply": {"path": "p"}}]}], "a, the sum of n, times p"),
    "each": ([{"path": "a"}, {"each": {"object": {"sku": {"path": "s"}}}}], "a, each as an object of sku: s"),
    "where": ([{"path": "a"}, {"where": {"path": "n", "more_than": 1}}], "a, those where n is more than 1"),
    "sort": ([{"path": "a"}, {"sort": True}], "a, sorted"),
    "distinct": ([{"path": "a"}, {"distinct": True}], "a, each once"),
    "get": ([{"path": "a"}, {"first": True}, {"get": "b"}], "a, the first, its b"),
    "lookup": ([{"path": "a"}, {"lookup": {"map": "m", "default": "en"}}], "a, by the value map m (otherwise “en”)"),
    "default": ([{"path": "a"}, {"default": {"path": "b"}}], "a, or b when there is none"),
    "when_empty": ([{"path": "a"}, {"when_empty": "x"}], "a, or “x” when empty"),
    "null_if": ([{"path": "a"}, {"null_if": ["", "N/A"]}], "a, null if “” or “N/A”"),
    "if": (
        [{"if": {"when": {"path": "c", "equals": "DE"}, "then": "19", "else": "0"}}],
        "“19” if c is “DE”, else “0”",
    ),
    "equals": ([{"path": "a"}, {"equals": True}], "a is true"),
    "not_equals": ([{"path": "a"}, {"not_equals": None}], "a is not null"),
    "in": ([{"path": "a"}, {"in": [1, "x"]}], "a is one of 1, “x”"),
    "not_in": ([{"path": "a"}, {"not_in": [1, 2]}], "a is none of 1, 2"),
    "exists": ([{"path": "a"}, {"exists": True}], "a has a value"),
    "empty": ([{"path": "a"}, {"empty": False}], "a is not empty"),
    "starts_with": ([{"path": "a"}, {"starts_with": "x"}], "a starts with “x”"),
    "ends_with": ([{"path": "a"}, {"ends_with": "x"}], "a ends with “x”"),
    "contains": ([{"path": "a"}, {"contains": "x"}], "a contains “x”"),
    "at_least": ([{"path": "a"}, {"at_least": 5}], "a is at least 5"),
    "at_most": ([{"path": "a"}, {"at_most": {"path": "b"}}], "a is at most b"),
    "more_than": ([{"path": "a"}, {"more_than": 5}], "a is more than 5"),
    "less_than": ([{"path": "a"}, {"less_than": 5}], "a is less than 5"),
    "all": ([{"all": [{"path": "a", "equals": 1}, {"path": "b"}]}], "(a is 1 and b)"),
    "any": ([{"any": [{"path": "a"}, {"path": "b"}]}], "(a or b)"),
    "not": ([{"not": {"path": "a", "empty": True}}], "not (a is empty)"),
}


def sentence(rule: dict[str, Any]) -> str:
    return describe({"fields": {"out": rule}, "value_maps": {"m": {}}})[0][1]


class TestDescribe:
    @pytest.mark.parametrize("name", sorted(STEPS))
    def test_has_words_for_every_step(self, name: str) -> None:
        steps, words = EVERY_STEP[name]

        assert f'"{name}":' in json.dumps(steps)
        assert sentence({"steps": steps}) == f"out ← {words}"

    @pytest.mark.parametrize(
        ("extra", "words"),
        [
            ({"required": True}, ", required"),
            ({"missing": "null"}, ", null when missing"),
            ({"null": "omit"}, ", left out when null"),
            ({"null": "refuse"}, ", refused when null"),
            ({"reference": "customers"}, ", as the record linked by the mapping customers"),
        ],
    )
    def test_has_words_for_every_rule_about_absence(self, extra: dict[str, Any], words: str) -> None:
        assert sentence({"steps": [{"path": "a"}], **extra}) == f"out ← a{words}"

    def test_shows_an_expression_and_what_it_is_meant_to_be(self) -> None:
        assert sentence({"jsonata": "a * 2", "as": "decimal(2)"}) == (
            "out ← the expression “a * 2”, as a number with 2 decimal places, rounded half up"
        )

    def test_names_the_fields_in_their_order(self) -> None:
        body = {"fields": {"b": {"steps": [{"path": "x"}]}, "a": {"steps": [{"path": "y"}]}}}

        assert describe(body) == [("b", "b ← x"), ("a", "a ← y")]

    def test_says_which_records_are_meant(self) -> None:
        fields = {"a": {"steps": [{"path": "a"}]}}

        assert (
            describe_filter({"fields": fields, "filter": {"steps": [{"path": "active"}]}})
            == "only records where active"
        )
        assert describe_filter({"fields": fields}) == ""

    def test_refuses_a_wrong_body_as_compiling_does(self) -> None:
        with pytest.raises(MappingError):
            describe({"fields": {}})
