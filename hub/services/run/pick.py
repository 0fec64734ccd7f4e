"""Picks what a lane has to do: of each record the oldest open change, when something can be done about it now."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from hub.engine import lane as lanes
from hub.engine.intent import IN_FLIGHT, OPEN, UNRESOLVED, State
from hub.models import Change, Lane, Semantics, SyncRun

TO_SEND = (State.READY, State.RETRY_WAIT, State.AUTH_HELD)
IN_DOUBT = (State.SENDING, State.AMBIGUOUS, State.PROBING)
ASKED = (State.ACCEPTED,)
RIPE = Q(state__in=[*TO_SEND, *ASKED, State.AMBIGUOUS, State.PROBING])


def due(lane: Lane, slices: int, now: datetime) -> QuerySet[Change]:
    """The changes of a lane, of `slices` there are, that can be taken a step further at `now`, oldest first.

    A change that is being sent counts when its answer is lost: when it was sent under a lease that nobody holds any
    more. One behind an earlier open change of its record waits for that one, whatever the number of lanes.
    """
    lost = Q(state=State.SENDING) & ~_is_with_another(lane)
    is_ripe = RIPE & (Q(due_at__isnull=True) | Q(due_at__lte=now))
    # All states in flight are named so that one index serves; that of unresolved changes keeps those that just ended.
    found = Change.objects.filter(lost | is_ripe, mapping_id=lane.mapping_id, state__in=sorted(IN_FLIGHT))
    if lane.slice >= slices:  # the mapping has fewer lanes now
        return found.none()
    if lane.mapping.semantics == Semantics.TRANSITION:  # behind a step that a person must see
        found = found.exclude(state__in=TO_SEND, link__refused_digest__gt="")
    if slices > 1:
        found = found.filter(bucket__in=lanes.buckets_of(lane.slice, slices))
    return found.filter(~Exists(_earlier()), ~Exists(_unresolved())).order_by("id")


def unfinished(run: SyncRun, now: datetime) -> QuerySet[Change]:
    """The changes of a run that a worker is sending or can send now: while there are any, the run goes on."""
    with_a_worker = Q(state=State.SENDING) & Exists(_leases())
    ready = Q(state=State.READY) & (Q(due_at__isnull=True) | Q(due_at__lte=now))
    found = run.changes.filter(with_a_worker | ready).filter(~Exists(_earlier()))
    if run.mapping.semantics == Semantics.TRANSITION:
        found = found.exclude(state__in=TO_SEND, link__refused_digest__gt="")
    return found


def take(lane: Lane, changes: Sequence[Change]) -> list[Change]:
    """Put these under our epoch, and return those that nobody else took or withdrew since they were read."""
    if not changes:
        return []
    with transaction.atomic():
        lane.hold()
        taken = untouched(changes)
        Change.objects.filter(pk__in=[change.pk for change in taken]).update(epoch=lane.epoch)
    for change in taken:
        change.epoch = lane.epoch
    return taken


def untouched(changes: Sequence[Change]) -> list[Change]:
    """Those of these that are as they were read; locked until the transaction ends."""
    rows = Change.objects.filter(pk__in=[change.pk for change in changes]).order_by("id").select_for_update()
    now = {id_: (state, epoch) for id_, state, epoch in rows.values_list("id", "state", "epoch")}
    return [change for change in changes if now.get(change.pk) == (change.state, change.epoch)]


def _leases() -> QuerySet[Lane]:
    """The lease a change was sent under, while somebody holds it."""
    return Lane.objects.filter(
        mapping_id=OuterRef("mapping_id"), epoch=OuterRef("epoch"), lease_until__gte=Now()
    ).order_by()


def _is_with_another(lane: Lane) -> Exists:
    return Exists(_leases().exclude(pk=lane.pk))


def _unresolved() -> QuerySet[Change]:
    """Another change of the same record whose outcome is not known."""
    same = Change.objects.filter(mapping_id=OuterRef("mapping_id"), source_key=OuterRef("source_key"))
    return same.filter(state__in=sorted(UNRESOLVED)).exclude(pk=OuterRef("pk")).order_by()


def _earlier() -> QuerySet[Change]:
    """Open changes of the same record that were planned before."""
    return Change.objects.filter(
        mapping_id=OuterRef("mapping_id"),
        source_key=OuterRef("source_key"),
        pk__lt=OuterRef("pk"),
        state__in=sorted(OPEN),
    ).order_by()
