"""Commits what a page brought besides its writes: counts, questions, hints, position. Called inside a transaction."""

from hub import clock
from hub.models import Checkpoint, ExceptionState, LinkState, Mapping, ReconciliationException, bulk
from hub.sdk import Page
from hub.services.run import books, page, raised, removal
from hub.services.run.flow import Flow


def account(flow: Flow, sorted_: page.Sorted) -> None:
    """Account for the records that needed no write."""
    run, now = flow.run, clock.now()
    books.add(
        run.pk,
        received=sorted_.settled,
        unchanged=sorted_.unchanged,
        excluded=sorted_.excluded,
        held=sorted_.held,
        excepted=sorted_.excepted,
    )
    if run.is_preview:
        return
    bulk.update(
        "hub_link",
        columns={"source_digest": "text", "source_version": "text", "digest": "text", "updated_at": "timestamptz"},
        rows=[(id_, source_digest, version, digest, now) for id_, source_digest, version, digest in sorted_.touched],
    )
    bulk.update("hub_link", columns={"state": "text"}, rows=[(id_, LinkState.GONE.value) for id_ in sorted_.forgotten])
    _questions(flow, sorted_)
    bulk.upsert(
        "hub_hint",
        key=("mapping_id", "source_key"),
        columns={"mapping_id": "bigint", "source_key": "text", "reason": "text", "since": "timestamptz"},
        rows=[(flow.mapping.pk, key, reason, now) for key, reason in sorted_.hints.items()],
    )


def _questions(flow: Flow, sorted_: page.Sorted) -> None:
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
    flow.has_exceptions = flow.has_exceptions or bool(sorted_.raised)


def position(flow: Flow, found: Page, sorted_: page.Sorted) -> None:
    """Cursor, page number, seen links and checkpoint, together with what the page brought."""
    run, now = flow.run, clock.now()
    if flow.reads_everything and all(fault.key for fault in found.faults):
        bulk.insert(
            "hub_seenpage",
            columns={"run_id": "bigint", "number": "int", "links": "bytea"},
            rows=[(run.pk, run.pages, removal.packed(sorted_.seen))],
        )
    run.cursor, run.read_complete, run.pages = found.cursor, found.done, run.pages + 1
    run.save(update_fields=["cursor", "read_complete", "pages"])
    if run.is_preview or (run.is_full and not found.done):
        return
    # A version activated meanwhile asks for everything to be read again; this run must not call that done.
    is_complete = found.done and Mapping.objects.filter(pk=run.mapping_id, active_version_id=run.version_id).exists()
    complete = {"complete_at": now} if is_complete else {}
    Checkpoint.objects.update_or_create(
        mapping=flow.mapping, defaults={"cursor": found.cursor, "updated_at": now, **complete}
    )
