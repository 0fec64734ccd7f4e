"""Finds what a complete read did not contain any more, and removes it."""

from collections.abc import Iterator, Sequence
from itertools import islice

from django.db import transaction

from hub import clock, failpoint
from hub.models import Link, SeenPage
from hub.services.run import apply, commit, fact, page, seen
from hub.services.run.flow import Flow

CONFIRM = 500


def carry_out(flow: Flow) -> None:
    """Deletions by absence, only after a complete read; all are known before the guard is asked about the first."""
    gone = [page.removals(flow, keys) for keys in absent(flow)]
    failpoint.reach("removal.found")
    flow.removals += sum(len(sorted_.planned) for sorted_ in gone)
    for sorted_ in gone:
        flow.removals -= len(sorted_.planned)  # it is counted again when it is written
        apply.apply(flow, sorted_)
        with transaction.atomic():
            flow.lane.hold()
            commit.account(flow, sorted_)
            failpoint.reach("removal.before_commit")
        failpoint.reach("removal.committed")
    SeenPage.objects.filter(run=flow.run).delete()


def absent(flow: Flow) -> Iterator[list[str]]:
    """Source keys of linked records that are gone as far as this complete read can prove, some hundred at a time."""
    present = None if fact.is_appended(flow) else seen.of(flow)  # a fact stays where it was appended
    if present is None:
        return
    _forgive(flow, present)
    unseen = present.unseen(flow.mapping.pk)
    while chunk := list(islice(unseen, CONFIRM)):
        links = list(Link.objects.filter(pk__in=chunk).order_by("pk"))
        yield _confirmed(flow, links) if flow.source_offers.fetch_by_key else _absent_twice(flow, links)


def _confirmed(flow: Flow, links: Sequence[Link]) -> list[str]:
    """The keys that a read by key does not find either: a page shifted by edits must not delete anything (I14)."""
    keys = [link.source_key for link in links]
    found, broken = flow.fetch_each(keys)
    return [key for key in keys if key not in broken and (key not in found or found[key].deleted)]


def _absent_twice(flow: Flow, links: Sequence[Link]) -> list[str]:
    """The keys that the complete read before this one did not contain either; the others are noted (correctness 3.4).

    Only a first absence is written down. A record touched since then was seen, and begins anew.
    """
    began = flow.run.started_at or clock.now()
    twice = [
        link
        for link in links
        if link.absent_since and link.absent_since < began and link.updated_at <= link.absent_since
    ]
    known = {link.pk for link in twice}
    first = [link.pk for link in links if link.pk not in known]
    if first and not flow.run.is_preview:
        with transaction.atomic():
            flow.lane.hold()
            Link.objects.filter(pk__in=first).update(absent_since=clock.now())
            failpoint.reach("absent.before_commit")
        failpoint.reach("absent.committed")
    return [link.source_key for link in twice]


def _forgive(flow: Flow, present: seen.IdSet) -> None:
    """Forget the absence of records that were seen again."""
    if flow.run.is_preview:
        return
    noted = Link.objects.filter(mapping=flow.mapping, absent_since__isnull=False).values_list("id", flat=True)
    back = [id_ for id_ in noted if id_ in present]
    for start in range(0, len(back), CONFIRM):
        Link.objects.filter(pk__in=back[start : start + CONFIRM]).update(absent_since=None)
