"""How a run stands: taken up, put off, tried later, ended. All of it under the lease the run is executed with.

Other lanes count what they write while the reader decides, and a worker that slept past its lease may wake at any
time: only the columns that are decided here are written, and only while the run is still the one that was taken up.
"""

import random
from typing import Any

from django.db import transaction

from hub import clock, failpoint, queue
from hub.engine import retry
from hub.models import LIVE, Checkpoint, Lane, RunState, SeenPage, SyncRun
from hub.sdk import HubError, PacedError
from hub.services import hint, pause
from hub.services.run import commit
from hub.services.run.turn import GaveWayError

STARTED = ("state", "epoch", "tries", "due_at", "reason", "reason_code", "started_at", "version", "cursor")


def start(run: SyncRun, lane: Lane) -> bool:
    """Take a run up under the lease of its first lane; False when it ended meanwhile. Raises LeaseLostError."""
    now = clock.now()
    with transaction.atomic():
        lane.hold()
        if not SyncRun.objects.select_for_update(of=("self",)).filter(pk=run.pk, state__in=LIVE).exists():
            return False
        run.state, run.epoch, run.tries, run.due_at = RunState.RUNNING, lane.epoch, run.tries + 1, None
        run.reason, run.reason_code = "", ""
        run.started_at = run.started_at or now
        if run.version_id is None:
            run.version = lane.mapping.active_version
        if run.cursor is None and not run.is_full and not run.pages:
            run.cursor = Checkpoint.objects.filter(mapping_id=run.mapping_id).values_list("cursor", flat=True).first()
        run.save(update_fields=STARTED)
        failpoint.reach("run.before_start")
    return True


def end(run: SyncRun, state: RunState, code: str, reason: str) -> None:
    """End a run early. What is open stays open and is settled later."""
    now = clock.now()
    if not _stand(run, state=state, reason_code=code[:40], reason=reason[:1000], ended_at=now):
        return
    if run.cancel_asked:
        commit.take_back(run)
    SeenPage.objects.filter(run=run).delete()
    if run.is_hints_only:
        hint.put_off_all(run.mapping_id, now)
    ring_followers(run)


def wait(run: SyncRun, standstill: pause.StandstillError) -> None:
    """A pause: the run keeps its place and goes on from there when it is resumed. It does not count as a failed try."""
    reason = f"{standstill} It goes on where it stands once that is resumed."
    _stand(run, state=RunState.QUEUED, tries=min(run.tries, 1), reason_code=standstill.code, reason=reason[:1000])


def try_later(run: SyncRun, error: HubError) -> None:
    """A passing failure of a read: the run waits and goes on where it stood."""
    if isinstance(error, PacedError):
        _hold(run, error)
        return
    wait = getattr(error, "retry_after", None)
    decision = retry.decide(tries=run.tries, now=clock.now(), chance=_jitter(), retry_after=wait)
    if not decision.retry:
        end(run, RunState.FAILED, "retries", f"{error} Tried {run.tries} times.")
        return
    reason = f"{error} {decision.reason} It is tried again at {decision.due_at:%H:%M:%S} UTC."
    _stand(run, state=RunState.QUEUED, due_at=decision.due_at, reason_code=error.code, reason=reason[:1000])


def ring_followers(run: SyncRun) -> None:
    """Ring for the runs that wait for the end of this one."""
    followers = Lane.objects.filter(mapping__runs__after=run, mapping__runs__state__in=LIVE)
    for lane_id in followers.values_list("id", flat=True):
        queue.ring(lane_id)


def _hold(run: SyncRun, error: PacedError) -> None:
    """The hub itself held the run back: it goes on where it stood when the hold ends. That is no failed try."""
    if isinstance(error, GaveWayError):
        due, when = None, "when it is its turn again"
    else:
        due = retry.held_until(now=clock.now(), chance=_jitter(), seconds=error.retry_after)
        when = f"at {due:%H:%M:%S} UTC"
    reason = f"{error} The run goes on where it stands {when}."
    tries = max(0, run.tries - 1)
    _stand(run, state=RunState.QUEUED, due_at=due, tries=tries, reason_code=error.code, reason=reason[:1000])


def _stand(run: SyncRun, **columns: Any) -> bool:
    """Let a run stand so, and read it anew; False when it has ended or another worker has taken it up since."""
    ours = SyncRun.objects.filter(pk=run.pk, epoch=run.epoch, state__in=LIVE)
    is_ours = bool(ours.update(**columns))
    run.refresh_from_db()
    return is_ours


def _jitter() -> float:
    return random.random()  # noqa: S311  spreads retries, keeps no secret
