"""A mapping of one field, for tests of what its steps make of one value."""

from typing import Any

from hub.engine.mapping import Mapped, Rejected, compile_mapping
from hub.sdk import Record

ABSENT = object()


def outcome(steps: list[dict[str, Any]], data: dict[str, Any], **extra: Any) -> Mapped | Rejected:
    compiled = compile_mapping({"fields": {"out": {"steps": steps}}, **extra})
    result = compiled.map_record(Record("1", data))
    assert isinstance(result, Mapped | Rejected)
    return result


def value(steps: list[dict[str, Any]], given: Any = None, **extra: Any) -> Any:
    """What the steps make of a record {"in": given}; ABSENT when the field is not written."""
    result = outcome(steps, {"in": given}, **extra)
    assert isinstance(result, Mapped), result
    return result.image.get("out", ABSENT)


def refusal(steps: list[dict[str, Any]], given: Any = None, **extra: Any) -> str:
    """The message with which the steps refuse a record {"in": given}."""
    result = outcome(steps, {"in": given}, **extra)
    assert isinstance(result, Rejected), result
    return result.problems[0].message


def after(*steps: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"path": "in"}, *steps]


def exactly(one: Any, other: Any) -> bool:
    return type(one) is type(other) and str(one) == str(other)
