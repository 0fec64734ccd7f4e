"""The loop of a run. Read it aloud: read, sort, guard, intend, write, record; then what is gone; then the books."""

import logging
import os
import random
from collections.abc import Callable, Sequence
from itertools import islice

from django.db import transaction

from hub import clock, queue
from hub.engine import retry
from hub.models import (
    LIVE,
    Change,
    Checkpoint,
    Hint,
    Lane,
    LeaseLostError,
    RunState,
    SeenPage,
    SyncRun,
)
from hub.sdk import FatalError, HubError, Page, Record, SilenceError, TransientError
from hub.services.run import books, commit, limits, page, removal, settle, write
from hub.services.run.flow import Flow, StoppedError, opened
from hub.services.run.lease import Heartbeat

PREVIEW_ROOM = 500
MOST_TRIES = 5
OnPage = Callable[[SyncRun], None]
logger = logging.getLogger(__name__)


def drain(*, lane_id: int, owner: str, on_page: OnPage | None = None) -> bool:
    """Hold the lane and do all it has to do now: open changes, then runs in order.

    Returns False at once when another worker holds it. A lost lease ends it quietly: the other one goes on.
    """
    lane = Lane.objects.select_related("mapping").get(pk=lane_id)
    if not lane.claim(owner):
        return False
    try:
        with Heartbeat(lane):
            while run := _next_run(lane):
                _execute(run, lane, on_page)
            _settle_alone(lane)
    except LeaseLostError:
        logger.info("The lease of %s went to another worker.", lane)
    finally:
        lane.release()
    return True


def execute_here(*, run: SyncRun, on_page: OnPage | None = None) -> bool:
    """Do the work of a run's lane in this process; False when a worker is doing it already."""
    lane, _ = Lane.objects.get_or_create(mapping_id=run.mapping_id, slice=0)
    return drain(lane_id=lane.pk, owner=f"shell:{os.getpid()}", on_page=on_page)


def _next_run(lane: Lane) -> SyncRun | None:
    """The live run of this lane that may go on now; one whose predecessor failed is ended."""
    waiting = SyncRun.objects.select_related("after", "version", "integration").filter(
        mapping_id=lane.mapping_id, state__in=LIVE
    )
    run = waiting.order_by("id").first()
    if run is None or (run.due_at and run.due_at > clock.now()) or (run.after and run.after.state in LIVE):
        return None
    if run.after and run.after.state in (RunState.FAILED, RunState.CANCELLED):
        _end(run, RunState.CANCELLED, "predecessor", f"“{run.after.mapping}” before it {run.after.state}.")
        return _next_run(lane)
    return run


def _execute(run: SyncRun, lane: Lane, on_page: OnPage | None) -> None:
    """Run to an end, whatever happens: an end has a state and a reason."""
    _start(run, lane)
    try:
        _guard_tries(run)
        with opened(run, lane) as flow:
            _go_through(flow, on_page)
        _finish(run)
    except LeaseLostError:
        raise
    except StoppedError as stop:
        _end(run, RunState.CANCELLED, stop.code, str(stop))
    except (TransientError, SilenceError) as error:
        _try_later(run, error)
    except HubError as error:
        _end(run, RunState.FAILED, error.code, str(error))
    except Exception as error:
        logger.exception("Run %s broke.", run.pk)
        _end(run, RunState.FAILED, "bug", f"The hub or a connector broke ({type(error).__name__}). See the log.")
    if on_page:
        on_page(run)


def _go_through(flow: Flow, on_page: OnPage | None) -> None:
    """All of a run: first what earlier runs left open, then hints, the pages, what is gone, and lost answers."""
    limits.go_on_or_stop(flow, is_writing=True)
    if not flow.run.is_preview:
        settle.settle(flow)
    _read_hints(flow)
    while not flow.run.read_complete:
        _take_page(flow, flow.source.read(flow.mapping.source_stream, flow.run.cursor, flow.mapping.page_size))
        if on_page:
            flow.run.refresh_from_db()
            on_page(flow.run)
    _remove_absent(flow)
    if not flow.run.is_preview:
        settle.settle(flow)


def _take_page(flow: Flow, found: Page) -> None:
    """One page: sort it, write what must be written, then commit the rest together with the cursor."""
    limits.refuse_standstill(flow, found)
    sorted_ = page.sort(flow, found.records, found.faults)
    _write(flow, sorted_)
    with transaction.atomic():
        flow.lane.hold()
        commit.position(flow, found, sorted_)
        commit.account(flow, sorted_)
    if sorted_.raised or flow.failures:
        limits.stop_on_same_failure(flow, sorted_)


def _write(flow: Flow, sorted_: page.Sorted) -> None:
    """Commit the intents, send them, and commit the outcomes; a preview only keeps the plan."""
    limits.go_on_or_stop(flow, is_writing=bool(sorted_.planned))
    if flow.run.is_preview:
        kept = flow.run.changes.count() if sorted_.planned else 0
        write.preview(flow, sorted_.planned, max(0, PREVIEW_ROOM - kept))
        return
    going, waiting, reason = limits.part_removals(flow, sorted_.planned)
    if waiting:
        write.hold(flow, waiting, reason)
    changes = write.intend(flow, going, sorted_.superseded)
    sorted_.seen += [change.link_id for change in changes if change.link_id]
    write.send(flow, changes)


def _read_hints(flow: Flow) -> None:
    """Re-read records that something pointed at. A run that reads everything meets them anyway."""
    run = flow.run
    if run.is_preview or run.hints_done:
        return
    hints = list(Hint.objects.filter(mapping=flow.mapping, since__lte=run.queued_at).order_by("id"))
    if run.is_full or not flow.source_offers.fetch_by_key:
        Hint.objects.filter(pk__in=[hint.pk for hint in hints]).delete()
        hints = []
    waiting = iter(hints)
    while chunk := list(islice(waiting, flow.mapping.page_size)):
        _take_hints(flow, chunk)
    run.hints_done = True
    run.save(update_fields=["hints_done"])


def _take_hints(flow: Flow, hints: Sequence[Hint]) -> None:
    """Read these records by key and treat them as a page; a record that is not there any more counts as deleted."""
    found, is_whole = flow.fetch([hint.source_key for hint in hints])
    taken = [hint for hint in hints if is_whole or hint.source_key in found]
    records = [found.get(hint.source_key) or Record(hint.source_key, {}, deleted=True) for hint in taken]
    sorted_ = page.sort(flow, records)
    _write(flow, sorted_)
    with transaction.atomic():
        flow.lane.hold()
        Hint.objects.filter(pk__in=[hint.pk for hint in taken]).delete()
        commit.account(flow, sorted_)


def _remove_absent(flow: Flow) -> None:
    """Deletions by absence, only after a complete read; all are known before the guard is asked about the first."""
    gone = [page.removals(flow, keys) for keys in removal.absent(flow)]
    flow.removals += sum(len(sorted_.planned) for sorted_ in gone)
    for sorted_ in gone:
        flow.removals -= len(sorted_.planned)  # it is counted again when it is written
        _write(flow, sorted_)
        with transaction.atomic():
            flow.lane.hold()
            commit.account(flow, sorted_)
    SeenPage.objects.filter(run=flow.run).delete()


def _start(run: SyncRun, lane: Lane) -> None:
    now = clock.now()
    run.state, run.epoch, run.tries, run.due_at = RunState.RUNNING, lane.epoch, run.tries + 1, None
    run.reason, run.reason_code = "", ""
    run.started_at = run.started_at or now
    if run.version_id is None:
        run.version = lane.mapping.active_version
    if run.cursor is None and not run.is_full and not run.pages:
        run.cursor = Checkpoint.objects.filter(mapping_id=run.mapping_id).values_list("cursor", flat=True).first()
    run.save()


def _guard_tries(run: SyncRun) -> None:
    if run.tries > MOST_TRIES:
        raise FatalError(f"A worker died or failed {MOST_TRIES} times in this run. See the log before running again.")


def _finish(run: SyncRun) -> None:
    books.close(run, clock.now())
    _ring_followers(run)


def _end(run: SyncRun, state: RunState, code: str, reason: str) -> None:
    """End a run early. What is open stays open and is settled later."""
    now = clock.now()
    SyncRun.objects.filter(pk=run.pk, state__in=LIVE).update(
        state=state, reason_code=code[:40], reason=reason[:1000], ended_at=now
    )
    SeenPage.objects.filter(run=run).delete()
    run.refresh_from_db()
    _ring_followers(run)


def _jitter() -> float:
    return random.random()  # noqa: S311  spreads retries, keeps no secret


def _try_later(run: SyncRun, error: HubError) -> None:
    """A passing failure of a read: the run waits and goes on where it stood."""
    wait = getattr(error, "retry_after", None)
    now = clock.now()
    decision = retry.decide(
        tries=run.tries,
        most=MOST_TRIES,
        now=now,
        chance=_jitter(),
        retry_after=wait,
    )
    if not decision.retry:
        _end(run, RunState.FAILED, "retries", f"{error} Tried {run.tries} times.")
        return
    SyncRun.objects.filter(pk=run.pk).update(
        state=RunState.QUEUED, due_at=decision.due_at, reason_code=error.code,
        reason=f"{error} {decision.reason} It is tried again at {decision.due_at:%H:%M:%S} UTC."[:1000],
    )  # fmt: skip
    run.refresh_from_db()


def _ring_followers(run: SyncRun) -> None:
    for lane_id in Lane.objects.filter(mapping__runs__after=run, mapping__runs__state__in=LIVE).values_list(
        "id", flat=True
    ):
        queue.ring(lane_id)


def _settle_alone(lane: Lane) -> None:
    """Settle open changes when no run is there to do it."""
    changes = Change.objects.filter(settle.due(lane.mapping_id, clock.now())).select_related("run__version")
    first = changes.order_by("id").first()
    if first is None or limits.is_paused(lane.mapping_id):
        return
    try:
        with opened(first.run, lane) as flow:
            settle.settle(flow)
    except HubError as error:
        logger.warning("Open changes of %s wait: %s", lane, error)
