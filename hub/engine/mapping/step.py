"""What a step is: its name, its options, what it takes and gives, and how it runs and reads."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from hub.engine.mapping.findings import Findings
from hub.engine.mapping.values import MISSING, Kind, shown
from hub.sdk.record import Json

# A running step: (the record's data or the list item, the current value) → the next value.
Run = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One compiled step or chain: how it runs, how it reads aloud, what it gives.

    A `tolerant` part also runs on a missing or null value; the others let both pass untouched.
    A `test` reads as a predicate (“is …”). `constant` does not depend on the record.
    """

    run: Run
    says: str
    gives: Kind = Kind.ANY
    tolerant: bool = False
    test: bool = False
    constant: bool = False


class Workshop(Protocol):
    """What a step may ask of the compiler that builds it."""

    findings: Findings
    value_maps: Mapping[str, Mapping[str, Json]]

    def operand(self, value: Json, where: str, *, item: bool = False) -> Part:
        """A value given as a literal, a step or steps. `item`: it runs on list items."""
        ...

    def condition(self, value: Json, where: str, *, item: bool = False) -> Part:
        """Something that is true or false."""
        ...

    def path(self, value: Json, where: str, *, item: bool = False) -> Part:
        """A way into the record, or into whatever it runs on (`item`)."""
        ...


class Options:
    """The options of one step as given; each read checks one, and what is wrong becomes a finding."""

    __slots__ = ("_given", "value", "where", "workshop")

    def __init__(self, workshop: Workshop, where: str, value: Json, given: Mapping[str, Json]) -> None:
        self.workshop = workshop
        self.where = where
        self.value = value  # what stands directly behind the step's name
        self._given = given

    def wrong(self, what: str) -> None:
        """Note what is wrong with this step."""
        self.workshop.findings.add(self.where, what)

    def has(self, name: str) -> bool:
        """Whether the option is given, be it null."""
        return name in self._given

    def literal(self, name: str, default: Json = None) -> Json:
        """An option of any kind."""
        return self._given.get(name, default)

    def text(self, name: str, default: str | None = None, *, least: int = 0) -> str:
        """A text of `least` to 1,000 characters; required without a default."""
        value = self._given.get(name, default)
        if isinstance(value, str) and least <= len(value) <= 1_000:
            return value
        self.wrong(f"needs “{name}”, a text of {least} to 1000 characters; {shown(value)} is none")
        return "?"

    def integer(self, name: str, default: int | None, least: int, most: int) -> int:
        """A whole number within bounds; required when the default is None."""
        value = self._given.get(name, default)
        if type(value) is int and least <= value <= most:
            return value
        self.wrong(f"needs “{name}”, a whole number from {least} to {most}; {shown(value)} is none")
        return max(least, 0)

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of a few words; the default when it is left out."""
        value = self._given.get(name, default)
        if isinstance(value, str) and value in choices:
            return value
        self.wrong(f"“{name}” must be one of {', '.join(choices)}; {shown(value)} is none of them")
        return choices[0]

    def texts(self, name: str, default: Sequence[str]) -> Sequence[str]:
        """A list of texts."""
        value = self._given.get(name, default)
        if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(t, str) for t in value):
            return value
        self.wrong(f"“{name}” must be a list of texts; {shown(value)} is none")
        return default

    def operand(self, name: str = "", *, item: bool = False) -> Part:
        """The value an option stands for; without a name, the step's own."""
        value = self._given.get(name) if name else self.value
        return self.workshop.operand(value, f"{self.where}.{name}" if name else self.where, item=item)

    def condition(self, name: str = "", *, item: bool = False) -> Part:
        """The condition an option holds; without a name, the step's own."""
        value = self._given.get(name) if name else self.value
        return self.workshop.condition(value, f"{self.where}.{name}" if name else self.where, item=item)

    def items(self) -> Sequence[Json]:
        """The step's own value as a list."""
        if isinstance(self.value, Sequence) and not isinstance(self.value, str):
            return self.value
        self.wrong(f"needs a list; {shown(self.value)} is none")
        return ()


@dataclass(frozen=True, slots=True)
class StepKind:
    """A step that rules may use.

    `main` is the option that a bare value stands for ({"max_length": 80} is {"max_length": {"length":
    80}}); empty when the value is always the step's own. `options` may also stand beside the name.
    `takes` is empty for a step that would throw away whatever came before it.
    """

    name: str
    build: Callable[[Options], Part]
    takes: frozenset[Kind]
    main: str = ""
    options: tuple[str, ...] = ()
    bare: bool = False  # may be switched on with nothing but `true`
    starts: bool = False  # may be the first step of a field

    def read(self, workshop: Workshop, where: str, step: Mapping[str, Json]) -> Options:
        """The options of a written step; what does not belong becomes a finding."""
        value = step[self.name]
        given = {name: option for name, option in step.items() if name != self.name}
        if self.main or self.options or self.bare:
            given = {**self._spread(value), **given}
        allowed = (self.main, *self.options) if self.main else self.options
        workshop.findings.unknown(where, given, allowed)
        options = Options(workshop, f"{where}.{self.name}", value, given)
        is_named = isinstance(value, Mapping) and bool(self.options)
        if self.bare and value is not True and not self.main and not is_named:
            options.wrong(f"takes no value: write true in place of {shown(value)}")
        return options

    def _spread(self, value: Json) -> dict[str, Json]:
        """A step's value as named options."""
        if self.bare and value is True:
            return {}
        if isinstance(value, Mapping) and self.options:
            return dict(value)
        return {self.main: value} if self.main else {}


ANYTHING = frozenset(Kind)
TEXTUAL = frozenset({Kind.TEXT, Kind.NUMBER, Kind.DATE})
NUMERIC = frozenset({Kind.TEXT, Kind.NUMBER})
LISTS = frozenset({Kind.LIST})
SOURCE: frozenset[Kind] = frozenset()


def accepts(kind: StepKind, given: Kind) -> bool:
    """Whether a step may follow something that gives `given`."""
    return given in kind.takes or (given is Kind.ANY and bool(kind.takes))


def linked(parts: Sequence[Part]) -> Part:
    """Several parts, one after the other, as one."""
    if len(parts) == 1:
        return replace(parts[0], run=strict(parts[0]), tolerant=True)
    says = parts[0].says
    for part in parts[1:]:
        says += f"{' ' if part.test else ', '}{part.says}"
    run = _tolerant_chain(parts) if any(part.tolerant for part in parts[1:]) else _strict_chain(parts)
    return replace(parts[-1], run=run, says=says, tolerant=True, constant=all(part.constant for part in parts))


def _strict_chain(parts: Sequence[Part]) -> Run:
    """The usual chain: it ends where the value ends."""
    first = strict(parts[0])
    rest = tuple(part.run for part in parts[1:])

    def run(data: Any, value: Any) -> Any:
        value = first(data, value)
        for step in rest:
            if value is None or value is MISSING:
                return value
            value = step(data, value)
        return value

    return run


def _tolerant_chain(parts: Iterable[Part]) -> Run:
    """A chain in which a later step may turn nothing into something."""
    steps = tuple((part.tolerant, part.run) for part in parts)

    def run(data: Any, value: Any) -> Any:
        for tolerant, step in steps:
            if tolerant or (value is not None and value is not MISSING):
                value = step(data, value)
        return value

    return run


def strict(part: Part) -> Run:
    """How a part runs alone: one that is not tolerant lets missing and null pass."""
    if part.tolerant:
        return part.run
    inner = part.run
    return lambda data, value: value if value is None or value is MISSING else inner(data, value)
