"""Steps for lists and objects: pick, count, add up, and the same rule for every item."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hub.engine.mapping.step import LISTS, Options, Part, StepKind
from hub.engine.mapping.values import (
    EXACT,
    MAX_ITEMS,
    MAX_WEIGHT,
    MISSING,
    Kind,
    Refusal,
    as_decimal,
    as_key,
    bounded_list,
    refuse,
    weight,
)


def _first(options: Options) -> Part:
    return Part(lambda _data, value: next(iter(bounded_list(value)), MISSING), "the first")


def _last(options: Options) -> Part:
    return Part(lambda _data, value: next(reversed(bounded_list(value)), MISSING), "the last")


def _count(options: Options) -> Part:
    return Part(lambda _data, value: len(bounded_list(value)), "counted", Kind.NUMBER)


def _sum(options: Options) -> Part:
    """The exact sum; an item without number is refused, for a sum that leaves one out is wrong."""
    each = None if options.value is True else options.operand(item=True)
    find = each.run if each else lambda item, _value: item

    def run(_data: Any, value: Any) -> Any:
        total = Decimal(0)
        for at, item in enumerate(bounded_list(value), start=1):
            number = find(item, item)
            if number is None or number is MISSING:
                raise Refusal(f"item {at} has no {each.says if each else 'number'} to add up")
            total = EXACT.add(total, as_decimal(number))
        return total

    return Part(run, f"the sum of {each.says}" if each else "added up", Kind.NUMBER)


def _each(options: Options) -> Part:
    """The same rule for every item; an item that comes out missing is left out."""
    rule = options.operand(item=True)
    step = rule.run

    def run(_data: Any, value: Any) -> Any:
        built: list[Any] = []
        total = 0
        for item in bounded_list(value):
            result = step(item, item)
            if result is MISSING:
                continue
            total += weight(result)
            if total > MAX_WEIGHT:
                raise Refusal(f"the list would hold more than {MAX_WEIGHT} characters")
            built.append(result)
        return built

    return Part(run, f"each as {rule.says}", Kind.LIST)


def _where(options: Options) -> Part:
    rule = options.condition(item=True)
    holds = rule.run
    return Part(
        lambda _data, value: [item for item in bounded_list(value) if holds(item, item)],
        f"those where {rule.says}",
        Kind.LIST,
    )


def _get(options: Options) -> Part:
    """A path into the value so far."""
    found = options.workshop.path(options.literal("path"), options.where, item=True)
    inner = found.run
    return Part(lambda _data, value: inner(value, value), f"its {found.says}")


def _item(options: Options) -> Part:
    at = options.integer("at", None, -MAX_ITEMS, MAX_ITEMS)

    def run(_data: Any, value: Any) -> Any:
        items = bounded_list(value)
        return items[at] if -len(items) <= at < len(items) else MISSING

    return Part(run, f"item {at + 1}" if at >= 0 else f"item {-at} from the end")


def _sort(options: Options) -> Part:
    by: Callable[[Any], Any] = as_decimal if options.choice("by", ("text", "number"), "text") == "number" else as_key
    return Part(lambda _data, value: sorted(bounded_list(value), key=by), "sorted", Kind.LIST)


def _distinct(options: Options) -> Part:
    """Each text or number once, in the order of first appearance."""

    def run(_data: Any, value: Any) -> Any:
        seen: dict[tuple[type, str], Any] = {}
        for item in bounded_list(value):
            if isinstance(item, dict | list):
                refuse(item, "a text or a number; only these can be told apart")
            seen.setdefault((type(item), "" if item is None else as_key(item)), item)
        return list(seen.values())

    return Part(run, "each once", Kind.LIST)


LIST_STEPS = (
    StepKind("first", _first, LISTS, bare=True),
    StepKind("last", _last, LISTS, bare=True),
    StepKind("item", _item, LISTS, main="at"),
    StepKind("count", _count, LISTS, bare=True),
    StepKind("sum", _sum, LISTS),
    StepKind("each", _each, LISTS),
    StepKind("where", _where, LISTS),
    StepKind("sort", _sort, LISTS, main="by", bare=True),
    StepKind("distinct", _distinct, LISTS, bare=True),
    StepKind("get", _get, frozenset({Kind.LIST, Kind.OBJECT}), main="path"),
)
