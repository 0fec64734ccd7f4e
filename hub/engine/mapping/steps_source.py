"""Steps that say where a value comes from: a path, a constant, several parts put together."""

from collections.abc import Mapping
from typing import Any

from hub.engine.mapping.step import ANYTHING, SOURCE, Options, Part, StepKind
from hub.engine.mapping.values import MISSING, Kind, Refusal, as_key, bounded, check_sound, shown
from hub.sdk.record import Json

_KINDS: dict[type, Kind] = {
    str: Kind.TEXT,
    bool: Kind.BOOLEAN,
    int: Kind.NUMBER,
    float: Kind.NUMBER,
    list: Kind.LIST,
    dict: Kind.OBJECT,
}


def constant(value: Json) -> Part:
    """A part that is always the same."""
    kind = _KINDS.get(type(value), Kind.ANY)
    return Part(lambda _data, _value: value, shown(value), kind, tolerant=True, constant=True)


def _constant(options: Options) -> Part:
    try:
        check_sound(options.value)
    except Refusal as refusal:
        options.wrong(f"cannot be used: {refusal.message}")
    return constant(options.value)


def _path(options: Options) -> Part:
    found = options.workshop.path(options.literal("path"), options.where)
    if not options.has("default"):
        return found
    inner, default = found.run, options.literal("default")

    def run(data: Any, value: Any) -> Any:
        value = inner(data, value)
        return default if value is MISSING else value

    return Part(run, f"{found.says} (if missing: {shown(default)})", tolerant=True)


def _value(options: Options) -> Part:
    return Part(lambda _data, value: value, "the value so far", tolerant=True)


def _concat(options: Options) -> Part:
    """Texts in a row. Nothing at all comes of it when nothing in it comes from the record."""
    written = options.literal("parts")
    if not isinstance(written, list | tuple) or not written:
        options.wrong("needs a list of parts, like [{“path”: “city”}, “, ”, {“path”: “country”}]")
        written = ()
    parts = [options.workshop.operand(part, f"{options.where}[{at}]") for at, part in enumerate(written)]
    between = options.text("separator", "")
    absent = options.choice("missing", ("skip", "refuse", "missing"), "skip")
    joiner = f" + {shown(between)} + " if between else " + "
    run = _Concat([(part.run, part.constant, part.says) for part in parts], between, absent)
    return Part(run, joiner.join(part.says for part in parts), Kind.TEXT, tolerant=True)


class _Concat:
    """Runs a concat; a part without value is skipped, refused, or makes all of it missing."""

    __slots__ = ("_absent", "_between", "_parts")

    def __init__(self, parts: list[tuple[Any, bool, str]], between: str, absent: str) -> None:
        self._parts = parts
        self._between = between
        self._absent = absent

    def __call__(self, data: Any, value: Any) -> Any:
        texts: list[str] = []
        found = False
        for run, is_constant, says in self._parts:
            part = run(data, value)
            if part is None or part is MISSING or part == "":
                if self._absent == "refuse":
                    raise Refusal(f"{says} has no value to put together")
                if self._absent == "missing":
                    return MISSING
                continue
            found = found or not is_constant
            texts.append(part if type(part) is str else as_key(part))
        return bounded(self._between.join(texts)) if found else MISSING


def _object(options: Options) -> Part:
    """An object built of named values; a missing one is left out."""
    written = options.workshop.findings.mapping(options.where, options.value)
    parts = {name: options.workshop.operand(part, f"{options.where}.{name}") for name, part in written.items()}
    runs = [(name, part.run) for name, part in parts.items()]

    def run(data: Any, value: Any) -> Any:
        built = ((name, step(data, value)) for name, step in runs)
        return {name: item for name, item in built if item is not MISSING}

    says = "; ".join(f"{name}: {part.says}" for name, part in parts.items())
    return Part(run, f"an object of {says}" if parts else "an empty object", Kind.OBJECT, tolerant=True)


def walk(data: Any, segments: tuple[str, ...]) -> Any:
    """Follow `segments` into nested objects and lists; MISSING where the way ends."""
    for segment in segments:
        if isinstance(data, Mapping):
            data = data.get(segment, MISSING)
        elif isinstance(data, list | tuple):
            data = _item(data, segment)
        else:
            return MISSING
    return data


def _item(items: Any, segment: str) -> Any:
    """The item a numeric segment points at: 0 is the first, -1 the last."""
    digits = segment.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
        return MISSING
    at = int(segment)
    return items[at] if -len(items) <= at < len(items) else MISSING


SOURCE_STEPS = (
    StepKind("path", _path, SOURCE, main="path", options=("default",), starts=True),
    StepKind("constant", _constant, SOURCE, starts=True),
    StepKind("value", _value, ANYTHING, bare=True),
    StepKind("concat", _concat, SOURCE, main="parts", options=("separator", "missing"), starts=True),
    StepKind("object", _object, SOURCE, starts=True),
)
