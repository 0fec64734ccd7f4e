"""Notices two systems that undo each other's changes through the hub, without anybody editing."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST = 3
WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Written:
    """One write of a record: when, to which side, which fields, and those of them that wrote over a change there."""

    at: datetime
    side: str
    fields: frozenset[str]
    over: frozenset[str] = frozenset()


def flapping(written: Iterable[Written], about: Iterable[str], now: datetime) -> list[str]:
    """The fields among `about` that were written more than three times in ten minutes by a loop, not by people.

    People edit on one side, and the hub follows to the other. A loop writes the field at both sides, or again
    and again over what the same side makes of it.
    """
    recent = [one for one in written if now - one.at <= WITHIN]
    sides: dict[str, list[str]] = defaultdict(list)
    over: set[str] = set()
    for one in recent:
        over |= one.over
        for name in one.fields:
            sides[name].append(one.side)
    return sorted(
        name for name in set(about) if len(sides[name]) >= MOST and (len(set(sides[name])) > 1 or name in over)
    )
