"""Cuts a long page of writes into portions of about a second, so that a pause stops it soon.

A connector is handed one portion at a time. What it was not handed has surely not left and goes back to READY.
"""

import time
from collections.abc import Iterator, Sequence

from django.db import transaction

from hub.engine.intent import State
from hub.models import Change
from hub.sdk import PacedError
from hub.services import incarnation, pause
from hub.services.run import held
from hub.services.run.flow import Flow

SECONDS = 1.0
GROWTH = 4
LARGEST = 100_000


def parts(flow: Flow, changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """These committed changes, a portion at a time. Raises StandstillError when a pause came in between,
    and PacedError when the connection is held by then.

    Portions grow while one takes less than a second and shrink when it takes longer; what was learned holds for
    the whole run.
    """
    sent = 0
    while sent < len(changes):
        size = flow.portion = flow.portion or _first(flow)
        if sent:
            _go_on_or_withdraw(flow, changes[sent:])
        started = time.monotonic()
        yield changes[sent : sent + size]
        sent += size
        flow.portion = fitting(size, time.monotonic() - started)
    if flow.is_stopped:
        flow.is_stopped = False
        pause.refuse(flow.mapping)


def fitting(size: int, seconds: float) -> int:
    """How many changes the next portion has, after one of `size` took so long."""
    if seconds <= 0:
        return min(LARGEST, size * GROWTH)
    return max(1, min(LARGEST, round(size * min(GROWTH, SECONDS / seconds))))


def _first(flow: Flow) -> int:
    """The first portion fills one request: before its answer nobody knows how fast the other side is."""
    offered = [each for each in (flow.offers.create, flow.offers.update) if each]
    return max([each.batch.max_items for each in offered], default=1)


def _go_on_or_withdraw(flow: Flow, rest: Sequence[Change]) -> None:
    """Ask for a pause or a hold, and if there is one put back what has not left, in one transaction."""
    incarnation.watch()
    try:
        pause.refuse(flow.mapping)
        held.go_on_or_wait(flow)
    except (pause.StandstillError, PacedError):
        withdraw(flow, rest)
        raise


def must_stop(flow: Flow) -> bool:
    """Whether a pause came while a portion is under way; asked of the database once a second."""
    if time.monotonic() < flow.look_for_pause:
        return False
    flow.look_for_pause = time.monotonic() + SECONDS
    incarnation.watch()
    flow.is_stopped = pause.is_paused(flow.mapping.pk)
    return flow.is_stopped


def withdraw(flow: Flow, changes: Sequence[Change]) -> None:
    """Put changes back that were committed as about to be sent and of which nothing has left."""
    if not changes:
        return
    with transaction.atomic():
        flow.lane.hold()
        ours = Change.objects.filter(pk__in=[c.pk for c in changes], state=State.SENDING.value, epoch=flow.lane.epoch)
        # Of one that is sent a second time, the first request may still have taken effect.
        ours.filter(lost_at__isnull=False).update(state=State.AMBIGUOUS.value, due_at=None)
        ours.filter(lost_at__isnull=True).update(state=State.READY.value, sent_at=None)
    for change in changes:
        change.state, change.sent_at = (State.AMBIGUOUS if change.lost_at else State.READY).value, None
