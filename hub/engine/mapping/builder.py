"""Turns written steps into running ones, and collects everything that is wrong with them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hub.engine.mapping.findings import Findings
from hub.engine.mapping.step import Part, StepKind, accepts, linked
from hub.engine.mapping.steps import STEPS
from hub.engine.mapping.steps_source import constant, walk
from hub.engine.mapping.values import MISSING, Kind, refuse, shown
from hub.sdk.record import Json

MAX_STEPS = 50  # in one chain
MAX_ALL_STEPS = 5_000  # in one mapping
MAX_NESTING = 12

_INDEX = re.compile(r"\[(-?\d{1,6})\]")
_BROKEN = Part(lambda _data, _value: MISSING, "?", tolerant=True)


class Builder:
    """Builds the parts of one mapping; knows its value maps and notes which source fields are read."""

    def __init__(self, findings: Findings, value_maps: Mapping[str, Mapping[str, Json]]) -> None:
        self.findings = findings
        self.value_maps = value_maps
        self.reads: set[str] = set()
        self._depth = 0
        self._in_item = False
        self._count = 0

    def chain(self, steps: Json, where: str, *, start: Part | None = None, inside: bool = False) -> Part:
        """Steps, one after the other. `start` stands before them; `inside` there is a value already."""
        if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
            self.findings.add(where, f"needs a list of steps, like [{{“path”: “name”}}]; {shown(steps)} is none")
            return _BROKEN
        if len(steps) > MAX_STEPS:
            self.findings.add(where, f"has {len(steps)} steps; at most {MAX_STEPS} are allowed")
            return _BROKEN
        parts = [start] if start else []
        with self._deeper(where) as is_allowed:
            for at, step in enumerate(steps if is_allowed else ()):
                parts.append(self._step(step, f"{where}[{at}]", parts, inside=inside))
        return linked(parts) if parts else _BROKEN

    def operand(self, value: Json, where: str, *, item: bool = False) -> Part:
        """A literal, a step, or steps."""
        if not isinstance(value, Mapping | list | tuple):
            return constant(value)
        with self._item(item=item):
            if isinstance(value, list | tuple):
                return self.chain(value, where, inside=True)
            if set(value) == {"steps"}:
                return self.chain(value["steps"], f"{where}.steps", inside=True)
            return self._single(value, where)

    def condition(self, value: Json, where: str, *, item: bool = False) -> Part:
        """Something true or false: steps, or a path with tests beside it ({"path": "country", "equals": "DE"})."""
        if isinstance(value, Mapping) and "path" in value:
            first = {name: value[name] for name in ("path", "default") if name in value}
            tests = [{name: test} for name, test in value.items() if name not in first]
            if len(tests) > 1:  # a database does not keep the order of an object's names
                self.findings.add(
                    where, "has several tests beside its path; write a list of steps, which keeps their order"
                )
                return _BROKEN
            value = {"steps": [first, *tests]}
        elif not isinstance(value, Mapping | list | tuple) or not value:
            self.findings.add(where, f"needs a condition, like {{“path”: “active”}}; {shown(value)} is none")
            return _BROKEN
        return self.truth(self.operand(value, where, item=item), where)

    def truth(self, part: Part, where: str) -> Part:
        """`part` as a condition: true is true; false, null and missing are not; anything else is refused."""
        if part.gives not in {Kind.BOOLEAN, Kind.ANY}:
            self.findings.add(where, f"gives {part.gives.value}, but a condition must give true or false")
        inner = part.run

        def run(data: Any, value: Any) -> bool:
            answer = inner(data, value)
            if answer is True:
                return True
            if answer is False or answer is None or answer is MISSING:
                return False
            return refuse(answer, f"true or false, as the condition “{part.says}” must be")

        return replace(part, run=run, gives=Kind.BOOLEAN, tolerant=True)

    def path(self, value: Json, where: str, *, item: bool = False) -> Part:
        """A dotted way (`lines.0.sku`, `lines[0].sku`), or a list of names when a name has a dot in it."""
        segments = self._segments(value)
        if not segments:
            self.findings.add(where, f"needs a path, like “address.city”; {shown(value)} is none")
            return _BROKEN
        first, says = segments[0], ".".join(segments)
        if item or self._in_item:
            return Part(lambda data, _value: walk(data, segments), says, tolerant=True)
        self.reads.add(first)
        if len(segments) == 1:
            return Part(lambda data, _value: data.get(first, MISSING), says, tolerant=True)
        rest = segments[1:]
        return Part(lambda data, _value: walk(data.get(first, MISSING), rest), says, tolerant=True)

    @staticmethod
    def _segments(value: Json) -> tuple[str, ...]:
        if isinstance(value, str):
            value = _INDEX.sub(r".\1", value).split(".")
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= 20:
            return ()
        return tuple(value) if all(isinstance(name, str) and 0 < len(name) <= 200 for name in value) else ()

    def _step(self, step: Json, where: str, before: list[Part], *, inside: bool) -> Part:
        """One step of a chain, checked against what stands before it."""
        kind = self._kind(step, where)
        if kind is None:
            return _BROKEN
        given = before[-1] if before else None
        if given is None and not inside and not kind.starts:
            self.findings.add(where, f"“{kind.name}” needs a value before it; {_STARTS}")
        if given is not None and not accepts(kind, given.gives):
            self.findings.add(where, _misfit(kind, given))
        return kind.build(kind.read(self, where, step))

    def _single(self, step: Mapping[str, Json], where: str) -> Part:
        """A step given alone, in place of steps."""
        with self._deeper(where) as is_allowed:
            return linked([self._step(step, where, [], inside=True)]) if is_allowed else _BROKEN

    def _kind(self, step: Json, where: str) -> StepKind | None:
        """Which step is meant: the name that all other names are options of."""
        self._count += 1
        if self._count == MAX_ALL_STEPS + 1:
            self.findings.add(where, f"is step {self._count}; a mapping may have {MAX_ALL_STEPS} in all")
        if self._count > MAX_ALL_STEPS:
            return None
        if not isinstance(step, Mapping) or not step:
            self.findings.add(where, f"{shown(step)} is not a step; write it like {{“trim”: true}}")
            return None
        known = [STEPS[name] for name in step if name in STEPS]
        if len(known) == 1:
            return known[0]
        fitting = [kind for kind in known if set(step) <= {kind.name, kind.main, *kind.options}]
        if len(fitting) == 1:
            return fitting[0]
        self._not_one_step(step, where, [kind.name for kind in known])
        return None

    def _not_one_step(self, step: Mapping[str, Json], where: str, known: list[str]) -> None:
        if known:
            self.findings.add(where, f"{' and '.join(known)} are several steps; put each into its own {{…}}")
        elif "jsonata" in step:
            self.findings.add(where, "“jsonata” stands beside “steps” in a field or filter, not among them")
        else:
            self.findings.unknown(where, step, STEPS)

    @contextmanager
    def _deeper(self, where: str) -> Iterator[bool]:
        """One level further in; False (and a finding) where it is too deep."""
        self._depth += 1
        if self._depth == MAX_NESTING + 1:
            self.findings.add(where, f"is nested more than {MAX_NESTING} levels deep")
        try:
            yield self._depth <= MAX_NESTING
        finally:
            self._depth -= 1

    @contextmanager
    def _item(self, *, item: bool) -> Iterator[None]:
        """While inside, paths start at a list item."""
        outer, self._in_item = self._in_item, self._in_item or item
        try:
            yield
        finally:
            self._in_item = outer


_STARTS = f"start with one of {', '.join(sorted(kind.name for kind in STEPS.values() if kind.starts))}"


def _misfit(kind: StepKind, given: Part) -> str:
    if not kind.takes:
        return f"“{kind.name}” would throw away what came before it ({given.says}); remove one of the two"
    takes = ", ".join(sorted(kind.takes))
    return f"“{kind.name}” takes {takes}, but before it there is {given.gives.value}"
