"""A preview shows what a mapping makes of sample records, and no expression can harm the hub."""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from hub.engine.mapping import MappingError, ProblemKind
from hub.sdk import ConfigError
from hub.services.preview import MAX_RECORDS, PreviewState, Result, check, evaluate

PATH = {"fields": {"out": {"steps": [{"path": "in"}]}}}

# Asks for hundreds of gigabytes in one operation, so that no limit of time can come first.
BOMB = '($a := $join([1..9000].("xxxxxxxxxxxxxxxxxxxxxxxxxxxx"), ""); $length($replace($a, "x", $a)))'
# These grow step by step: memory or time ends them, whichever comes first on this machine.
SLOW_BOMBS = {
    "doubling": '$reduce([1..60], function($a, $b) { $a & "" & $a }, "x")',
    "lists": "$map([1..9000], function($v) { [1..9000] })",
}
ENDLESS = "($f := function($x) { $f($x) }; $f(1))"
MEMORY = "The mapping was stopped at this record: it needed more than 512 MB of memory."


def expression(text: str) -> dict[str, Any]:
    return {"fields": {"out": {"jsonata": text}}}


def one(body: Mapping[str, Any], data: dict[str, Any]) -> Result:
    (result,) = evaluate(body, [data])
    return result


class TestPreview:
    def test_shows_image_and_references(self) -> None:
        body = {
            "fields": {
                "name": {"steps": [{"path": "name"}, {"trim": True}]},
                "party": {"steps": [{"path": "customer"}], "reference": "customers"},
            }
        }

        assert one(body, {"name": " a ", "customer": 7}) == Result(
            PreviewState.MAPPED, {"name": "a"}, {"party": ("customers", "7")}
        )

    def test_keeps_decimals_dates_and_long_numbers_exact_on_the_way(self) -> None:
        body = {
            "fields": {
                "price": {"steps": [{"path": "price"}, {"add": "0.2"}]},
                "day": {"steps": [{"path": "day"}, {"add_days": 1}]},
                "at": {"steps": [{"path": "at"}]},
                "id": {"steps": [{"path": "id"}]},
            }
        }
        data = {
            "price": Decimal("0.1"),
            "day": date(2026, 1, 31),
            "at": datetime(2026, 1, 1, tzinfo=UTC),
            "id": 10**18 + 1,
        }

        assert one(body, data).image == {
            "price": "0.3",
            "day": "2026-02-01",
            "at": "2026-01-01T00:00:00Z",
            "id": 10**18 + 1,
        }

    def test_shows_why_a_record_is_excluded_or_rejected(self) -> None:
        body = {
            "filter": {"steps": [{"path": "active"}]},
            "fields": {"n": {"steps": [{"path": "n"}, {"integer": True}]}},
        }
        excluded, rejected = evaluate(body, [{"active": False}, {"active": True, "n": "x"}])

        assert (excluded.state, excluded.reason) == (PreviewState.EXCLUDED, "the filter does not hold: active")
        assert rejected.state is PreviewState.REJECTED
        assert rejected.problems[0].kind is ProblemKind.INVALID_VALUE

    def test_adds_value_maps_that_are_kept_elsewhere(self) -> None:
        body = {"fields": {"out": {"steps": [{"path": "in"}, {"lookup": "languages"}]}}}

        (result,) = evaluate(body, [{"in": "de"}], {"languages": {"de": "de_DE"}})

        assert result.image == {"out": "de_DE"}

    def test_names_what_is_wrong_with_a_body(self) -> None:
        with pytest.raises(MappingError) as caught:
            evaluate(expression("a.("), [{}])

        assert caught.value.findings == check(expression("a.("))
        assert "is not a JSONata expression" in caught.value.findings[0]

    def test_has_nothing_to_say_against_a_right_body(self) -> None:
        assert check(PATH) == ()

    def test_takes_a_limited_number_of_records(self) -> None:
        with pytest.raises(ConfigError, match="at most 100 records"):
            evaluate(PATH, [{}] * (MAX_RECORDS + 1))

    def test_refuses_values_that_no_record_may_hold(self) -> None:
        with pytest.raises(ConfigError, match="type set cannot be previewed"):
            evaluate(PATH, [{"in": {1}}])

    def test_does_not_show_a_result_of_any_size(self) -> None:
        assert one(PATH, {"in": "x" * 300_000}).reason.startswith("The result is too large to show")

    def test_process_knows_nothing_of_the_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
        # A child that inherited the environment would run this first, and say so.
        (tmp_path / "sitecustomize.py").write_text('import os; os.write(1, b\'{"findings": ["leak"]}\\n\')')
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

        assert os.environ["PYTHONPATH"] == str(tmp_path)
        assert one(PATH, {"in": 1}).image == {"out": 1}


class TestBomb:
    def test_ends_as_a_clear_error_and_the_hub_lives(self) -> None:
        result = one(expression(BOMB), {})

        assert (result.state, result.reason) == (PreviewState.FAILED, MEMORY)
        assert one(PATH, {"in": 1}).image == {"out": 1}

    @pytest.mark.parametrize("name", SLOW_BOMBS)
    def test_that_grows_is_stopped_by_memory_or_time(self, name: str) -> None:
        result = one(expression(SLOW_BOMBS[name]), {})
        said = result.problems[0].message if result.problems else result.reason

        assert said in {MEMORY, "out: the expression took longer than 500 ms"}

    def test_spares_the_records_before_it(self) -> None:
        bomb = expression(f'bad ? {BOMB} : "fine"')

        first, second, third = evaluate(bomb, [{"bad": False}, {"bad": True}, {"bad": False}])

        assert first.image == {"out": "fine"}
        assert second.reason.startswith("The mapping was stopped at this record")
        assert third.reason.startswith("Not tried")

    def test_of_time_is_stopped_for_one_record(self) -> None:
        result = one(expression(ENDLESS), {})

        assert result.problems[0].message == "out: the expression took longer than 500 ms"

    def test_of_time_is_stopped_for_all_records_together(self) -> None:
        results = evaluate(expression(ENDLESS), [{}] * 20, deadline=5)

        assert results[0].state is PreviewState.REJECTED
        assert results[-1].reason.startswith("Not tried")
        assert any(" s of processor time" in result.reason or "longer than 5 s" in result.reason for result in results)

    def test_of_recursion_is_stopped_before_the_stack_is_full(self) -> None:
        result = one(expression("($f := function($x) { 1 + $f($x) }; $f(1))"), {})

        assert result.problems[0].message == "out: the expression calls itself more than 200 levels deep"

    def test_does_not_make_honest_recursion_impossible(self) -> None:
        factorial = "($f := function($n) { $n < 2 ? 1 : $n * $f($n - 1) }; $f(15))"

        assert one(expression(factorial), {}).image == {"out": 1307674368000}

    def test_cannot_outlast_the_deadline(self) -> None:
        with pytest.raises(MappingError, match=r"it took longer than 0\.01 s"):
            evaluate(PATH, [{"in": 1}], deadline=0.01)
