"""Stops a run, or holds back a part of it, before it does what it should not."""

import time
from collections.abc import Sequence

from django.db.models import Q

from hub.engine import guard
from hub.engine.plan import Planned
from hub.models import LinkState, Mapping, SyncRun
from hub.sdk import FatalError, Operation, Page
from hub.services.run import page
from hub.services.run.flow import Flow, StoppedError

PAUSED = Q(integration__is_paused=True) | Q(source__is_paused=True) | Q(destination__is_paused=True)


def is_paused(mapping_id: int) -> bool:
    """Whether the integration or one of its connections is paused: then nothing new is written."""
    return Mapping.objects.filter(PAUSED, pk=mapping_id).exists()


def go_on_or_stop(flow: Flow, *, is_writing: bool) -> None:
    """Obey a cancellation or a pause: before anything is written, and once a second while only reading."""
    if not is_writing and time.monotonic() < flow.look_again:
        return
    flow.look_again = time.monotonic() + 1
    if SyncRun.objects.filter(pk=flow.run.pk, cancel_asked=True).exists():
        raise StoppedError("Cancelled. What was written stays; the rest was not sent.")
    if is_paused(flow.run.mapping_id):
        raise StoppedError("Stopped, because the integration or one of its connections was paused.")


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


def stop_on_same_failure(flow: Flow, sorted_: page.Sorted) -> None:
    """The same failure again and again is a broken contract, not so many bad records."""
    for one in sorted_.raised:
        flow.failures[(one.kind, one.code, one.field)] += 1
    flow.run.refresh_from_db()
    for (kind, code, field), count in flow.failures.items():
        if guard.same_failure_stops(count, flow.run.received):
            told = " ".join(part for part in (str(kind), code, field) if part)
            raise FatalError(f"{count} records failed for one reason ({told}). Look at one of them, then run again.")
