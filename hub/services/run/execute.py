"""Holds a lane and does all there is to do in it: its runs in order, then what waits."""

import logging
import os

from django.db import transaction
from django.db.models import Q

from hub import clock, failpoint, provenance, queue
from hub.engine import retry
from hub.models import (
    LIVE,
    Change,
    Lane,
    LeaseLostError,
    Mapping,
    RunState,
    SyncRun,
    Trigger,
)
from hub.sdk import FatalError, HubError, SilenceError, TransientError
from hub.services import hint, incarnation, pause
from hub.services.run import backlog, held, lease, life, limits, loop, pick, raised, share, verify
from hub.services.run.flow import Flow, StoppedError, opened
from hub.services.run.lane import free_with_work, lane_of
from hub.services.run.lease import Heartbeat
from hub.services.run.loop import OnPage
from hub.services.run.request import RequestError, request
from hub.services.run.turn import Turn

MOST_TRIES = retry.MOST_TRIES
logger = logging.getLogger(__name__)


def drain(*, lane_id: int, owner: str, on_page: OnPage | None = None, gives_way: bool = False) -> bool:
    """Hold the lane and do all it has to do now: runs in order on the first lane, waiting changes on every one.

    `gives_way`: after a turn it lets go of the lane when others wait for a worker, and rings to go on after them.
    Returns False at once when another worker holds it. A lost lease ends it quietly: the other one goes on.
    """
    incarnation.watch(at_once=True)
    lane = Lane.objects.select_related("mapping__source", "mapping__destination").get(pk=lane_id)
    lease.fit(lane, lane.mapping.destination.timeout_seconds)
    asked = clock.host()
    if not lane.claim(owner):
        return False
    if lane.held_since:
        clock.compare(lane.held_since, asked, clock.host())
    has_moved, turn = False, Turn(lane, gives_way=gives_way)
    try:
        failpoint.reach("lane.claimed")
        with Heartbeat(lane):
            while not turn.is_over() and (run := _next_run(lane) or _run_for_hints(lane)):
                if life.start(run, lane):
                    with provenance.within(run_id=run.pk, on_behalf=_asker(run)):
                        _execute(run, lane, on_page, turn)
            has_moved = turn.is_over() or _drain_alone(lane, turn)
    except LeaseLostError:
        logger.info("The lease of %s went to another worker.", lane)
    finally:
        failpoint.reach("lane.before_release")
        lane.release()
    failpoint.reach("lane.released")
    _finish(lane.mapping_id)
    _look_again(lane, has_moved=has_moved)
    return True


def execute_here(*, run: SyncRun, on_page: OnPage | None = None) -> bool:
    """Do the work of a run's first lane in this process; False when a worker is doing it already."""
    return drain(lane_id=lane_of(run.mapping).pk, owner=f"shell:{os.getpid()}", on_page=on_page)


def _next_run(lane: Lane) -> SyncRun | None:
    """The live run that may go on now, for the holder of the first lane; one whose predecessor failed is ended.

    One whose lanes are being drained has nothing more to read.
    """
    if lane.slice:
        return None
    waiting = SyncRun.objects.select_related("after", "version", "integration", "requested_by").filter(
        mapping_id=lane.mapping_id, state__in=LIVE, is_draining=False
    )
    now = clock.now()
    for run in waiting.order_by("id"):
        if run.after and run.after.state in (RunState.FAILED, RunState.CANCELLED):
            life.end(run, RunState.CANCELLED, "predecessor", f"“{run.after.mapping}” before it {run.after.state}.")
        elif pause.is_paused(run.mapping_id, reading=run.is_preview):
            life.wait(run, pause.StandstillError(pause.reason_for(lane.mapping)))
        elif not (run.due_at and run.due_at > now) and not (run.after and run.after.state in LIVE):
            return run
    return None


def _run_for_hints(lane: Lane) -> SyncRun | None:
    """A run for hints that are due, unless it may not run now: then they stay until it may."""
    if lane.slice or not hint.is_due(lane.mapping_id, clock.now()):
        return None
    mapping = Mapping.objects.select_related("integration", "source", "destination", "active_version").get(
        pk=lane.mapping_id
    )
    try:
        return request(mapping=mapping, trigger=Trigger.HINT, hints_only=True)
    except RequestError:
        return None


def _execute(run: SyncRun, lane: Lane, on_page: OnPage | None, turn: Turn) -> None:
    """Run to an end, whatever happens: an end has a state and a reason."""
    failpoint.reach("run.started")
    try:
        _guard_tries(run)
        held.refuse(lane.mapping)
        with opened(run, lane) as flow:
            flow.turn = turn
            loop.go_through(flow, on_page)
            _close(flow)
    except LeaseLostError:
        raise
    except pause.StandstillError as standstill:
        life.wait(run, standstill)
    except StoppedError as stop:
        life.end(run, RunState.CANCELLED, stop.code, str(stop))
    except (TransientError, SilenceError) as error:
        life.try_later(run, error)
    except HubError as error:
        raised.raise_page(run, error)
        life.end(run, RunState.FAILED, error.code, str(error))
    except Exception as error:
        logger.exception("Run %s broke.", run.pk)
        life.end(run, RunState.FAILED, "bug", f"The hub or a connector broke ({type(error).__name__}). See the log.")
    if on_page:
        on_page(run)


def _asker(run: SyncRun) -> str:
    """The person who asked for it, as the audit trail names people; nobody where a schedule or a hint did."""
    return run.requested_by.get_username() if run.requested_by else ""


def _guard_tries(run: SyncRun) -> None:
    if run.tries > MOST_TRIES:
        raise FatalError(f"A worker died or failed {MOST_TRIES} times in this run. See the log before running again.")


def _close(flow: Flow) -> None:
    """Everything is read: help with what waits in other lanes, and end the run unless workers are still busy there."""
    failpoint.reach("run.before_finish")
    with transaction.atomic():
        flow.lane.hold()
        if flow.has_exceptions:
            raised.settle_page(flow.mapping.pk, clock.now())
        flow.run.is_draining = True
        flow.run.save(update_fields=["is_draining"])
    failpoint.reach("run.draining")
    while flow.slices > 1 and not limits.is_cancelled(flow.run) and share.help_out(flow):
        pass
    _finish(flow.mapping.pk)
    flow.run.refresh_from_db()


def _finish(mapping_id: int) -> None:
    """End runs whose lanes were being drained, when told to stop or when this was the last of them."""
    for run in SyncRun.objects.filter(mapping_id=mapping_id, state=RunState.RUNNING, is_draining=True):
        if limits.is_cancelled(run):
            life.end(run, RunState.CANCELLED, StoppedError.code, limits.CANCELLED)
        elif share.finish(run):
            life.ring_followers(run)


def _look_again(lane: Lane, *, has_moved: bool) -> None:
    """Ring for what came while the lane was held: whoever rang then was sent away."""
    if pause.is_paused(lane.mapping_id):
        return
    now = clock.now()
    runs = SyncRun.objects.filter(Q(due_at__isnull=True) | Q(due_at__lte=now), mapping_id=lane.mapping_id)
    runs = runs.filter(Q(after__isnull=True) | ~Q(after__state__in=LIVE), state=RunState.QUEUED)
    is_asked = lane.slice == 0 and runs.exists()
    if is_asked or (has_moved and pick.due(lane, _slices(lane), now).exists()):
        queue.ring(lane.pk)


def _slices(lane: Lane) -> int:
    return Mapping.objects.values_list("slices", flat=True).get(pk=lane.mapping_id)


def _drain_alone(lane: Lane, turn: Turn) -> bool:
    """Send and settle what waits when no run is there to do it; whether anything moved.

    The holder of the first lane helps with the others, so that one worker alone comes to an end of all of them.
    """
    first = _first_due(lane)
    if first is None or pause.is_paused(lane.mapping_id) or held.put_off(lane.mapping):
        return False
    try:
        with opened(first.run, lane) as flow:
            flow.turn = turn
            held.go_on_or_wait(flow)
            backlog.replan(flow)
            has_moved = share.drain(flow)
            while lane.slice == 0 and not turn.is_over() and share.help_out(flow):
                has_moved = True
            return has_moved
    except HubError as error:
        logger.warning("Open changes of %s wait: %s", lane, error)
        return False


def _first_due(lane: Lane) -> Change | None:
    slices, now = _slices(lane), clock.now()
    mine = [lane, *(free_with_work(lane.mapping_id, slices) if lane.slice == 0 and slices > 1 else ())]
    asked = ((pick.due(one, slices, now), verify.due(one, slices, now)) for one in mine)
    found = (due.select_related("run__version").first() for both in asked for due in both)
    return next((change for change in found if change is not None), None)
