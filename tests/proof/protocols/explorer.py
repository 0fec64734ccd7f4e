"""Explores everything that can happen, breadth first, so that the first bad story found is a shortest one.

Method: correctness paper, annex A. Time is kept as ages and remaining times, cut off where they no longer matter, so
that the search needs no horizon.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State")
Steps = Callable[[State], Iterator[tuple[str, State]]]


@dataclass(frozen=True)
class Finding(Generic[State]):
    """How many states there are, and for each evil that can happen the shortest story of it."""

    states: int
    stories: dict[str, list[str]]


def explore(first: State, steps: Steps[State], evils: Callable[[State], tuple[str, ...]]) -> Finding[State]:
    """Every state that can be come to from `first`; a state with an evil in it is not followed further."""
    came_from: dict[State, tuple[State, str] | None] = {first: None}
    waiting = deque([first])
    stories: dict[str, list[str]] = {}
    while waiting:
        state = waiting.popleft()
        found = evils(state)
        for evil in found:
            if evil not in stories:
                stories[evil] = _story(came_from, state)
        if found:
            continue
        for told, following in steps(state):
            if following not in came_from:
                came_from[following] = (state, told)
                waiting.append(following)
    return Finding(len(came_from), stories)


def _story(came_from: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    """What happened, from the beginning to this state."""
    told = []
    here = came_from[state]
    while here is not None:
        told.append(here[1])
        here = came_from[here[0]]
    return told[::-1]
