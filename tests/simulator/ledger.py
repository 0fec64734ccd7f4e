"""What really happened at a third party, written down by itself: append-only, with its own time. It is the judge."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HUB, PERSON = "hub", "person"


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of one record. `seen` is the version its sender had read, if it said so."""

    number: int
    at: float
    by: str
    operation: str
    key: str
    reference: str
    fields: dict[str, Any]
    version: int
    replaced: dict[str, Any] = field(default_factory=dict)
    seen: str | None = None
    request: str = ""

    @property
    def record(self) -> str:
        """What stays the same of a record: the reference the hub gave it, or the key a person's own record has."""
        return self.reference or self.key


class Ledger:
    """Effects in the order in which they took place; kept in a file as well when one is named."""

    def __init__(self, path: Path | None = None) -> None:
        self._effects: list[Effect] = []
        self._path = path
        if path and path.exists():
            self._effects = [Effect(**json.loads(line)) for line in path.read_text().splitlines()]

    def __iter__(self) -> Iterator[Effect]:
        return iter(self._effects)

    def __len__(self) -> int:
        return len(self._effects)

    def append(self, effect: Effect) -> None:
        """Write one more line; nothing is ever taken back."""
        self._effects.append(effect)
        if self._path:
            with self._path.open("a") as lines:
                lines.write(json.dumps(asdict(effect)) + "\n")

    def by_hub(self) -> list[Effect]:
        """What integrations did, in order."""
        return [effect for effect in self._effects if effect.by == HUB]


def duplicated(effects: Iterable[Effect]) -> list[str]:
    """I1, I2: references that had two records at one time through creates of the hub."""
    standing: Counter[str] = Counter()
    twice = set()
    for effect in effects:
        if effect.operation == "create" and effect.reference:
            standing[effect.reference] += 1
            if standing[effect.reference] > 1:
                twice.add(effect.reference)
        elif effect.operation == "delete":
            standing[effect.reference] = 0
    return sorted(twice)


def out_of_order(effects: Iterable[Effect], revision: str = "rev") -> list[str]:
    """I9: records at which an older revision was written after a newer one."""
    newest: dict[str, int] = defaultdict(int)
    wrong = set()
    for effect in effects:
        if revision not in effect.fields or effect.by != HUB:
            continue
        number = int(effect.fields[revision])
        if number < newest[effect.record]:
            wrong.add(effect.record)
        newest[effect.record] = max(newest[effect.record], number)
    return sorted(wrong)


def overwritten_unseen(effects: Iterable[Effect]) -> list[str]:
    """I8: records at which the hub replaced a person's value by a write planned before it was read."""
    by_person: dict[tuple[str, str], int] = {}
    wrong = set()
    for effect in effects:
        for name in effect.fields:
            place = (effect.key, name)
            if effect.by == PERSON:
                by_person[place] = effect.version
            elif place in by_person:
                edited = by_person.pop(place)
                changed = effect.replaced.get(name) != effect.fields[name]
                if changed and (effect.seen is None or int(effect.seen) < edited):
                    wrong.add(effect.record)
    return sorted(wrong)
