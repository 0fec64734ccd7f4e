"""What one transaction of outcomes will write, gathered first and written with few statements."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.engine.merge import Merged
from hub.models import Change, ExceptionKind, LeaseLostError, Link, SyncRun, bulk
from hub.sdk import Fields
from hub.services import hint
from hub.services.run import books, raised, rows
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised

Rows = list[tuple[Any, ...]]


@dataclass(slots=True)
class Tally:
    """Rows of each table, questions and counts. `present` is the state all of its changes are in.

    `quiet`, `halted`, `lost` and `verify` are seldom filled. `edits` is what was decided about fields that somebody
    edited there, by change.
    """

    now: datetime
    present: str
    purpose: str = "write"
    links: Rows = field(default_factory=list)
    images: Rows = field(default_factory=list)
    refused: Rows = field(default_factory=list)
    changes: Rows = field(default_factory=list)
    attempts: Rows = field(default_factory=list)
    quiet: Rows = field(default_factory=list)
    halted: Rows = field(default_factory=list)
    lost: Rows = field(default_factory=list)
    verify: Rows = field(default_factory=list)
    raised: dict[int, list[Raised]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    agreed: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    again: list[Change] = field(default_factory=list)
    renamed: Rows = field(default_factory=list)
    hints: dict[str, str] = field(default_factory=dict)
    edits: dict[int, tuple[Merged, Fields]] = field(default_factory=dict)

    def count(self, change: Change, became: str) -> None:
        """One change of a run is no longer in flight."""
        self.counts[change.run_id][became] += 1
        self.counts[change.run_id]["in_flight"] -= 1


def write(flow: Flow, tally: Tally) -> None:
    """Write it all. Called inside a transaction that holds the lane."""
    bulk.update("hub_link", columns=rows.LINK_COLUMNS, rows=tally.links)
    bulk.update("hub_link", columns=rows.REFUSED_COLUMNS, rows=tally.refused)
    bulk.update("hub_link", columns={"quiet_until": "timestamptz"}, rows=tally.quiet)
    bulk.update("hub_link", columns={"destination_key": "text", "step": "text"}, rows=tally.halted)
    bulk.upsert(
        "hub_linkimage",
        key=("link_id",),
        columns=rows.IMAGE_COLUMNS,
        rows=tally.images,
    )
    for link_id, key in tally.renamed:  # a record made at the source has its own key there now
        Link.objects.filter(mapping=flow.mapping, source_key=key).exclude(pk=link_id).delete()
    bulk.update("hub_link", columns={"source_key": "text"}, rows=tally.renamed)
    hint.note(flow.mapping.pk, tally.hints, tally.now)
    written = bulk.update(
        "hub_change",
        columns=rows.CHANGE_COLUMNS,
        rows=tally.changes,
        only={"state": tally.present, "epoch": flow.lane.epoch},
    )
    if written != len(tally.changes):
        raise LeaseLostError(f"Changes of {flow.lane} were taken over before their outcomes were recorded.")
    bulk.update("hub_change", columns={"lost_at": "timestamptz"}, rows=tally.lost)
    bulk.update("hub_change", columns={"verify_due": "timestamptz"}, rows=tally.verify)
    Change.objects.bulk_create(tally.again)
    bulk.insert("hub_attempt", columns=rows.ATTEMPT_COLUMNS, rows=tally.attempts)
    _questions(flow, tally)
    for run_id, counts in sorted(tally.counts.items()):
        books.add(run_id, **counts)


def _questions(flow: Flow, tally: Tally) -> None:
    """Open what a person must see, close what agrees again and what is in doubt no more."""
    runs = SyncRun.objects.select_related("integration", "mapping").in_bulk(list(tally.raised))
    for run_id, found in tally.raised.items():
        raised.raise_all(run=runs[run_id], raised=found, now=tally.now)
        flow.has_exceptions = True
    if flow.has_exceptions:
        mapping_id, now = flow.mapping.pk, tally.now
        raised.settle(mapping_id=mapping_id, keys=tally.agreed, resolution="Both sides agree again.", now=now)
        for key, words in tally.told.items():
            raised.settle(mapping_id=mapping_id, keys=[key], resolution=words, now=now, kinds=(ExceptionKind.IN_DOUBT,))
