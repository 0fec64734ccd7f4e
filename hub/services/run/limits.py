"""Stops a run, or holds back a part of it, before it does what it should not."""

import time
from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet

from hub.engine import guard
from hub.engine.intent import IN_FLIGHT, State
from hub.engine.plan import Planned
from hub.models import Change, LinkState, Mapping, SyncRun
from hub.sdk import FatalError, Operation, Page
from hub.services import incarnation, pause
from hub.services.run import lane, piles
from hub.services.run.flow import Flow, StoppedError

CANCELLED = "Cancelled. What was written stays; the rest was not sent."


def go_on_or_stop(flow: Flow, *, is_writing: bool) -> None:
    """Obey a cancellation or a pause: before anything is written, and once a second while only reading.

    Raises StoppedError to end the run and StandstillError to let it wait. A preview writes nothing, so only a pause
    of reading stops it.
    """
    if not is_writing and time.monotonic() < flow.look_again:
        return
    flow.look_again = time.monotonic() + 1
    incarnation.watch()
    is_stopped = look_around(flow)
    if flow.is_cancelled:
        raise StoppedError(CANCELLED)
    if is_stopped:
        pause.refuse(flow.mapping, reading=flow.run.is_preview)


def is_cancelled(run: SyncRun) -> bool:
    """Whether somebody asked for the end of this run."""
    return _cancelled(run).exists()


def look_around(flow: Flow) -> bool:
    """Note how the mapping stands now: how many lanes, whether changes may be open besides ours, whether to go on.

    Returns whether something it needs is paused. All of it is one question, as it is asked for every page.
    """
    changes = Change.objects.filter(mapping_id=OuterRef("pk")).order_by()
    asked = Mapping.objects.filter(pk=flow.mapping.pk).values_list(
        "slices",
        Exists(_cancelled(flow.run)),
        pause.stops(reading=flow.run.is_preview),
        Exists(changes.filter(state__in=sorted(IN_FLIGHT))),
        Exists(changes.filter(state=State.HELD)),
    )
    slices, flow.is_cancelled, is_stopped, *is_open = asked[0]
    if slices > 1:
        lane.make(flow.mapping.pk, slices)
    flow.slices = slices or 1
    flow.has_open = slices > 1 or any(is_open)
    return bool(is_stopped)


def _cancelled(run: SyncRun) -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(pk=run.pk, cancel_asked=True).order_by()


def part_removals(flow: Flow, planned: Sequence[Planned]) -> tuple[list[Planned], list[Planned], str]:
    """(what may go, removals that must wait, why): all removals of a run count together, however they became known."""
    removals = [one for one in planned if is_removal(one)]
    flow.removals += len(removals)
    reason = removals_must_wait(flow) if removals else ""
    if not reason:
        return list(planned), [], ""
    return [one for one in planned if not is_removal(one)], removals, reason


def is_removal(planned: Planned) -> bool:
    """Whether a write deletes or archives."""
    return planned.is_archive or planned.operation is Operation.DELETE


def removals_must_wait(flow: Flow) -> str:
    """Why the removals of this run so far need approval, or an empty string."""
    if flow.known is None:
        flow.known = flow.mapping.links.filter(state=LinkState.LINKED).count()
    limit = guard.DeletionLimit(flow.mapping.max_deletions, float(flow.mapping.max_deletion_share))
    return guard.deletions_need_approval(flow.removals, flow.known, limit)


def refuse_standstill(flow: Flow, found: Page) -> None:
    """A cursor that does not move would read the same page for ever."""
    if not found.done and found.cursor == flow.run.cursor:
        raise FatalError("The source gave the same cursor twice; reading on would never end.")


def stop_on_same_failure(flow: Flow, sorted_: piles.Sorted) -> None:
    """The same failure again and again is a broken contract, not so many bad records."""
    for one in sorted_.raised:
        flow.failures[(one.kind, one.code, one.field)] += 1
    flow.run.refresh_from_db()
    for (kind, code, field), count in flow.failures.items():
        if guard.same_failure_stops(count, flow.run.received):
            told = " ".join(part for part in (str(kind), code, field) if part)
            share = f"{count / max(1, flow.run.received):.0%} of those received"
            raise FatalError(
                f"{count} records, {share}, failed for one reason ({told}). That is a contract or a setting, not so "
                "many bad records: look at one of them, correct the cause, then run again."
            )
