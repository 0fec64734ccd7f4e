"""What the hub knows about the records of one page of pairs, read in one statement each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub import clock
from hub.engine import plan
from hub.engine.intent import UNRESOLVED, State
from hub.engine.mapping import Excluded, Mapped, Rejected
from hub.engine.merge import Images, Written, flapping
from hub.engine.merge.flapping import WITHIN
from hub.models import (
    Change,
    ExceptionKind,
    ExceptionState,
    LinkState,
    ReconciliationException,
    destination_key_of,
)
from hub.sdk import Operation
from hub.services.run import reference, rows, waiting
from hub.services.run.flow import Flow
from hub.services.run.piles import OpenChanges
from hub.services.run.twoway.pair import Pair

Result = Mapped | Excluded | Rejected


@dataclass(frozen=True, slots=True)
class Known:
    """`strangers` are records that a create whose answer was lost may have made; `halted` those that flapped."""

    now: datetime
    mapped: Mapping[str, Result] = field(default_factory=dict)
    images: Mapping[int, Images] = field(default_factory=dict)
    open_changes: OpenChanges = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    halted: frozenset[str] = frozenset()
    references: Mapping[tuple[str, str], str] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    written: Mapping[str, Sequence[Written]] = field(default_factory=dict)

    def flapping(self, key: str, planned: plan.Planned) -> list[str]:
        """The fields this write would send back and forth once too often, or all of them while it is halted."""
        names = [name for name, why in planned.decisions.items() if "value" in why and name]
        return names if key in self.halted else flapping(self.written.get(key, ()), names, self.now)


def look(flow: Flow, pairs: Sequence[Pair]) -> Known:
    """Everything that sorting these pairs needs to know."""
    keys = [pair.key for pair in pairs]
    mapped = {pair.key: flow.compiled.map_record(pair.source) for pair in pairs if pair.source}
    wanted = {ref for result in mapped.values() if isinstance(result, Mapped) for ref in result.references.values()}
    asked = _asked(flow, keys) if flow.has_exceptions else []
    now = clock.now()
    return Known(
        now=now,
        mapped=mapped,
        images=rows.images_of([pair.link.id for pair in pairs if pair.link]),
        open_changes=waiting.open_changes(flow, keys),
        refused=frozenset(key for key, kind in asked if kind != ExceptionKind.FLAPPING),
        halted=frozenset(key for key, kind in asked if kind == ExceptionKind.FLAPPING),
        references=reference.resolve(flow, wanted),
        strangers=_strangers(flow, pairs),
        written=_written(flow, keys, now),
    )


def _asked(flow: Flow, keys: Collection[str]) -> list[tuple[str, str]]:
    found = ReconciliationException.objects.filter(
        mapping=flow.mapping, state=ExceptionState.OPEN, source_key__in=list(keys)
    )
    return list(found.values_list("source_key", "kind"))


def _written(flow: Flow, keys: Collection[str], now: datetime) -> dict[str, list[Written]]:
    """What was written to these records in the last minutes, on either side."""
    found: dict[str, list[Written]] = {}
    done = Change.objects.filter(
        mapping=flow.mapping,
        operation=Operation.UPDATE,
        source_key__in=list(keys),
        state__in=[State.APPLIED, State.VERIFIED],
        ended_at__gt=now - WITHIN,
    ).order_by("id")
    for key, at, side, decisions in done.values_list("source_key", "ended_at", "side", "decisions"):
        fields = frozenset(name for name, why in decisions.items() if "value" in why)
        over = frozenset(name for name, why in decisions.items() if "lost" in why and "only the" in why["rule"])
        if at is not None:
            found.setdefault(key, []).append(Written(at, side, fields, over))
    return found


def _strangers(flow: Flow, pairs: Sequence[Pair]) -> frozenset[str]:
    """Unlinked records that a create of the hub may have made: its answer was lost, or is still being settled.

    They wait until that is settled; otherwise each would be made once more on the side it came from.
    """
    new = [pair for pair in pairs if pair.link is None or pair.link.state == LinkState.PENDING]
    held: set[str] = set()
    for side in ("source", "destination"):
        there = {record.key: pair.key for pair in new if (record := pair.record(side)) and _is_lone(pair, side)}
        open_creates = there and Change.objects.filter(
            mapping=flow.mapping, side=side, operation=Operation.CREATE, state__in=sorted(UNRESOLVED)
        )
        references = [change.reference for change in open_creates] if open_creates else []
        if references:
            held |= {there[key] for key in _possibly_ours(flow, side, references, set(there))}
    return frozenset(held)


def _is_lone(pair: Pair, side: str) -> bool:
    """Whether the record stands on this side alone, so that it would be made on the other."""
    other = "destination" if side == "source" else "source"
    is_named_here = (destination_key_of(pair.key) is None) == (side == "source")
    return pair.record(other) is None and is_named_here


def _possibly_ours(flow: Flow, side: str, references: Sequence[str], keys: set[str]) -> set[str]:
    """Those of `keys` that carry one of our references; all of them where that cannot be asked at once."""
    end = flow.end(side)
    offered = end.offers.create
    if offered is None or not offered.read_back.by_external_id or offered.read_back.search_lag:
        return keys
    return keys & {record.key for _, record in end.system.find(end.stream, references)}
