"""Steps that choose: value maps, substitutes for what is missing, and the choice by a condition."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.engine.mapping.step import ANYTHING, TEXTUAL, Options, Part, StepKind
from hub.engine.mapping.steps_condition import is_empty, same
from hub.engine.mapping.values import MISSING, Kind, ProblemKind, Refusal, as_key, shown
from hub.sdk.record import Json


def _lookup(options: Options) -> Part:
    name = options.text("map", least=1)
    maps = options.workshop.value_maps
    if name not in maps:
        options.wrong(f"there is no value map {shown(name)}; known: {', '.join(sorted(maps)) or 'none'}")
    values: Mapping[str, Json] = maps.get(name, {})
    other = _unmapped(options, name)
    substitute = f" (otherwise {shown(options.literal('default'))})" if options.has("default") else ""

    def run(_data: Any, value: Any) -> Any:
        key = value if type(value) is str else as_key(value)
        found = values.get(key, MISSING)
        return other(value) if found is MISSING else found

    return Part(run, f"by the value map {name}{substitute}")


def _unmapped(options: Options, name: str) -> Callable[[Any], Any]:
    """What happens to a value that the map does not know."""
    default = options.literal("default")
    policy = options.choice("unmapped", ("refuse", "keep"), "refuse")
    if options.has("default"):
        if options.has("unmapped"):
            options.wrong("takes “default” or “unmapped”, not both")
        return lambda _value: default
    if policy == "keep":
        return lambda value: value

    def unmapped(value: Any) -> Any:
        raise Refusal(
            f"{shown(value)} is not in the value map “{name}”; add it there, or give the lookup a default",
            ProblemKind.UNMAPPED_VALUE,
        )

    return unmapped


def _default(options: Options) -> Part:
    """A substitute for what is missing or null."""
    other = options.operand()
    run = other.run

    def step(data: Any, value: Any) -> Any:
        return run(data, value) if value is None or value is MISSING else value

    return Part(step, f"or {other.says} when there is none", tolerant=True)


def _when_empty(options: Options) -> Part:
    """A substitute for what is missing, null, blank or without items."""
    other = options.operand()
    run = other.run
    return Part(
        lambda data, value: run(data, value) if is_empty(value) else value,
        f"or {other.says} when empty",
        tolerant=True,
    )


def _null_if(options: Options) -> Part:
    """Values that the source writes for “none” become null."""
    known = [*options.items()]
    says = " or ".join(map(shown, known))
    return Part(lambda _data, value: None if any(same(value, other) for other in known) else value, f"null if {says}")


def _if(options: Options) -> Part:
    when, then = options.condition("when"), options.operand("then")
    test, yes = when.run, then.run
    if not options.has("then"):
        options.wrong("needs “when” and “then”, and may have “else”")
    if not options.has("else"):
        return Part(
            lambda data, value: yes(data, value) if test(data, value) else value,
            f"{then.says} if {when.says}",
            tolerant=True,
        )
    other = options.operand("else")
    no = other.run
    return Part(
        lambda data, value: yes(data, value) if test(data, value) else no(data, value),
        f"{then.says} if {when.says}, else {other.says}",
        tolerant=True,
    )


CHOICE_STEPS = (
    StepKind("lookup", _lookup, TEXTUAL | {Kind.BOOLEAN}, main="map", options=("default", "unmapped")),
    StepKind("default", _default, ANYTHING),
    StepKind("when_empty", _when_empty, ANYTHING),
    StepKind("null_if", _null_if, ANYTHING),
    StepKind("if", _if, ANYTHING, options=("when", "then", "else"), starts=True),
)
