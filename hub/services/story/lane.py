"""The lanes of a mapping: who holds which and since when, how much waits in each, and which records are stuck."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from hub.engine import lane as lanes
from hub.engine.intent import IN_FLIGHT, State
from hub.models import Change, ExceptionState, Lane, Mapping, ReconciliationException
from hub.services.run.books import BEHIND
from hub.services.story import exception as exception_story
from hub.services.story.lens import Lens

COUNTED = 10_000
STUCK_SHOWN = 20


@dataclass(frozen=True, slots=True)
class LaneTold:
    """One lane as a page shows it. `is_lapsed`: whoever held it died or is cut off."""

    lane: Lane
    waiting: int
    is_held: bool
    is_lapsed: bool


@dataclass(frozen=True, slots=True)
class StuckTold:
    """A record that is stuck: its exception, its lane, and how many changes are held behind it."""

    exception: ReconciliationException
    slice: int
    behind: int


@dataclass(frozen=True, slots=True)
class Told:
    """All lanes of a mapping. `is_capped`: more waits than was counted."""

    lanes: list[LaneTold] = field(default_factory=list)
    stuck: list[StuckTold] = field(default_factory=list)
    is_capped: bool = False
    has_more_stuck: bool = False


def tell(mapping: Mapping, now: datetime, lens: Lens) -> Told:
    """The lanes in use, with counts up to ten thousand waiting changes, and the first stuck records."""
    waiting = Change.objects.filter(mapping=mapping, state__in=sorted(IN_FLIGHT)).order_by()
    buckets = list(waiting.values_list("bucket", flat=True)[: COUNTED + 1])
    counts = Counter(bucket % mapping.slices for bucket in buckets[:COUNTED])
    rows = Lane.objects.filter(mapping=mapping, slice__lt=mapping.slices).order_by("slice")
    found = [
        LaneTold(
            row, counts[row.slice],
            is_held=row.lease_until is not None and row.lease_until > now,
            is_lapsed=row.lease_until is not None and row.lease_until <= now,
        )
        for row in rows
    ]  # fmt: skip
    stuck = _stuck(mapping, lens)
    return Told(found, stuck[:STUCK_SHOWN], len(buckets) > COUNTED, len(stuck) > STUCK_SHOWN)


def _stuck(mapping: Mapping, lens: Lens) -> list[StuckTold]:
    """Records with an open question about a change: nothing newer of theirs passes it, or it waits for a person."""
    asked = ReconciliationException.objects.filter(
        mapping=mapping, state=ExceptionState.OPEN, change_id__isnull=False
    ).order_by("id")[: STUCK_SHOWN + 1]
    exceptions = exception_story.with_words(asked, lens)
    keys = [one.source_key for one in exceptions]
    held = Change.objects.filter(mapping=mapping, source_key__in=keys, state=State.HELD, code=BEHIND).order_by()
    behind = Counter(held.values_list("source_key", flat=True)[:COUNTED])
    return [
        StuckTold(one, lanes.slice_of(one.source_key, mapping.slices), behind[one.source_key]) for one in exceptions
    ]
