"""Hints: “this record may have changed, re-read it.” However often one is given, the record is read once.

Whoever writes hints of a mapping does so alone until the end of its transaction: a page of a run forgets some and gives
others, a webhook gives several, and in what order their rows are met is in nobody's hand.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from hub import queue
from hub.engine.intent import UNRESOLVED
from hub.models import Change, Hint, Lane, bulk

KEY = ("mapping_id", "source_key")
COLUMNS = {"mapping_id": "bigint", "source_key": "text", "reason": "text", "since": "timestamptz", "count": "int"}
LONGEST_KEY = 255
LATER = timedelta(minutes=5)
UNSETTLED = "an earlier change was not settled"
LOCK = int.from_bytes(b"hint")  # the first number of PostgreSQL's advisory locks for this; the second is the mapping


def put(mapping_id: int, keys: Iterable[str], reason: str, now: datetime) -> int:
    """Have these source records re-read as soon as a worker is free; returns how many different ones they are.

    Hints of one record are kept as one with a count. The worker starts a run for them beside any other run.
    """
    counts = Counter(key for key in keys if 0 < len(key) <= LONGEST_KEY)
    rows = [(mapping_id, key, reason[:200], now, count, now) for key, count in sorted(counts.items())]
    with _alone(mapping_id):
        bulk.upsert("hub_hint", key=KEY, columns={**COLUMNS, "due_at": "timestamptz"}, rows=rows, adding=("count",))
    if counts:
        queue.ring(Lane.objects.get_or_create(mapping_id=mapping_id, slice=0)[0].pk)
    return len(counts)


def note(mapping_id: int, reasons: Mapping[str, str], now: datetime) -> None:
    """Have records re-read by the next run, whenever that is: key to reason."""
    if not reasons:
        return
    rows = [(mapping_id, key, reason, now, 1) for key, reason in sorted(reasons.items())]
    with _alone(mapping_id):
        bulk.upsert("hub_hint", key=KEY, columns=COLUMNS, rows=rows, adding=("count",))


def wake(mapping_id: int, keys: Collection[str], now: datetime) -> int:
    """Let hints of these records be taken now that waited for a write of theirs, where none is in doubt any more.

    Returns how many there were.
    """
    same = Change.objects.filter(mapping_id=OuterRef("mapping_id"), source_key=OuterRef("source_key"))
    unresolved = same.filter(state__in=sorted(UNRESOLVED)).order_by()
    waiting = Hint.objects.filter(mapping_id=mapping_id, source_key__in=keys, reason=UNSETTLED, due_at=None)
    with _alone(mapping_id):
        return waiting.filter(~Exists(unresolved)).update(due_at=now)


def due(mapping_id: int, now: datetime, most: int) -> list[Hint]:
    """The hints that a run of their own should take now, those waiting longest first."""
    return list(_due(mapping_id, now).order_by("due_at", "id")[:most])


def is_due(mapping_id: int, now: datetime) -> bool:
    """Whether there are any."""
    return _due(mapping_id, now).exists()


def older(mapping_id: int, until: datetime) -> QuerySet[Hint]:
    """The hints given until a moment, which a run asked for then takes before it reads on."""
    return Hint.objects.filter(mapping_id=mapping_id, since__lte=until).order_by("id")


def each_older(mapping_id: int, until: datetime, size: int) -> Iterator[list[Hint]]:
    """The same, `size` at a time, each once: one that must wait is given again, and clocks may differ."""
    first, last = 0, older(mapping_id, until).aggregate(newest=Max("pk"))["newest"] or 0
    while some := list(older(mapping_id, until).filter(pk__gt=first, pk__lte=last)[:size]):
        first = some[-1].pk
        yield some


def take(hints: Sequence[Hint]) -> None:
    """Forget hints that were followed, but not one that was given again meanwhile."""
    if not hints:
        return
    with _alone(hints[0].mapping_id):
        for count in {hint.count for hint in hints}:
            some = [hint.pk for hint in hints if hint.count == count]
            Hint.objects.filter(pk__in=some, count=count).delete()


def put_off(hints: Sequence[Hint], now: datetime) -> None:
    """Follow hints later that could not be followed now."""
    if hints:
        with _alone(hints[0].mapping_id):
            Hint.objects.filter(pk__in=[hint.pk for hint in hints]).update(due_at=now + LATER)


def put_off_all(mapping_id: int, now: datetime) -> None:
    """Follow all hints of a mapping later, because their run failed."""
    with _alone(mapping_id):
        _due(mapping_id, now).update(due_at=now + LATER)


def _due(mapping_id: int, now: datetime) -> QuerySet[Hint]:
    return Hint.objects.filter(Q(due_at__lte=now), mapping_id=mapping_id)


@contextmanager
def _alone(mapping_id: int) -> Iterator[None]:
    """Write hints of a mapping while nobody else does; SQLite has one writer anyway."""
    with transaction.atomic(savepoint=False):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_xact_lock(%s, %s)", [LOCK, mapping_id])
        yield
