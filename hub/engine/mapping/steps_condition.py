"""Steps that ask a yes-or-no question about a value, for filters and conditions."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from hub.engine.mapping.step import ANYTHING, NUMERIC, TEXTUAL, Options, Part, StepKind
from hub.engine.mapping.values import MISSING, Kind, Refusal, as_decimal, as_text, refuse, shown


def is_empty(value: Any) -> bool:
    """Missing, null, blank text, an empty list or an empty object."""
    if value is None or value is MISSING:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    return isinstance(value, Mapping | list | tuple) and not value


def same(one: Any, other: Any) -> bool:
    """Equal, where true is not 1 and “1” is not 1, but 1 is 1.0."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _test(run: Callable[[Any, Any], bool], says: str) -> Part:
    return Part(run, says, Kind.BOOLEAN, tolerant=True, test=True)


def _equals(options: Options) -> Part:
    other = options.operand()
    run = other.run
    return _test(lambda data, value: same(value, run(data, value)), f"is {other.says}")


def _not_equals(options: Options) -> Part:
    other = options.operand()
    run = other.run
    return _test(lambda data, value: not same(value, run(data, value)), f"is not {other.says}")


def _membership(options: Options) -> tuple[Callable[[Any], bool], str]:
    """Whether a value is one of a written list."""
    items = [*options.items()]
    texts = frozenset(item for item in items if isinstance(item, str))
    others = [item for item in items if not isinstance(item, str)]

    def holds(value: Any) -> bool:
        return value in texts if type(value) is str else any(same(value, other) for other in others)

    return holds, ", ".join(map(shown, items))


def _in(options: Options) -> Part:
    holds, listed = _membership(options)
    return _test(lambda _data, value: holds(value), f"is one of {listed}")


def _not_in(options: Options) -> Part:
    holds, listed = _membership(options)
    return _test(lambda _data, value: not holds(value), f"is none of {listed}")


def _flag(options: Options) -> bool:
    if not isinstance(options.value, bool):
        options.wrong(f"must be true or false; {shown(options.value)} is neither")
    return options.value is True


def _exists(options: Options) -> Part:
    wanted = _flag(options)
    says = "has a value" if wanted else "has no value"
    return _test(lambda _data, value: (value is not None and value is not MISSING) is wanted, says)


def _empty(options: Options) -> Part:
    wanted = _flag(options)
    return _test(lambda _data, value: is_empty(value) is wanted, "is empty" if wanted else "is not empty")


def _textual(holds: Callable[[str, str], bool], verb: str) -> Callable[[Options], Part]:
    """A test of text against a written text."""

    def build(options: Options) -> Part:
        wanted = options.text("text", least=1)

        def run(_data: Any, value: Any) -> bool:
            return value is not None and value is not MISSING and holds(as_text(value), wanted)

        return _test(run, f"{verb} {shown(wanted)}")

    return build


def _comparison(holds: Callable[[Any, Any], bool], verb: str) -> Callable[[Options], Part]:
    """A test of a number or date against another one; false when there is no value."""

    def build(options: Options) -> Part:
        other = options.operand()
        find = other.run

        def run(data: Any, value: Any) -> bool:
            if value is None or value is MISSING:
                return False
            limit = find(data, value)
            if limit is None or limit is MISSING:
                raise Refusal(f"{other.says} has no value to compare with")
            return holds(*_comparable(value, limit))

        return _test(run, f"{verb} {other.says}")

    return build


def _comparable(one: Any, other: Any) -> tuple[Any, Any]:
    """Both as dates or both as exact numbers."""
    if not isinstance(one, date) and not isinstance(other, date):
        return as_decimal(one), as_decimal(other)
    if type(one) is type(other) and _has_zone(one) == _has_zone(other):
        return one, other
    return refuse(one, f"comparable with {shown(other)}; put a date step before, with the same “to”")


def _has_zone(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _conditions(options: Options) -> Sequence[Part]:
    workshop = options.workshop
    return [workshop.condition(item, f"{options.where}[{at}]") for at, item in enumerate(options.items())]


def _all(options: Options) -> Part:
    parts = _conditions(options)
    runs = [part.run for part in parts]
    says = " and ".join(part.says for part in parts)
    return _test(lambda data, value: all(run(data, value) for run in runs), f"({says})")


def _any(options: Options) -> Part:
    parts = _conditions(options)
    runs = [part.run for part in parts]
    says = " or ".join(part.says for part in parts)
    return _test(lambda data, value: any(run(data, value) for run in runs), f"({says})")


def _not(options: Options) -> Part:
    part = options.condition()
    run = part.run
    return _test(lambda data, value: not run(data, value), f"not ({part.says})")


CONDITION_STEPS = (
    StepKind("equals", _equals, ANYTHING),
    StepKind("not_equals", _not_equals, ANYTHING),
    StepKind("in", _in, ANYTHING),
    StepKind("not_in", _not_in, ANYTHING),
    StepKind("exists", _exists, ANYTHING),
    StepKind("empty", _empty, ANYTHING),
    StepKind("starts_with", _textual(str.startswith, "starts with"), TEXTUAL, main="text"),
    StepKind("ends_with", _textual(str.endswith, "ends with"), TEXTUAL, main="text"),
    StepKind("contains", _textual(lambda text, wanted: wanted in text, "contains"), TEXTUAL, main="text"),
    StepKind("at_least", _comparison(lambda a, b: a >= b, "is at least"), NUMERIC | {Kind.DATE}),
    StepKind("at_most", _comparison(lambda a, b: a <= b, "is at most"), NUMERIC | {Kind.DATE}),
    StepKind("more_than", _comparison(lambda a, b: a > b, "is more than"), NUMERIC | {Kind.DATE}),
    StepKind("less_than", _comparison(lambda a, b: a < b, "is less than"), NUMERIC | {Kind.DATE}),
    StepKind("all", _all, ANYTHING, starts=True),
    StepKind("any", _any, ANYTHING, starts=True),
    StepKind("not", _not, ANYTHING, starts=True),
)
