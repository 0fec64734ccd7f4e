"""The loop of a run. Read it aloud: read, sort, guard, intend, write, record; then what is gone; then what waits."""

import time
from collections.abc import Callable

from django.db import transaction

from hub import failpoint
from hub.models import SyncRun
from hub.services.run import ahead, apply, backlog, commit, filled, held, hinted, limits, page, removal, replayed, share
from hub.services.run.flow import Flow
from hub.services.run.twoway import loop as twoway

DRAIN_SECONDS = 5.0
OnPage = Callable[[SyncRun], None]


def go_through(flow: Flow, on_page: OnPage | None) -> None:
    """All of a run: first what earlier runs left open, then hints, the pages, what is gone, and lost answers."""
    limits.go_on_or_stop(flow, is_writing=True)
    held.go_on_or_wait(flow)
    backlog.replan(flow)
    filled.again(flow)
    _drain(flow)
    if flow.is_two_way:
        twoway.go_through(flow, on_page, _drain)
    else:
        _go_one_way(flow, on_page)
    _drain(flow)


def _go_one_way(flow: Flow, on_page: OnPage | None) -> None:
    """Read the source, and write what differs to the destination."""
    replayed.follow(flow)
    hinted.before(flow)
    with ahead.reading(flow) as pages:
        while not flow.run.read_complete and not hinted.is_all(flow):
            if flow.turn:
                flow.turn.give_way()
            _take_page(flow, pages)
            if on_page:
                flow.run.refresh_from_db()
                on_page(flow.run)
            hinted.meanwhile(flow, pages)
            if time.monotonic() >= flow.next_drain:
                _drain(flow)
    hinted.after(flow)
    removal.carry_out(flow)


def _take_page(flow: Flow, pages: ahead.Ahead) -> None:
    """One page: sort it, write what must be written, then commit the rest together with the cursor."""
    found = pages.page()
    failpoint.reach("page.read")
    limits.refuse_standstill(flow, found)
    pages.begin(found)
    sorted_ = page.sort(flow, found.records, found.faults)
    failpoint.reach("page.sorted")
    apply.apply(flow, sorted_)
    with transaction.atomic():
        flow.lane.hold()
        commit.account(flow, sorted_)
        commit.position(flow, found, sorted_)
        failpoint.reach("page.before_commit")
    failpoint.reach("page.committed")
    if sorted_.raised or flow.failures:
        limits.stop_on_same_failure(flow, sorted_)


def _drain(flow: Flow) -> None:
    """Send and settle what has come due in our lane; asked for every few seconds of a long run."""
    if not flow.run.is_preview:
        share.drain(flow)
    flow.next_drain = time.monotonic() + DRAIN_SECONDS
