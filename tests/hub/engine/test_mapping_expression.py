"""Expressions reshape records within limits and never spoil an exact number unnoticed."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from hub.engine.mapping import Mapped, Rejected, compile_mapping
from hub.engine.mapping.expression import SWITCHED_OFF, Document, Expression
from hub.engine.mapping.values import Refusal
from hub.sdk import Record

ABSENT = object()
ENDLESS = "($f := function($x) { $f($x) }; $f(1))"


def outcome(text: str, data: Any, **extra: Any) -> Any:
    return compile_mapping({"fields": {"out": {"jsonata": text, **extra}}}).map_record(Record("1", data))


def value(text: str, data: Any = None, **extra: Any) -> Any:
    result = outcome(text, data or {}, **extra)
    assert isinstance(result, Mapped), result
    return result.image.get("out", ABSENT)


def refusal(text: str, data: Any = None, **extra: Any) -> str:
    result = outcome(text, data or {}, **extra)
    assert isinstance(result, Rejected), result
    assert result.problems[0].kind == "expression"
    return result.problems[0].message


class TestExpression:
    def test_reshapes_nested_records(self) -> None:
        data = {"lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]}

        assert value('lines[n > 1].{"code": $uppercase(sku)}', data) == {"code": "B"}

    def test_tells_missing_from_null(self) -> None:
        assert (value("a", {}), value("a", {"a": None})) == (ABSENT, None)

    def test_is_followed_by_typed_steps(self) -> None:
        steps = [{"trim": True}, {"concat": [{"value": True}, "-", {"path": "b"}]}]

        assert (
            value("a", {"a": " x ", "b": 2}, steps=[steps[0], {"if": {"when": {"equals": "x"}, "then": steps[1]}}])
            == "x-2"
        )

    def test_sees_decimals_dates_and_long_numbers_as_text(self) -> None:
        data = {
            "a": Decimal("0.10"),
            "b": date(2026, 1, 31),
            "c": 12345678901234567890,
            "d": datetime(2026, 1, 1, tzinfo=UTC),
        }

        assert value("[a, b, c, d]", data) == ["0.10", "2026-01-31", "12345678901234567890", "2026-01-01T00:00:00Z"]

    def test_reads_any_mapping_as_a_record(self) -> None:
        assert value("a.b", MappingProxyType({"a": MappingProxyType({"b": 2**60})})) == str(2**60)

    def test_is_not_seen_by_the_typed_rules_beside_it(self) -> None:
        rule = {"steps": [{"if": {"when": {"path": "x"}, "then": 1}}]}
        compiled = compile_mapping({"fields": {"typed": rule, "shaped": {"jsonata": "a"}}})

        assert compiled.map_record(Record("1", {"a": 1})) == Mapped({"shaped": 1})

    def test_runs_in_any_thread(self) -> None:
        compiled = compile_mapping({"fields": {"out": {"jsonata": "a"}}})
        results: list[Any] = []
        threads = [
            threading.Thread(target=lambda: results.append(compiled.map_record(Record("1", {"a": 1}))))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
            thread.join()

        assert results == [Mapped({"out": 1})] * 2


class TestNumbersOfExpressions:
    def test_that_are_whole_pass(self) -> None:
        assert value("$sum([1, 2.5, 0.5])") == 4

    @pytest.mark.parametrize("text", ["0.1 + 0.2", '{"a": [0.1]}', "[1, 0.5]"])
    def test_that_are_not_exact_are_refused(self, text: str) -> None:
        assert "which is not exact; say what it is meant to be" in refusal(text)

    @pytest.mark.parametrize("text", ["9007199254740993", "1e20", "1/0", "-1/0", "0/0"])
    @pytest.mark.parametrize("meant", [None, "text", "decimal(2)"])
    def test_that_are_too_large_are_refused(self, text: str, meant: str | None) -> None:
        extra = {"as": meant} if meant else {}
        number = "9007199254740992 * 2" if text == "9007199254740993" else text

        assert "too large to be exact" in refusal(number, **extra)

    @pytest.mark.parametrize(
        ("meant", "text", "expected"),
        [
            ("decimal(2)", "0.1 + 0.2", Decimal("0.30")),
            ("decimal", '"12345678901234567890.1"', Decimal("12345678901234567890.1")),
            ("text", "1.5", "1.5"),
            ("integer", '"7"', 7),
            ("boolean", '"true"', True),
            ("date", '"2026-01-31"', date(2026, 1, 31)),
            ("datetime", '"2026-01-31T00:00:00Z"', datetime(2026, 1, 31, tzinfo=UTC)),
        ],
    )
    def test_are_what_the_rule_says_they_are_meant_to_be(self, meant: str, text: str, expected: Any) -> None:
        found = value(text, **{"as": meant})

        assert (type(found), str(found)) == (type(expected), str(expected))

    def test_hint_at_the_way_when_decimals_arrive_as_text(self) -> None:
        assert "use $number(…), or typed steps for money" in refusal("price * 2", {"price": Decimal("1.5")})


class TestLimits:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (ENDLESS, "took longer than 500 ms"),
            ("($f := function($x) { 1 + $f($x) }; $f(1))", "calls itself more than 200 levels deep"),
            ("[1..10001]", "makes a list of more than 10000 items"),
            ('$error("not today")', "not today"),
            ('"a" + 1', "must evaluate to a number"),
        ],
    )
    def test_end_an_expression_with_a_clear_message(self, text: str, message: str) -> None:
        assert message in refusal(text)

    def test_hold_for_backtracking_patterns(self) -> None:
        assert value("$match(a, /(x+x+)+y/)", {"a": "x" * 5_000}) is ABSENT

    @pytest.mark.parametrize("name", SWITCHED_OFF)
    def test_switch_off_what_is_dangerous_or_unsteady(self, name: str) -> None:
        with pytest.raises(ValueError, match="which is switched off here"):
            Expression(f"($g := ${name}; $g(1))")

    @pytest.mark.parametrize("text", ["$ pad(a, 9)", "$/**/pad(a, 9)", "$`pad`(a, 9)", "$\npad(a, 9)"])
    def test_cannot_be_dodged_by_another_spelling(self, text: str) -> None:
        with pytest.raises(ValueError, match="is not a JSONata expression"):
            Expression(text)

    @pytest.mark.parametrize("bad", [{"a": "\ud800"}, {"a": 2**70, "b": "x\0"}, {1: 2}, {"a": {1, 2}}])
    def test_refuse_a_record_that_cannot_be_read(self, bad: Any) -> None:
        assert isinstance(outcome("a", bad), Rejected)

    def test_let_signals_through(self) -> None:
        class Deadline(BaseException):
            """What a worker raises to end a job."""

        class Overdue(Expression):
            def _evaluated(self, document: Document) -> Any:
                raise Deadline

        with pytest.raises(Deadline):
            Overdue("a").run(Document({}))

    def test_turn_a_panic_of_the_engine_into_a_refusal(self) -> None:
        expression, said = Expression("a"), []
        # The engine panics when an object of one thread is used in another: here they share one.
        kept = expression._own.compiled
        expression._own = SimpleNamespace(compiled=kept)  # type: ignore[assignment]

        def run() -> None:
            try:
                expression.run(Document({"a": 1}))
            except Refusal as refusal:
                said.append(refusal.message)
            said.append(expression.run(Document({"a": 1})))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

        assert said == ["the expression engine gave up", 1]
