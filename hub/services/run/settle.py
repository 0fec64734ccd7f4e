"""Settles what earlier requests left open: lost answers are looked up, passing failures tried again."""

from hub import clock, failpoint
from hub.models import Change
from hub.services import hint
from hub.services.run import backlog, books, claim, doubt, filled, pick, poll, released, verify, write
from hub.services.run.flow import Flow
from hub.services.run.pick import ASKED, IN_DOUBT, TO_SEND

AT_ONCE = 500


def settle(flow: Flow) -> bool:
    """Bring the oldest due changes of our lane a step further; whether that got any of them out of the way."""
    now = clock.now()
    due = pick.due(flow.lane, flow.slices, now)
    open_now = list(due.select_related("link", "run")[:AT_ONCE])
    has_verified = flow.mapping.verify_after is not None and verify.settle(flow)
    if not open_now:
        return has_verified
    failpoint.reach("settle.read")
    poll.settle(flow, pick.take(flow.lane, [change for change in open_now if change.state in ASKED]))
    doubtful = pick.take(flow.lane, [change for change in open_now if change.state in IN_DOUBT])
    unsent = backlog.within_limits(flow, [change for change in open_now if change.state in TO_SEND])
    unsent = filled.fill(flow, unsent)
    released.look(flow, unsent)
    resend = _settle_doubts(flow, doubtful)
    if unsent or resend:
        write.send(flow, [*unsent, *resend])
    books.reopen({change.run_id for change in open_now}, clock.now())
    hint.wake(flow.mapping.pk, {change.source_key for change in open_now}, clock.now())
    return due.filter(pk__in=[change.pk for change in open_now]).count() < len(open_now)


def _settle_doubts(flow: Flow, changes: list[Change]) -> list[Change]:
    """Look into lost answers, and into what people said about them; returns what is to be sent again."""
    claimed = [change for change in changes if change.claim]
    silent = [change for change in changes if not change.claim]
    return [*claim.settle(flow, claimed), *doubt.settle(flow, silent)]
