"""What of the waiting changes may be written now: within the retry budget, and no faster than the catch-up rate."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from hub import clock, failpoint
from hub.engine.intent import State
from hub.models import Change, Direction, RunState, Semantics
from hub.sdk import PacedError
from hub.services import hint, pace
from hub.services.run import commit
from hub.services.run.flow import Flow

STALE = timedelta(minutes=5)  # a shorter wait is no outage, and reading again would cost more than it saves
AT_ONCE = 500
NEXT_MINUTE = 20.0  # seconds until the budget has something again, and within how many more it is asked for


def replan(flow: Flow) -> None:
    """Withdraw states that an outage kept from being sent at all, and have their records read again.

    However often such a record was edited meanwhile, one write is left of it. What was tried keeps its change, and so
    its count of tries.
    """
    if flow.run.is_preview or not _may_replan(flow):
        return
    stale = Change.objects.filter(
        mapping=flow.mapping, side="destination", operation__in=("create", "update"), state=State.RETRY_WAIT.value,
        code=PacedError.code, tries=0, is_archive=False, run__queued_at__lt=clock.now() - STALE,
    ).order_by("id")  # fmt: skip
    while rows := dict(stale.values_list("id", "source_key")[:AT_ONCE]):
        with transaction.atomic():
            flow.lane.hold()
            left = commit.supersede(list(rows))
            taken = [key for id_, key in rows.items() if id_ not in left]
            hint.put(flow.mapping.pk, taken, "It waited unsent through an outage.", clock.now())
            failpoint.reach("replan.before_commit")
        failpoint.reach("replan.committed")
        if not taken:
            return


def _may_replan(flow: Flow) -> bool:
    """Whether a record's present state is all that has to arrive, and can be asked for."""
    mapping = flow.mapping
    is_state = mapping.semantics == Semantics.STATE and mapping.direction == Direction.ONE_WAY
    return is_state and flow.source_offers.fetch_by_key


def within_limits(flow: Flow, unsent: Sequence[Change]) -> list[Change]:
    """Those of these that may go now, oldest first; the others are due later, and that counts as no try."""
    by_side: dict[str, list[Change]] = defaultdict(list)
    for change in unsent:
        by_side[change.side].append(change)
    return [change for side, changes in by_side.items() for change in _of_side(flow, side, changes)]


def _of_side(flow: Flow, side: str, changes: Sequence[Change]) -> list[Change]:
    connection = flow.end(side).connection
    again = [change for change in changes if change.tries]
    late = again[pace.grant_retries(connection, len(again)) :]
    if late:
        _put_off(late, NEXT_MINUTE * (1 + random.random()))  # noqa: S311  spreads retries, keeps no secret
    kept = [change for change in changes if change not in late]
    waited = [change for change in kept if _has_waited(flow, change)]
    granted, seconds = pace.grant_catch_up(connection, len(waited))
    if granted >= len(waited):
        return kept
    _put_off(waited[granted:], max(1.0, seconds))
    return [change for change in kept if change not in waited[granted:]]


def _has_waited(flow: Flow, change: Change) -> bool:
    """Whether it is left from an earlier time: not of the run that is reading now."""
    return bool(change.tries) or change.run_id != flow.run.pk or change.run.state != RunState.RUNNING


def _put_off(changes: Sequence[Change], seconds: float) -> None:
    due = clock.now() + timedelta(seconds=seconds)
    Change.objects.filter(pk__in=[change.pk for change in changes]).update(due_at=due)
