"""A wrong mapping body is refused with every wrong place named, and a right one has a stable identity."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.engine.canonical import digest
from hub.engine.mapping import ENGINE_VERSION, MappingError, compile_mapping
from hub.engine.mapping.steps import STEPS
from hub.sdk import ConfigError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def findings(body: Any) -> tuple[str, ...]:
    with pytest.raises(MappingError) as caught:
        compile_mapping(body)
    return caught.value.findings


def findings_of(*steps: Any) -> tuple[str, ...]:
    """What is wrong with these steps behind a path."""
    return findings({"fields": {"out": {"steps": [{"path": "in"}, *steps]}}})


class TestFindings:
    def test_name_every_wrong_place_and_its_cure_together(self) -> None:
        body = {
            "fields": {
                "lang": {"steps": [{"path": "language"}, {"lookup": "langs"}]},
                "name": {"steps": [{"path": "name"}, {"trmi": True}], "requierd": True},
                "sum": {"jsonata": "a.("},
            },
            "value_maps": {"languages": {"de": "de_DE"}},
            "match": ["code"],
            "filters": {},
        }

        assert findings(body) == (
            "there is no “filters” here; did you mean “filter”?",
            "fields.lang.steps[1].lookup: there is no value map “langs”; known: languages",
            "fields.name: there is no “requierd” here; did you mean “required”?",
            "fields.name.steps[1]: there is no “trmi” here; did you mean “trim”?",
            "fields.sum.jsonata: is not a JSONata expression: S0207: Unexpected end of expression",
            "match: there is no “code” here; known: lang, name, sum",
        )

    def test_are_a_config_error_with_a_stable_code(self) -> None:
        with pytest.raises(ConfigError) as caught:
            compile_mapping({})

        assert caught.value.code == "mapping"
        assert str(caught.value) == "fields: null is not an object\nfields: names no destination field"

    @pytest.mark.parametrize(
        ("steps", "finding"),
        [
            ([], "fields.out.steps: needs a list of steps"),
            ([{"trim": True}], "fields.out.steps[0]: “trim” needs a value before it; start with one of"),
            ([{"path": ""}], "fields.out.steps[0].path: needs a path, like “address.city”; “” is none"),
            ([{"path": "a"}, {"path": "b"}], "would throw away what came before it (a)"),
            ([{"path": "a"}, "trim"], "fields.out.steps[1]: “trim” is not a step"),
            ([{"path": "a", "trim": True}], "fields.out.steps[0]: path and trim are several steps"),
            ([{"jsonata": "a"}], "“jsonata” stands beside “steps”"),
            ([{"constant": "a\0"}], "contains a NUL character"),
        ],
    )
    def test_explain_a_broken_chain(self, steps: list[Any], finding: str) -> None:
        assert finding in findings({"fields": {"out": {"steps": steps}}})[0]

    @pytest.mark.parametrize(
        ("step", "finding"),
        [
            ({"trim": "up"}, "steps[1].trim: “side” must be one of both, left, right; “up” is none of them"),
            ({"max_length": 0}, "“length”, a whole number from 1 to 1048576; 0 is none"),
            ({"max_length": {"lenght": 5}}, "there is no “lenght” here; did you mean “length”?"),
            ({"pad": {"length": 5000}}, "from 1 to 1000; 5000 is none"),
            ({"pad": {"length": 5, "with": "ab"}}, "“with” must be one character"),
            ({"replace": {"find": ""}}, "needs “find”, a text of 1 to 1000 characters"),
            ({"decimal": 2}, "takes no value: write true in place of 2"),
            ({"decimal": {"rounding": "half_up"}}, "“rounding” needs “places”"),
            ({"decimal": {"places": 2, "rounding": "bankers"}}, "“rounding” must be one of half_up"),
            ({"decimal": {"decimal_separator": ",", "group_separator": ","}}, "must differ"),
            ({"date": {"format": "%d. %B %Y"}}, "“%B” in “%d. %B %Y” is not offered; offered: %%"),
            ({"date": {"format": "%H:%M"}}, "“%H:%M” does not name a day"),
            ({"date": {"format": "%d.%d.%m.%Y"}}, "names a part twice"),
            ({"date": {"zone": "Mars/North"}}, "there is no time zone “Mars/North”"),
            ({"date": {"zone": "../../etc/passwd"}}, "there is no time zone"),
            ({"lookup": {"map": "m", "default": 1, "unmapped": "keep"}}, "there is no value map “m”; known: none"),
            ({"boolean": {"true": ["x"], "false": ["X"]}}, "cannot mean both true and false"),
            ({"if": {"then": 1}}, "steps[1].if.when: needs a condition"),
            ({"in": "abc"}, "needs a list; “abc” is none"),
            ({"exists": "yes"}, "must be true or false"),
            ({"each": {"trmi": True}}, "steps[1].each: there is no “trmi” here"),
            ({"where": {"trim": True}}, "gives text, but a condition must give true or false"),
            ({"concat": []}, "would throw away what came before it"),
        ],
    )
    def test_explain_a_wrong_option(self, step: dict[str, Any], finding: str) -> None:
        assert finding in "\n".join(findings_of(step))

    def test_see_that_steps_do_not_fit_each_other(self) -> None:
        assert findings_of({"decimal": True}, {"join": ","}) == (
            "fields.out.steps[2]: “join” takes a list, but before it there is a number",
        )

    @pytest.mark.parametrize(
        ("rule", "finding"),
        [
            ({"steps": [{"path": "a"}], "missing": "drop"}, "fields.out.missing: must be one of omit, null"),
            ({"steps": [{"path": "a"}], "required": "yes"}, "fields.out.required: must be true or false"),
            ({"steps": [{"path": "a"}], "reference": ""}, "fields.out.reference: must name a mapping"),
            ({"steps": [{"path": "a"}], "as": "text"}, "fields.out.as: belongs to “jsonata”"),
            ({"jsonata": "a", "as": "money"}, "fields.out.as: “money” is none of decimal, decimal(2)"),
            ({"jsonata": "$now()"}, "fields.out.jsonata: uses $now, which is switched off here"),
            ({"jsonata": 5}, "fields.out.jsonata: is not a JSONata expression"),
            ({"jsonata": "a" * 10_001}, "at most 10000 are allowed"),
            ([], "fields.out: a list of 0 is not an object"),
        ],
    )
    def test_explain_a_wrong_field_rule(self, rule: Any, finding: str) -> None:
        assert finding in "\n".join(findings({"fields": {"out": rule}}))

    def test_refuse_more_than_any_mapping_needs(self) -> None:
        deep: Any = {"path": "a"}
        for _ in range(30):
            deep = {"concat": [deep]}
        many = {"steps": [{"path": "a"}, *[{"trim": True}] * 50]}
        fields = {str(at): {"steps": [{"path": "a"}]} for at in range(501)}
        busy = {str(at): {"steps": [{"path": "a"}, *[{"trim": True}] * 49]} for at in range(101)}

        assert "nested more than 12 levels deep" in findings({"fields": {"out": {"steps": [deep]}}})[0]
        assert "has 51 steps; at most 50 are allowed" in findings({"fields": {"out": many}})[0]
        assert "names 501 fields; at most 500" in findings({"fields": fields})[0]
        assert "a mapping may have 5000 in all" in findings({"fields": busy})[0]

    @given(JSON, JSON, JSON)
    def test_are_all_that_arbitrary_bodies_raise(self, fields: Any, rule: Any, step: Any) -> None:
        for body in (
            fields,
            {"fields": fields, "value_maps": rule},
            {"fields": {"a": rule}},
            {"fields": {"a": {"steps": [step]}}},
        ):
            try:
                compile_mapping(body)
            except MappingError as error:
                assert error.findings  # noqa: PT017  either outcome is fine, another error is not

    @given(st.sampled_from(sorted(STEPS)), JSON)
    def test_are_all_that_arbitrary_options_raise(self, name: str, option: Any) -> None:
        for steps in ([{"path": "a"}, {name: option}], [{name: option}]):
            try:
                compile_mapping({"fields": {"out": {"steps": steps}}})
            except MappingError as error:
                assert error.findings  # noqa: PT017


class TestDigest:
    BODY = {"fields": {"a": {"steps": [{"path": "x"}, {"trim": True}]}, "b": {"steps": [{"constant": 1.5}]}}}

    def test_does_not_depend_on_the_order_of_keys(self) -> None:
        turned = {"fields": dict(reversed(self.BODY["fields"].items()))}

        assert compile_mapping(turned).digest == compile_mapping(self.BODY).digest

    def test_survives_storing(self) -> None:
        assert compile_mapping(json.loads(json.dumps(self.BODY))).digest == compile_mapping(self.BODY).digest

    def test_changes_with_the_version_of_the_engine(self) -> None:
        salt = ENGINE_VERSION.encode()

        assert compile_mapping(self.BODY).digest == digest(self.BODY, salt) != digest(self.BODY)

    def test_changes_with_a_value_map(self) -> None:
        mapped = {**self.BODY, "value_maps": {"m": {"a": 1}}}

        assert compile_mapping(mapped).digest != compile_mapping(self.BODY).digest


class TestWhatItReads:
    def test_names_the_top_level_source_fields(self) -> None:
        body = {
            "filter": {"steps": [{"path": "active"}]},
            "fields": {
                "a": {"steps": [{"path": "address.city"}, {"default": {"path": "town"}}]},
                "b": {"steps": [{"path": "lines"}, {"sum": {"path": "price"}}]},
                "c": {"steps": [{"path": "owner"}], "reference": "people"},
            },
        }
        compiled = compile_mapping(body)

        assert compiled.reads == frozenset({"active", "address", "town", "lines", "owner"})
        assert compiled.references == {"people"}

    def test_is_unknown_when_an_expression_reads(self) -> None:
        assert compile_mapping({"fields": {"a": {"jsonata": "b"}}}).reads is None
