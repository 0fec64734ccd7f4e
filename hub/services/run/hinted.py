"""The part of a run that follows hints: it reads by key what something pointed at, and treats it as a page."""

import time
from collections.abc import Sequence

from django.db import transaction

from hub import clock, failpoint
from hub.models import LIVE, Hint, SyncRun
from hub.sdk import Record
from hub.services import hint
from hub.services.run import ahead, apply, commit, page
from hub.services.run.flow import Flow


def is_all(flow: Flow) -> bool:
    """Whether the run ends with its hints. A source that cannot be read by key is read for changes instead."""
    return flow.run.is_hints_only and flow.source_offers.fetch_by_key


def before(flow: Flow) -> None:
    """Re-read records that something pointed at before this run. One that reads everything meets them anyway."""
    run = flow.run
    if run.is_preview:
        return
    if not run.hints_done and not run.is_hints_only and flow.source_offers.fetch_by_key and not run.is_full:
        _follow_older(flow)
    run.hints_done = True
    run.save(update_fields=["hints_done"])
    failpoint.reach("hints.done")
    _follow_due(flow)


def _follow_older(flow: Flow) -> None:
    for some in hint.each_older(flow.run.mapping_id, flow.run.queued_at, flow.mapping.page_size):
        _take_hints(flow, some)


def meanwhile(flow: Flow, pages: ahead.Ahead) -> None:
    """Re-read what was pointed at while pages were read; asked for once a second.

    A page that was read ahead is read again afterwards: no older value may follow a newer one (I9).
    """
    if time.monotonic() < flow.look_for_hints:
        return
    flow.look_for_hints = time.monotonic() + 1
    if _may_follow(flow) and hint.is_due(flow.run.mapping_id, clock.now()):
        pages.forget()
        _follow_due(flow)


def _may_follow(flow: Flow) -> bool:
    return flow.source_offers.fetch_by_key and not flow.run.is_preview


def _follow_due(flow: Flow) -> None:
    """Re-read all that is due. What comes while another run waits is left to that one."""
    flow.look_for_hints = time.monotonic() + 1
    while _may_follow(flow) and (chunk := hint.due(flow.run.mapping_id, clock.now(), flow.mapping.page_size)):
        _take_hints(flow, chunk)
        if flow.run.is_hints_only and _is_awaited(flow.run):
            return


def _is_awaited(run: SyncRun) -> bool:
    """Whether another run of the mapping waits for this one to end."""
    return SyncRun.objects.filter(mapping_id=run.mapping_id, state__in=LIVE).exclude(pk=run.pk).exists()


def _take_hints(flow: Flow, hints: Sequence[Hint]) -> None:
    """Read these records by key and treat them as a page; a record that is not there any more counts as deleted."""
    found, broken = flow.fetch_each([one.source_key for one in hints])
    failpoint.reach("hints.read")
    taken = [one for one in hints if one.source_key not in broken]
    records = [found.get(one.source_key) or Record(one.source_key, {}, deleted=True) for one in taken]
    sorted_ = page.sort(flow, records, by_hint=True)
    sorted_.followed, sorted_.unread = taken, [one for one in hints if one.source_key in broken]
    apply.apply(flow, sorted_)
    with transaction.atomic():
        flow.lane.hold()
        commit.account(flow, sorted_)
        failpoint.reach("hints.before_commit")
    failpoint.reach("hints.committed")


def after(flow: Flow) -> None:
    """Drop the hints that this run has met by reading the source to its end: those given before it began."""
    run = flow.run
    if not run.is_preview and (run.is_full or not flow.source_offers.fetch_by_key):
        # Who asked for the run may have a clock that is ahead; a worker's is put right by the database's.
        hint.older(run.mapping_id, min(run.queued_at, run.started_at or run.queued_at)).delete()
