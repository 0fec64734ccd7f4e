"""Commits what a page brought besides its writes: counts, questions, hints, position. Called inside a transaction."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from hub import clock, failpoint
from hub.engine.intent import OPEN, UNRESOLVED, State
from hub.models import (
    Change,
    Checkpoint,
    ExceptionState,
    LinkState,
    Mapping,
    ReconciliationException,
    SyncRun,
    bulk,
)
from hub.sdk import CursorKind, Page
from hub.services import hint, miss
from hub.services.run import books, piles, raised, seen, transition
from hub.services.run.flow import Flow


def withdraw(flow: Flow, sorted_: piles.Sorted) -> None:
    """Withdraw waiting changes that newer ones replace. A record whose change left meanwhile waits for its outcome."""
    if not sorted_.superseded:
        return
    with transaction.atomic():
        flow.lane.hold()
        left = supersede(list(sorted_.superseded.values()))
        failpoint.reach("supersede.before_commit")
    failpoint.reach("supersede.committed")
    for key, id_ in sorted_.superseded.items():
        if id_ in left:
            sorted_.postpone(key)


def supersede(ids: Sequence[int]) -> set[int]:
    """Withdraw changes that were not sent yet; returns those that somebody sent or ended since they were read."""
    rows = Change.objects.filter(pk__in=ids).order_by("id").select_for_update()
    waiting = [change for change in rows.only("id", "run_id", "state") if change.state in OPEN - UNRESOLVED]
    Change.objects.filter(pk__in=[one.pk for one in waiting]).update(state=State.SUPERSEDED.value, ended_at=clock.now())
    moved = Counter((one.run_id, "held" if one.state == State.HELD else "in_flight") for one in waiting)
    for (run_id, count), number in sorted(moved.items()):
        books.add(run_id, **{count: -number, "excluded": number})
    return set(ids) - {one.pk for one in waiting}


def take_back(run: SyncRun) -> None:
    """Cancel what a cancelled run left waiting in lanes; the next run reads those records again."""
    with transaction.atomic():
        rows = run.changes.filter(state=State.READY, tries=0).order_by("id").select_for_update()
        unsent = dict(rows.values_list("id", "source_key"))
        Change.objects.filter(pk__in=unsent).update(state=State.CANCELLED.value, ended_at=clock.now())
        hint.note(run.mapping_id, dict.fromkeys(unsent.values(), piles.CANCELLED), clock.now())
        books.add(run.pk, in_flight=-len(unsent), excluded=len(unsent))


def account(flow: Flow, sorted_: piles.Sorted) -> None:
    """Account for the records that needed no write."""
    run, now = flow.run, clock.now()
    if not run.is_preview:
        bring(flow, sorted_, now)
    if flow.newest > run.accounted_to:
        run.accounted_to = flow.newest
        run.save(update_fields=["accounted_to"])
    books.add(
        run.pk,
        received=sorted_.settled,
        unchanged=sorted_.unchanged,
        excluded=sorted_.excluded,
        held=sorted_.held,
        excepted=sorted_.excepted,
    )


def bring(flow: Flow, sorted_: piles.Sorted, now: datetime) -> None:
    """Links that agree, questions, and hints: in this order, in which everybody locks them."""
    bulk.update(
        "hub_link",
        columns={"source_digest": "text", "source_version": "text", "digest": "text", "updated_at": "timestamptz"},
        rows=[(id_, source_digest, version, digest, now) for id_, source_digest, version, digest in sorted_.touched],
    )
    bulk.update(
        "hub_link",
        columns={"state": "text", "updated_at": "timestamptz"},
        rows=[(id_, LinkState.GONE.value, now) for id_ in sorted_.forgotten],
    )
    _questions(flow, sorted_)
    hint.take(sorted_.followed)
    hint.put_off(sorted_.unread, now)
    hint.note(flow.mapping.pk, sorted_.hints, now)


def _questions(flow: Flow, sorted_: piles.Sorted) -> None:
    """Open what a person must see, close what agrees again, note what is refused as before."""
    now = clock.now()
    raised.raise_all(run=flow.run, raised=sorted_.raised, now=now)
    if flow.has_exceptions:
        raised.settle(mapping_id=flow.mapping.pk, keys=sorted_.agreed, resolution="Both sides agree again.", now=now)
    if sorted_.still_refused:
        still = ReconciliationException.objects.filter(
            mapping=flow.mapping, state=ExceptionState.OPEN, source_key__in=sorted_.still_refused
        )
        still.update(seen_at=now, last_run=flow.run)
    raised.raise_all(run=flow.run, raised=sorted_.questions, now=now)
    flow.has_exceptions = flow.has_exceptions or bool(sorted_.raised or sorted_.questions)


def position(flow: Flow, found: Page, sorted_: piles.Sorted) -> None:
    """Cursor, page number, seen links and checkpoint, together with what the page brought."""
    run, now = flow.run, clock.now()
    if flow.reads_everything and all(fault.key for fault in found.faults):
        bulk.insert(
            "hub_seenpage",
            columns={"run_id": "bigint", "number": "int", "links": "bytea"},
            rows=[(run.pk, run.pages, seen.packed(sorted_.seen))],
        )
    run.cursor, run.read_complete, run.pages = found.cursor, found.done, run.pages + 1
    run.save(update_fields=["cursor", "read_complete", "pages"])
    if flow.counts_missed:
        miss.note(run.mapping_id, [planned.source_key for planned in sorted_.planned], now)
    if run.is_preview or not _keeps_place(flow, found):
        return
    # A version activated meanwhile asks for everything to be read again; this run must not call that done.
    is_complete = found.done and Mapping.objects.filter(pk=run.mapping_id, active_version_id=run.version_id).exists()
    complete = {"complete_at": now} if is_complete else {}
    Checkpoint.objects.update_or_create(
        mapping=flow.mapping, defaults={"cursor": found.cursor, "updated_at": now, **complete}
    )


def _keeps_place(flow: Flow, found: Page) -> bool:
    """Whether the next run goes on after this page, though this one should be cut short.

    A full read is begun anew then. But one that tells steps again which cannot be told from new ones must be brought to
    its end: it may have left records where they stood long ago.
    """
    if found.done or not flow.run.is_full:
        return True
    offers = flow.source_offers
    return transition.is_kept(flow) and not offers.versions_rise and offers.cursor is not CursorKind.NONE
