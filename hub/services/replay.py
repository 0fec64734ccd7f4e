"""Replays: chosen by a filter, shown before they start, paced, paused, cancelled, and told afterwards.

A replay never sends what was stored. Each batch is a run of its own that reads the records at the source and decides
about them like any run, so that intents, guards, pauses and order hold. A change it makes knows the one it replays.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum

from hub import clock, failpoint
from hub.engine.intent import State
from hub.models import (
    LIVE,
    Change,
    Link,
    Mapping,
    MappingVersion,
    Replay,
    ReplayState,
    ReplayVersion,
    RunState,
    SyncRun,
    Trigger,
    User,
)
from hub.sdk import HubError
from hub.services import audit
from hub.services.run import RequestError, kept, request
from hub.services.run import cancel as cancel_run

COUNTED = 100_000
LARGEST = 1000
SAMPLE = 100
AGAIN = timedelta(seconds=10)
COUNTS = ("received", "unchanged", "created", "updated", "deleted", "held", "excluded", "excepted", "in_flight")
KINDS: dict[str, tuple[str, tuple[State, ...]]] = {
    "refused": ("refused", (State.REJECTED,)),
    "conflict": ("changed on the other side", (State.CONFLICT,)),
    "doubt": ("in doubt", (State.PARKED, State.AMBIGUOUS)),
    "withdrawn": ("withdrawn", (State.CANCELLED, State.SUPERSEDED)),
    "written": ("written", (State.APPLIED, State.VERIFIED)),
}


class ReplayError(HubError):
    """What was asked does not fit how the replay stands."""

    code = "replay"


def chosen(replay: Replay) -> QuerySet[Change]:
    """The changes that a replay is about: of each record the newest that fits, oldest first."""
    fits = _fitting(replay)
    newer = fits.filter(source_key=OuterRef("source_key"), pk__gt=OuterRef("pk"))
    return fits.filter(~Exists(newer)).order_by("id")


def count(replay: Replay) -> int:
    """How many records it is about, up to a hundred thousand."""
    return chosen(replay)[:COUNTED].count()


@transaction.atomic
def draft(*, replay: Replay, by: User | None) -> Replay:
    """Keep a replay that is not started yet, with what it is about counted."""
    replay.integration_id = replay.mapping.integration_id
    replay.requested_by, replay.created_at = by, clock.now()
    replay.total = count(replay)
    replay.save()
    audit.record(actor=by, action="replay.draft", subject=replay, detail=told(replay), reason=replay.reason)
    return replay


def told(replay: Replay) -> dict[str, Any]:
    """The filter as it is kept in the audit trail."""
    return {
        "mapping": replay.mapping.path, "states": replay.states, "code": replay.code, "keys": replay.keys[:20],
        "run": replay.run_id, "since": replay.since and replay.since.isoformat(),
        "until": replay.until and replay.until.isoformat(), "uses": replay.uses, "records": replay.total,
    }  # fmt: skip


@transaction.atomic
def preview(*, replay: Replay, by: User | None) -> SyncRun:
    """Ask for a preview of the first records: what would be written, and nothing is. Raises RequestError."""
    changes = list(chosen(replay).select_related("version")[:SAMPLE])
    if not changes:
        raise ReplayError("Nothing fits: no change of this mapping is as the filter says.")
    run = _ask(replay, changes, preview=True, by=by)
    audit.record(actor=by, action="replay.preview", subject=replay, detail={"run": run.pk})
    return run


@transaction.atomic
def start(*, replay: Replay, by: User | None) -> None:
    """Begin, or go on where it was paused."""
    _move(replay, by, (ReplayState.DRAFT, ReplayState.PAUSED), ReplayState.RUNNING, "replay.start", due_at=clock.now())
    Replay.objects.filter(pk=replay.pk, started_at__isnull=True).update(started_at=clock.now())


def pause(*, replay: Replay, by: User | None, reason: str) -> None:
    """Take no further records; the batch on its way ends."""
    _move(replay, by, (ReplayState.RUNNING,), ReplayState.PAUSED, "replay.pause", note=reason)


@transaction.atomic
def cancel(*, replay: Replay, by: User | None, reason: str) -> None:
    """Take no further records, and stop the batch on its way. What was written stays."""
    going = (ReplayState.DRAFT, ReplayState.RUNNING, ReplayState.PAUSED)
    _move(replay, by, going, ReplayState.CANCELLED, "replay.cancel", note=reason, ended_at=clock.now())
    for run in SyncRun.objects.filter(replay=replay, state__in=LIVE, is_preview=False):
        cancel_run(run=run, by=by, reason=reason)


def summary(replay: Replay) -> dict[str, int]:
    """What became of the records taken so far."""
    runs = SyncRun.objects.filter(replay=replay, is_preview=False)
    sums = runs.aggregate(**{name: Sum(name) for name in COUNTS})
    return {name: sums[name] or 0 for name in COUNTS}


def go_on(now: datetime) -> int:
    """Ask for the next batch of every replay that is due; returns how many. Called by the scheduler."""
    due = Replay.objects.filter(state=ReplayState.RUNNING, due_at__lte=now).values_list("pk", flat=True)
    return sum(_take_batch(replay_id, now) for replay_id in due)


@transaction.atomic
def _take_batch(replay_id: int, now: datetime) -> int:
    """One batch, once, however many schedulers there are."""
    rows = Replay.objects.select_for_update(of=("self",)).select_related("mapping")
    replay = rows.filter(pk=replay_id, state=ReplayState.RUNNING, due_at__lte=now).first()
    if replay is None:
        return 0
    last = SyncRun.objects.filter(replay=replay, is_preview=False).order_by("-id").first()
    if last and last.is_live:
        return _later(replay, now, "")
    if last and last.state in (RunState.FAILED, RunState.CANCELLED) and replay.note != _failed(last):
        replay.state, replay.note = ReplayState.PAUSED, _failed(last)
        replay.save(update_fields=["state", "note"])
        return 0
    changes = _next(replay)
    if not changes:
        replay.state, replay.note, replay.ended_at = ReplayState.DONE, "", now
        replay.save(update_fields=["state", "note", "ended_at"])
        return 0
    try:
        _ask(replay, changes, preview=False, by=replay.requested_by)
    except RequestError as obstacle:
        return _later(replay, now, str(obstacle))
    replay.taken, replay.position, replay.note = replay.taken + len(changes), changes[-1].pk, ""
    replay.due_at = now + timedelta(seconds=max(1.0, 60 * len(changes) / replay.per_minute))
    replay.save(update_fields=["taken", "position", "note", "due_at"])
    failpoint.reach("replay.taken")
    return 1


def _failed(run: SyncRun) -> str:
    return f"Run {run.pk} {run.get_state_display()}: {run.reason}"[:500]


def _later(replay: Replay, now: datetime, note: str) -> int:
    replay.due_at, replay.note = now + (AGAIN if note else timedelta(seconds=2)), note[:500]
    replay.save(update_fields=["due_at", "note"])
    return 0


def _next(replay: Replay) -> list[Change]:
    """The next changes, all of one version where the original one is used."""
    size = max(1, min(LARGEST, replay.per_minute))
    found = list(chosen(replay).filter(pk__gt=replay.position).select_related("version")[:size])
    if replay.uses == ReplayVersion.ORIGINAL and found:
        different = (place for place, one in enumerate(found) if one.version_id != found[0].version_id)
        found = found[: next(different, len(found))]
    return found


def _ask(replay: Replay, changes: list[Change], *, preview: bool, by: User | None) -> SyncRun:
    """A run that reads exactly these records. An earlier refusal of theirs is forgotten, unless it only looks."""
    mapping = Mapping.objects.select_related("integration", "source", "destination", "active_version").get(
        pk=replay.mapping_id
    )
    run = request(mapping=mapping, trigger=Trigger.PERSON, preview=preview, hints_only=True)
    run.replay, run.requested_by, run.expected = replay, by, len(changes)
    run.keys = {change.source_key: change.pk for change in changes}
    run.version = _version(replay, mapping, changes[0])
    run.save(update_fields=["replay", "requested_by", "expected", "keys", "version"])
    if not preview:
        links = Link.objects.filter(mapping=mapping, source_key__in=list(run.keys))
        links.update(source_digest="")
        links.exclude(refused_digest__startswith=kept.MARK).update(refused_digest="")
    return run


def _version(replay: Replay, mapping: Mapping, first: Change) -> MappingVersion | None:
    return first.version if replay.uses == ReplayVersion.ORIGINAL and first.version else mapping.active_version


def _fitting(replay: Replay) -> QuerySet[Change]:
    """The changes that fit the filter. Those of a replay's own runs do not: it would never end."""
    found = Change.objects.filter(mapping=replay.mapping, run__is_preview=False).exclude(run__replay__isnull=False)
    states = [state for kind in replay.states if kind in KINDS for state in KINDS[kind][1]]
    wanted = {
        "state__in": states, "code": replay.code, "source_key__in": replay.keys, "run": replay.run_id,
        "run__queued_at__gte": replay.since, "run__queued_at__lte": replay.until,
    }  # fmt: skip
    return found.filter(**{name: value for name, value in wanted.items() if value})


@transaction.atomic
def _move(
    replay: Replay, by: User | None, before: tuple[ReplayState, ...], after: ReplayState, action: str, **more: Any
) -> None:
    """Change the state, if it is one of `before`. Raises ReplayError."""
    if not Replay.objects.filter(pk=replay.pk, state__in=before).update(state=after, **more):
        raise ReplayError(f"The replay is {replay.get_state_display()} and cannot become {after.label}.")
    replay.refresh_from_db()
    audit.record(actor=by, action=action, subject=replay, detail=told(replay), reason=more.get("note", replay.reason))
