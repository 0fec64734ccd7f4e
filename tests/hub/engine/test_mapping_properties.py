"""Whatever a source sends, a mapping answers; and it never loses a cent or a digit on the way."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hub.engine.canonical import digest, to_json
from hub.engine.mapping import Excluded, Mapped, Rejected, compile_mapping
from hub.engine.mapping.steps import STEPS
from hub.sdk import Record

# Every step at least once, each on its own field, so that arbitrary data meets all of them.
MAPS = {"m": {"a": 1, "true": "yes"}}
OPTIONS: dict[str, list[Any]] = {
    "case": ["upper", "title"],
    "replace": [{"find": "a", "with": "bb"}],
    "substring": [{"from": -3, "length": 2}],
    "pad": [{"length": 9, "with": "0"}],
    "max_length": [3, {"length": 3, "when_longer": "refuse"}],
    "keep": ["digits"],
    "split": ["a"],
    "decimal": [True, {"places": 2}, {"places": 1, "decimal_separator": ",", "group_separator": "."}],
    "add": [{"path": "b"}, "0.1"],
    "subtract": [{"path": "b"}],
    "multiply": [{"path": "b"}],
    "divide": [{"by": {"path": "b"}, "places": 2}],
    "round": [{"places": 2, "rounding": "half_even"}],
    "scale": [-2],
    "date": [
        True,
        {"to": "datetime", "zone": "Europe/Berlin", "ambiguous": "later"},
        {"format": "%d.%m.%Y"},
        {"format": "unix", "to": "datetime"},
    ],
    "format_date": ["%Y%m%d"],
    "add_days": [3],
    "item": [-1],
    "sum": [True, {"path": "a"}],
    "each": [{"path": "a"}, [{"trim": True}], {"object": {"x": {"value": True}}}],
    "where": [{"path": "a", "equals": 1}, {"exists": True}],
    "get": ["a.0"],
    "lookup": ["m", {"map": "m", "default": None}, {"map": "m", "unmapped": "keep"}],
    "default": [{"path": "b"}],
    "when_empty": ["x"],
    "null_if": [[None, "a", 1]],
    "if": [
        {"when": {"path": "b"}, "then": 1},
        {"when": {"equals": {"path": "b"}}, "then": "x", "else": {"value": True}},
    ],
    "in": [["a", 1]],
    "not_in": [["a", 1]],
    "all": [[{"path": "a"}, {"exists": True}]],
    "any": [[{"at_least": 1}, {"path": "b"}]],
    "not": [{"path": "b", "empty": True}],
    **{name: ["a"] for name in ("starts_with", "ends_with", "contains")},
    **{name: [{"path": "b"}, 1] for name in ("equals", "not_equals", "at_least", "at_most", "more_than", "less_than")},
}
STARTS = {"path": "a", "constant": 1, "concat": [{"path": "a"}, {"path": "b"}], "object": {"x": {"path": "a"}}}


def every_step() -> dict[str, Any]:
    fields = {name: {"steps": [{name: option}]} for name, option in STARTS.items()}
    for name in STEPS.keys() - STARTS.keys():
        for at, option in enumerate(OPTIONS.get(name, [True])):
            fields[f"{name}{at}"] = {"steps": [{"path": "a"}, {name: option}]}
    return {"fields": fields, "value_maps": MAPS}


EVERY_STEP = compile_mapping(every_step())
EACH_ALONE = [
    compile_mapping({"fields": {name: rule}, "value_maps": MAPS}) for name, rule in every_step()["fields"].items()
]
EXPRESSION = compile_mapping({"fields": {"x": {"jsonata": "a & $string(b)"}, "y": {"jsonata": "**", "as": "text"}}})
FILTERED = compile_mapping({"filter": {"steps": [{"path": "a"}]}, "fields": {"b": {"steps": [{"path": "b"}]}}})

TEXT = st.text(st.characters(exclude_categories=()), max_size=8)  # with NUL and unpaired surrogates
WORDS = st.sampled_from(
    ["a", "", " ", "1", "-1.50", "1.234,50", "2026-01-31", "31.1.2026", "2026-10-25T02:30:00", "true"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXT,
    WORDS,
    st.decimals(),
    st.dates(),
    st.datetimes(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "\0", "é"]), inner, max_size=3)
    ),
    max_leaves=6,
)
RECORDS = st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "c": VALUES})
MONEY = st.integers(-(10**17), 10**17).map(lambda cents: Decimal(cents).scaleb(-2))


class TestAnyRecord:
    @given(RECORDS)
    def test_is_answered_without_an_error(self, data: dict[str, Any]) -> None:
        for compiled in (EVERY_STEP, EXPRESSION, FILTERED):
            result = compiled.map_record(Record("1", data))

            assert isinstance(result, Mapped | Excluded | Rejected)
            if isinstance(result, Rejected):
                assert all(problem.message.startswith(f"{problem.field}: ") for problem in result.problems)
                assert not any("\0" in problem.message for problem in result.problems)
                assert all(problem.message.encode() for problem in result.problems)

    @given(RECORDS)
    def test_gives_images_that_every_database_stores(self, data: dict[str, Any]) -> None:
        for compiled in EACH_ALONE:
            result = compiled.map_record(Record("1", data))
            if isinstance(result, Mapped):
                stored = json.dumps(to_json(result.image), allow_nan=False)

                assert "\\u0000" not in stored
                assert digest(json.loads(stored)) == digest(result.image)

    @given(RECORDS)
    def test_is_mapped_alike_every_time(self, data: dict[str, Any]) -> None:
        one, other = (EVERY_STEP.map_record(Record("1", data)) for _ in range(2))

        assert repr(one) == repr(other)


class TestMoney:
    SUM = compile_mapping(
        {"fields": {"total": {"steps": [{"path": "lines"}, {"sum": {"path": "amount"}}, {"decimal": {"places": 2}}]}}}
    )
    CARRIED = compile_mapping({"fields": {"amount": {"steps": [{"path": "amount"}, {"decimal": {"places": 2}}]}}})

    @given(st.lists(MONEY, max_size=20))
    def test_adds_up_to_the_cent(self, amounts: list[Decimal]) -> None:
        written = [{"amount": str(amount) if at % 2 else amount} for at, amount in enumerate(amounts)]
        result = self.SUM.map_record(Record("1", {"lines": written}))

        assert isinstance(result, Mapped)
        cents = sum(int(amount * 100) for amount in amounts)
        assert to_json(result.image) == {"total": str(Decimal(cents).scaleb(-2))}

    @given(MONEY)
    def test_is_carried_unchanged_as_text_and_as_decimal(self, amount: Decimal) -> None:
        for written in (amount, str(amount)):
            result = self.CARRIED.map_record(Record("1", {"amount": written}))

            assert isinstance(result, Mapped)
            assert str(result.image["amount"]) == str(amount)

    @given(st.integers())
    def test_keys_of_any_length_keep_every_digit(self, key: int) -> None:
        body = {
            "fields": {
                "plain": {"steps": [{"path": "id"}]},
                "text": {"steps": [{"path": "id"}, {"text": True}]},
                "shaped": {"jsonata": "$string(id)"},
                "party": {"steps": [{"path": "id"}], "reference": "parties"},
            }
        }
        result = compile_mapping(body).map_record(Record("1", {"id": key}))

        assert result == Mapped({"plain": key, "text": str(key), "shaped": str(key)}, {"party": ("parties", str(key))})


class TestTime:
    BERLIN = ZoneInfo("Europe/Berlin")
    RULE = {"steps": [{"path": "at"}, {"date": {"to": "datetime", "zone": "Europe/Berlin"}}]}
    TOLD = {
        "steps": [
            {"path": "at"},
            {"date": {"to": "datetime", "zone": "Europe/Berlin", "ambiguous": "earlier", "nonexistent": "forward"}},
        ]
    }

    @given(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001  wall-clock times are meant
    def test_is_either_right_or_refused(self, wall: datetime) -> None:
        result = compile_mapping({"fields": {"at": self.RULE}}).map_record(Record("1", {"at": wall.isoformat()}))
        readings = {wall.replace(tzinfo=self.BERLIN, fold=fold).astimezone(UTC) for fold in (0, 1)}

        if isinstance(result, Mapped):
            assert readings == {result.image["at"]}
            assert result.image["at"].astimezone(self.BERLIN).replace(tzinfo=None) == wall
        else:
            assert len(readings) == 2

    @given(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)), st.integers(0, 48))  # noqa: DTZ001
    def test_never_runs_backwards_when_told_how_to_read_it(self, wall: datetime, hours: int) -> None:
        compiled = compile_mapping({"fields": {"at": self.TOLD}})
        first, second = (
            compiled.map_record(Record("1", {"at": moment.isoformat()}))
            for moment in (wall, wall + timedelta(hours=hours + 2))
        )

        assert isinstance(first, Mapped)
        assert isinstance(second, Mapped)
        assert first.image["at"] < second.image["at"]
