"""Links that have outlived their use: tombstones are kept so long that no late news can bring a record back."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from hub import failpoint
from hub.engine.intent import OPEN
from hub.models import (
    Change,
    Direction,
    ExceptionState,
    Hint,
    Lane,
    LeaseLostError,
    Link,
    LinkImage,
    LinkState,
    Mapping,
    ReconciliationException,
)
from hub.models.link import FROM_DESTINATION
from hub.services import recovery
from hub.services.run.lane import lane_of, ring_all

AT_ONCE = 1000
OWNER = "tidying"


def forget_old(now: datetime) -> int:
    """Remove tombstones older than `HUB_TOMBSTONE_DAYS` with their images; returns how many.

    A record that comes back later is new. A mapping that is being read or reviewed has its turn another time.
    """
    if recovery.present() is not None:
        return 0
    until = now - timedelta(days=settings.HUB_TOMBSTONE_DAYS)
    mappings = Mapping.objects.filter(pk__in=_old(until).values("mapping_id")).order_by("pk")
    return sum(_tidy(mapping, until) for mapping in mappings)


def _old(until: datetime) -> QuerySet[Link]:
    """Links of records that went away before `until`.

    Of a two-way mapping only those that are gone at both sides: what one side still has would look new there. A record
    that is stuck, or that a person skipped, is no tombstone.
    """
    is_gone = Q(state=LinkState.GONE) & ~Q(mapping__direction=Direction.TWO_WAY)
    return Link.objects.filter(is_gone | Q(state=LinkState.DELETED), updated_at__lt=until, refused_digest="")


def _unused(mapping: Mapping, until: datetime) -> QuerySet[Link]:
    """Those of them that no open change, open exception or hint is about."""
    same = {"mapping_id": OuterRef("mapping_id"), "source_key": OuterRef("source_key")}
    changes = Change.objects.filter(**same, state__in=sorted(OPEN)).order_by()
    asked = ReconciliationException.objects.filter(**same, state=ExceptionState.OPEN)
    there = Hint.objects.filter(
        mapping_id=OuterRef("mapping_id"), source_key=Concat(Value(FROM_DESTINATION), OuterRef("destination_key"))
    )
    found = _old(until).filter(mapping=mapping).filter(~Exists(changes), ~Exists(asked))
    return found.filter(~Exists(Hint.objects.filter(**same)), Q(destination_key__isnull=True) | ~Exists(there))


def _tidy(mapping: Mapping, until: datetime) -> int:
    """Remove the tombstones of one mapping under the lease of its first lane: nothing is planned meanwhile."""
    lane = lane_of(mapping)
    if not lane.claim(OWNER):
        return 0
    removed = 0
    try:
        while found := _remove_some(lane, _unused(mapping, until)):
            removed += found
    except LeaseLostError:
        return removed
    finally:
        lane.release()
    ring_all(mapping)
    return removed


@transaction.atomic
def _remove_some(lane: Lane, links: QuerySet[Link]) -> int:
    """Remove a batch, and let the changes of its records forget it; returns its size."""
    lane.hold()
    batch = dict(links.order_by("pk").values_list("pk", "source_key")[:AT_ONCE])
    if batch:
        of_records = Change.objects.filter(mapping_id=lane.mapping_id, source_key__in=batch.values())
        of_records.filter(link_id__in=batch).update(link=None)
        LinkImage.objects.filter(pk__in=batch).delete()
        Link.objects.filter(pk__in=batch).remove()
        failpoint.reach("tombstones.before_commit")
    return len(batch)
