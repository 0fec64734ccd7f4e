"""The sweeper: rings again for whatever the doorbell forgot. Losing every ring costs one sweep (R-04)."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from hub import queue
from hub.engine.intent import State
from hub.models import LIVE, Change, Hint, Lane, SyncRun
from hub.services import pause
from hub.services.run import lane
from hub.services.run.pick import ASKED, IN_DOUBT, TO_SEND

RING_AGAIN = timedelta(seconds=30)


def sweep(now: datetime) -> int:
    """Ring for every lane that has work due and no worker; returns how many."""
    runs = SyncRun.objects.filter(Q(due_at__isnull=True) | Q(due_at__lte=now), state__in=LIVE)
    runs = runs.filter(Q(after__isnull=True) | ~Q(after__state__in=LIVE))
    hints = Hint.objects.filter(due_at__lte=now)
    previews = runs.filter(is_preview=True)  # they go on while only writing is paused
    idle = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    quiet = Q(rung_at__isnull=True) | Q(rung_at__lt=now - RING_AGAIN)
    free = Lane.objects.filter(idle & quiet)
    going = free.exclude(mapping__in=pause.stopped_mappings())
    written = _lanes_to_write(now)
    reading = Q(mapping_id__in=runs.values("mapping_id")) | Q(mapping_id__in=hints.values("mapping_id"))
    lanes = set(going.filter(reading, slice=0).values_list("id", flat=True))
    lanes |= set(free.filter(mapping_id__in=previews.values("mapping_id"), slice=0).values_list("id", flat=True))
    writers = going.filter(mapping_id__in={mapping_id for mapping_id, _ in written})
    lanes |= {id_ for id_, *place in writers.values_list("id", "mapping_id", "slice") if tuple(place) in written}
    Lane.objects.filter(pk__in=lanes).update(rung_at=now)
    for lane_id in sorted(lanes):
        queue.ring(lane_id)
    return len(lanes)


def _lanes_to_write(now: datetime) -> set[tuple[int, int]]:
    """(mapping, slice) of each lane with changes that can be sent, settled or read back now."""
    waiting = Change.objects.filter(
        Q(due_at__isnull=True) | Q(due_at__lte=now), state__in=[*TO_SEND, *IN_DOUBT, *ASKED], link__isnull=False
    )
    unverified = Change.objects.filter(verify_due__lte=now, state=State.APPLIED)
    place = ("mapping_id", "bucket", "mapping__slices")
    found = {row for some in (waiting, unverified) for row in some.order_by().values_list(*place).distinct()}
    slices = {mapping_id: count for mapping_id, _, count in found}
    wanted = {(mapping_id, bucket % slices[mapping_id]) for mapping_id, bucket, _ in found}
    known = Lane.objects.filter(mapping_id__in=slices).values_list("mapping_id", "slice")
    for mapping_id in {mapping_id for mapping_id, _ in wanted - set(known)}:
        lane.make(mapping_id, slices[mapping_id])
    return wanted
