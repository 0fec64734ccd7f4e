"""The lanes of a mapping as workers share them: rows when they are needed, rings where there is work, and help."""

from collections.abc import Iterable

from django.db.models import Q
from django.db.models.functions import Now

from hub import clock, queue
from hub.engine import lane as lanes
from hub.models import Lane, Mapping
from hub.services.run import pick

IDLE = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())


def lane_of(mapping: Mapping, slice_: int = 0) -> Lane:
    """One lane of the mapping, made at its first use. The first one is the reader's."""
    make(mapping.pk, mapping.slices)
    return Lane.objects.get(mapping=mapping, slice=slice_)


def make(mapping_id: int, slices: int) -> None:
    """Make the rows of lanes that are missing."""
    known = set(Lane.objects.filter(mapping_id=mapping_id, slice__lt=slices).values_list("slice", flat=True))
    missing = [number for number in range(max(slices, 1)) if number not in known]
    if missing:
        Lane.objects.bulk_create(
            [Lane(mapping_id=mapping_id, slice=number, epoch=number) for number in missing], ignore_conflicts=True
        )


def ring(mapping_id: int, slices: Iterable[int]) -> None:
    """Ring for these lanes, unless a worker holds them: that one looks again before it leaves."""
    wanted = sorted(set(slices))
    if wanted:
        for lane_id in Lane.objects.filter(IDLE, mapping_id=mapping_id, slice__in=wanted).values_list("id", flat=True):
            queue.ring(lane_id)


def ring_all(mapping: Mapping) -> None:
    """Ring for every lane of the mapping."""
    make(mapping.pk, mapping.slices)
    ring(mapping.pk, range(mapping.slices))


def ring_for(mapping: Mapping, keys: Iterable[str]) -> None:
    """Ring for the lanes in which these records are written."""
    make(mapping.pk, mapping.slices)
    ring(mapping.pk, (lanes.slice_of(key, mapping.slices) for key in keys))


def free_with_work(mapping_id: int, slices: int) -> list[Lane]:
    """Lanes that nobody holds although they have something to do."""
    now = clock.now()
    idle = Lane.objects.filter(IDLE, mapping_id=mapping_id, slice__lt=slices).select_related("mapping")
    return [lane for lane in idle.order_by("slice") if pick.due(lane, slices, now).exists()]
