"""The menu of what goes wrong between a hub and somebody else's system."""

import random
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """One way in which one request goes wrong. Comments say what the hub can know."""

    DROP_REQUEST = "drop request"  # nothing happened; silence
    DROP_ANSWER = "drop answer"  # it happened; silence
    LATE = "late"  # silence now; it happens after a while
    TWICE = "twice"  # answered, and a copy lands once more after a while (where that can be absorbed)
    TOO_MANY = "429"  # nothing happened; come back after some seconds
    ERROR_BEFORE = "500 before"  # nothing happened; the answer does not say so
    ERROR_AFTER = "500 after"  # it happened; the answer does not say so
    DRIP = "drip"  # it happens, and the answer comes byte by byte past the deadline
    TRUNCATED = "truncated"  # it happened; half of the JSON arrived
    HTML = "html"  # a proxy's page with status 200: nothing happened
    FAULT_IN_200 = "fault in 200"  # refused, in a body under status 200
    PARTIAL = "partial"  # a batch ends in the middle: the rest was not looked at


HAPPENED = frozenset({Fault.DROP_ANSWER, Fault.ERROR_AFTER, Fault.DRIP, Fault.TRUNCATED})
NOT_HAPPENED = frozenset({Fault.DROP_REQUEST, Fault.ERROR_BEFORE, Fault.HTML})


@dataclass(frozen=True, slots=True)
class Order:
    """A fault that waits for its request. `delay` is in seconds: how late, or how long to wait."""

    fault: Fault
    delay: float = 5.0


@dataclass
class Faults:
    """Faults ordered for single references (`*`: for the next request), and a rate of random ones."""

    ordered: defaultdict[str, deque[Order]] = field(default_factory=lambda: defaultdict(deque))
    rate: float = 0.0
    menu: tuple[Fault, ...] = tuple(Fault)
    longest: float = 60.0
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    happened: list[tuple[str, Fault]] = field(default_factory=list)

    def order(self, reference: str, fault: Fault, delay: float = 5.0) -> None:
        """The next request for this reference goes wrong."""
        self.ordered[reference].append(Order(fault, delay))

    def order_all(self, references: Iterable[str], fault: Fault, delay: float = 5.0) -> None:
        """The next request for each of these goes wrong."""
        for reference in references:
            self.order(reference, fault, delay)

    def next(self, reference: str) -> Order | None:
        """What goes wrong with this request, if anything."""
        waiting = self.ordered[reference] or self.ordered["*"]
        found = waiting.popleft() if waiting else self._by_chance()
        if found:
            self.happened.append((reference, found.fault))
        return found

    def clear(self) -> None:
        """A quiet phase: nothing goes wrong any more."""
        self.ordered.clear()
        self.rate = 0.0

    def _by_chance(self) -> Order | None:
        if not self.rate or self.chance.random() >= self.rate:
            return None
        return Order(self.chance.choice(self.menu), self.chance.uniform(0, self.longest))
