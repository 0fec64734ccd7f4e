"""The page about mappings says what is so: every example is run, every step stands in it as it is."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from hub.engine.canonical import to_json
from hub.engine.mapping import (
    Excluded,
    Mapped,
    MappingError,
    Rejected,
    compile_mapping,
    compiler,
    describe,
    describe_back,
    expression,
    steps_number,
    values,
)
from hub.engine.mapping import builder as building
from hub.engine.mapping.date_format import _WRITTEN as WRITTEN
from hub.engine.mapping.findings import Findings
from hub.engine.mapping.step import Part, StepKind
from hub.engine.mapping.steps import STEPS
from hub.engine.mapping.steps_choice import CHOICE_STEPS
from hub.engine.mapping.steps_condition import CONDITION_STEPS
from hub.engine.mapping.steps_date import DATE_STEPS
from hub.engine.mapping.steps_list import LIST_STEPS
from hub.engine.mapping.steps_number import NUMBER_STEPS
from hub.engine.mapping.steps_source import SOURCE_STEPS
from hub.engine.mapping.steps_text import TEXT_STEPS
from hub.engine.mapping.values import Kind
from hub.sdk import Record
from hub.services import preview
from tests.hub.engine.mapping_page import PAGE, Row, blocks, loads, rows, section, step_rows, value_maps

GROUPS = {
    "Sources": SOURCE_STEPS,
    "Text": TEXT_STEPS,
    "Numbers": NUMBER_STEPS,
    "Dates": DATE_STEPS,
    "Lists": LIST_STEPS,
    "Choice": CHOICE_STEPS,
    "Conditions": CONDITION_STEPS,
}
WORDS = {
    Kind.ANY: "any",
    Kind.TEXT: "text",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "true/false",
    Kind.DATE: "date",
    Kind.LIST: "list",
    Kind.OBJECT: "object",
}
LIMITS = {
    "fields of a mapping": compiler.MAX_FIELDS,
    "steps in one list": building.MAX_STEPS,
    "steps of a mapping": building.MAX_ALL_STEPS,
    "levels of nesting": building.MAX_NESTING,
    "entries of a value map": compiler.MAX_ENTRIES,
    "characters of a text that a rule builds": values.MAX_TEXT,
    "items of a list that a rule walks or builds": values.MAX_ITEMS,
    "characters of all texts in a list that a rule builds": values.MAX_WEIGHT,
    "values inside one destination field": values.MAX_NODES,
    "levels inside one destination field": values.MAX_DEPTH,
    "digits before or after the decimal point": values.MAX_SCALE,
    "characters of an expression": expression.MAX_EXPRESSION,
    "milliseconds of an expression on one record": expression.TIMEOUT,
    "levels an expression calls itself": expression.MAX_STACK,
    "items of a list in an expression": expression.MAX_SEQUENCE,
}


PROMISES = [(block.body, line) for block in blocks() for line in block.lines]
ROWS = step_rows()


def told(body: Any, data: Any) -> str:
    """What becomes of a record, in the words of the page."""
    result = compile_mapping(body).map_record(Record("1", data))
    if isinstance(result, Excluded):
        return f"left out: {result.reason}"
    if isinstance(result, Rejected):
        return "exception: " + "; ".join(problem.message for problem in result.problems)
    linked = "".join(
        f' and {name}: the record that {mapping} linked with "{key}"'
        for name, (mapping, key) in result.references.items()
    )
    return json.dumps(to_json(result.image), ensure_ascii=False) + linked


def told_back(body: Any, image: Any) -> str:
    """What the way back makes of a destination's record."""
    back = compile_mapping(body).back
    assert back
    result = back.map_record(Record("1", image))
    assert isinstance(result, Mapped)
    return json.dumps(to_json(result.image), ensure_ascii=False)


def findings(body: Any) -> tuple[str, ...]:
    with pytest.raises(MappingError) as caught:
        compile_mapping(body)
    return caught.value.findings


class TestExamples:
    def test_are_there_and_each_says_what_comes_of_it(self) -> None:
        assert len(blocks()) == PAGE.count("```json") >= 10
        assert all(block.lines for block in blocks())
        assert PAGE.count("```") == 4 * len(blocks())

    @pytest.mark.parametrize(("body", "line"), PROMISES, ids=[line[:60] for _, line in PROMISES])
    def test_come_true(self, body: Any, line: str) -> None:
        kind, _, said = line.partition(": ")
        if kind == "wrong":
            assert said in findings(body)
        elif kind == "reads":
            assert said in [sentence for _, sentence in describe(body)]
        elif kind == "reads back":
            assert said in [sentence for _, sentence in describe_back(body)]
        elif kind == "back":
            record, _, expected = said.partition(" → ")

            assert told_back(body, loads(record)) == expected
        else:
            record, _, expected = line.partition(" → ")

            assert told(body, loads(record)) == expected

    def test_of_wrong_rules_name_every_finding(self) -> None:
        wrong = [block for block in blocks() if block.lines[0].startswith("wrong: ")]

        assert wrong
        for block in wrong:
            assert {*block.lines} == {f"wrong: {finding}" for finding in findings(block.body)}


def found(name: str, value: Any) -> Iterator[dict[str, Any]]:
    """The steps of that name in an example, however deep."""
    if isinstance(value, dict):
        if name in value:
            yield value
        value = [*value.values()]
    for item in value if isinstance(value, list) else ():
        yield from found(name, item)


def built(row: Row) -> Part:
    """The step of a row, from its own example, without what stands around it."""
    told_wrong = Findings()
    workshop = building.Builder(told_wrong, value_maps())
    kind = STEPS[row.name]
    step = next(found(row.name, row.steps))
    part = kind.build(kind.read(workshop, "step", step))
    told_wrong.raise_any()
    return part


def takes_of(kind: StepKind) -> str:
    """The kinds of value a step may follow, as the page writes them, in its order."""
    if not kind.takes:
        return "the record"
    return "anything" if kind.takes == frozenset(Kind) else ", ".join(sorted(WORDS[taken] for taken in kind.takes))


def reads_record(row: Row) -> bool:
    """Whether an example is shown on a whole record: that of a step that stands first and asks for a path."""
    kind = STEPS[next(name for name in row.steps[0] if name in STEPS)]
    return kind.starts and (not kind.takes or '"path"' in row.example.split("`")[1])


def made_of(row: Row, given: str) -> Any:
    """What the page's example makes of a value: JSON text, “nothing” or “refused”."""
    data, before = (loads(given), []) if reads_record(row) else ({"in": loads(given)}, [{"path": "in"}])
    body = {"fields": {"out": {"steps": [*before, *row.steps]}}, "value_maps": value_maps()}
    result = compile_mapping(body).map_record(Record("1", data))
    if not isinstance(result, Mapped):
        return "refused"
    return json.dumps(to_json(result.image)["out"], ensure_ascii=False) if "out" in result.image else "nothing"


EXAMPLES = [(row, *pair) for row in ROWS for pair in row.pairs]


class TestSteps:
    @pytest.mark.parametrize("group", GROUPS)
    def test_are_all_in_the_page_in_the_order_of_the_code(self, group: str) -> None:
        assert [row.name for row in ROWS if row.group == group] == [kind.name for kind in GROUPS[group]]

    def test_of_every_group_are_those_that_rules_may_use(self) -> None:
        assert [row.name for row in ROWS] == list(STEPS)

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_are_described_with_all_their_options(self, row: Row) -> None:
        kind = STEPS[row.name]

        assert re.findall(r"\*\*`(\w+)`\*\*:", row.options) == [kind.main] * bool(kind.main)
        assert set(re.findall(r"`(\w+)`\**:", row.options)) == {kind.main, *kind.options} - {""}

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_take_and_give_what_the_page_says(self, row: Row) -> None:
        part = built(row)

        assert ", ".join(sorted(row.takes.split(", "))) == takes_of(STEPS[row.name])
        assert row.gives == WORDS[part.gives]
        assert (row.marks == "∅") is part.tolerant

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_that_may_stand_first_say_so(self, row: Row) -> None:
        assert (row.takes == "the record" or "may stand first" in row.line) is STEPS[row.name].starts

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_have_an_example(self, row: Row) -> None:
        assert any(found(row.name, row.steps))
        assert row.example.count("→") == len(row.pairs) > 0

    @pytest.mark.parametrize(
        ("row", "given", "made"), EXAMPLES, ids=[f"{row.name} {given}" for row, given, _ in EXAMPLES]
    )
    def test_do_what_their_example_says(self, row: Row, given: str, made: str) -> None:
        assert made_of(row, given) == made


class TestPage:
    def test_names_the_parts_of_a_body_and_of_a_rule(self) -> None:
        named = {cells[0].strip("`") for cells in [*rows(section("The body")), *rows(section("Fields"))]}

        assert named - {"part", "key"} == {*compiler._BODY, *compiler._RULE}

    def test_gives_the_limits_as_they_are(self) -> None:
        said = {row[0]: row[1] for row in rows(section("Limits"))[1:]}

        assert said == {name: f"{limit:,}" for name, limit in LIMITS.items()}

    def test_names_every_function_that_is_switched_off(self) -> None:
        listed = re.search(r"Switched off,.*?Previews", section("JSONata"), re.DOTALL)

        assert listed
        assert re.findall(r"`\$(\w+)`", listed[0]) == list(expression.SWITCHED_OFF)

    def test_names_every_rounding_and_every_part_of_a_date(self) -> None:
        roundings = re.search(r"Roundings: (.*?), which takes no number", section("Numbers", 3), re.DOTALL)
        pattern = re.search(r"A pattern is (.*?)To be read", section("Dates", 3), re.DOTALL)

        assert roundings
        assert pattern
        assert set(re.findall(r"`(\w+)`", roundings[1])) == {*steps_number.ROUNDINGS}
        assert set(re.findall(r"`%(.)`", pattern[1])) == {*WRITTEN, "z"}

    def test_gives_the_limits_of_a_preview(self) -> None:
        limits = rows(section("Previews"))[-1][1]

        for said in (
            f"{preview.MAX_RECORDS} records of {preview.MAX_INPUT >> 20} MB",
            f"{preview.MEMORY >> 20} MB of memory",
            f"{preview.PROCESSOR} s of processor time and {preview.DEADLINE:g} s in all",
        ):
            assert said in limits

    def test_has_only_links_that_lead_somewhere(self) -> None:
        headings = {
            re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", PAGE, re.M)
        }
        inside = re.findall(r"\]\(#([\w-]+)\)", PAGE)

        assert inside
        assert set(inside) <= headings
