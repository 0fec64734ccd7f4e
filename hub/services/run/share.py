"""Shares a mapping's writing between workers: gives out what falls into other lanes, drains a lane, helps others."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from hub import clock, failpoint
from hub.engine import lane as lanes
from hub.engine.intent import State
from hub.models import Change, Lane, LeaseLostError, RunState, SyncRun
from hub.sdk import HubError
from hub.services import pause
from hub.services.run import books, lane, lease, limits, pick, settle, transition
from hub.services.run.flow import Flow
from hub.services.run.lease import Heartbeat

RING_SECONDS = 1.0
ROOM = 2000  # changes that may wait in other lanes before the reader stops reading and helps
PATIENCE_SECONDS = 30.0
NAP_SECONDS = 0.1
logger = logging.getLogger(__name__)


def drain(flow: Flow) -> bool:
    """Take every due change of the lane as far as it goes now, each record's oldest first; whether any moved."""
    has_moved = False
    while not pause.is_paused(flow.mapping.pk) and not (flow.turn and flow.turn.is_over()):
        limits.look_around(flow)
        if not settle.settle(flow):
            break
        has_moved = True
    transition.hold_behind(flow)
    return has_moved


def give_out(flow: Flow, changes: Sequence[Change]) -> None:
    """Ring for the other lanes that got changes; hold the reader back while too many wait there."""
    others = {lanes.slice_of(one.source_key, flow.slices) for one in changes if not flow.is_ours(one.source_key)}
    if not others:
        return
    flow.has_open = True
    if time.monotonic() >= flow.next_ring:
        lane.ring(flow.mapping.pk, others)
        flow.next_ring = time.monotonic() + RING_SECONDS
    _hold_back(flow)


def help_out(flow: Flow) -> bool:
    """Drain lanes that have work and nobody to do it, one after the other; whether anything moved."""
    helped = [_help(flow, free) for free in lane.free_with_work(flow.mapping.pk, flow.slices)]
    return any(helped)


def finish(run: SyncRun) -> bool:
    """End a run whose lanes were being drained, when nothing of it is left to send; whoever comes last does it."""
    now = clock.now()
    with transaction.atomic():
        live = SyncRun.objects.select_for_update(of=("self",)).filter(pk=run.pk, state=RunState.RUNNING)
        if not live.exists() or pick.unfinished(run, now).exists():
            return False
        books.close(run, now)
    failpoint.reach("run.finished")
    return True


def _help(flow: Flow, free: Lane) -> bool:
    lease.fit(free, flow.mapping.destination.timeout_seconds)
    if not free.claim(flow.lane.owner):
        return False
    try:
        with Heartbeat(free):
            return drain(replace(flow, lane=free))
    except LeaseLostError:
        logger.info("The lease of %s went to another worker.", free)
        return True
    except HubError as error:
        logger.warning("Open changes of %s wait: %s", free, error)
        return False
    finally:
        free.release()


def _hold_back(flow: Flow) -> None:
    """Help, or wait, until there is room again; go on when nothing moves for long: it may all wait for one record."""
    least, until = None, time.monotonic() + PATIENCE_SECONDS
    while (waiting := _waiting(flow)) > max(ROOM, 4 * flow.mapping.page_size) and time.monotonic() < until:
        if least is None or waiting < least:
            least, until = waiting, time.monotonic() + PATIENCE_SECONDS
        if not help_out(flow):
            time.sleep(NAP_SECONDS)
        limits.go_on_or_stop(flow, is_writing=False)


def _waiting(flow: Flow) -> int:
    return Change.objects.filter(mapping_id=flow.mapping.pk, state=State.READY).count()
