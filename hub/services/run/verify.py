"""Reads back what was written where nothing could refuse a write to a record that changed meanwhile."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from hub import clock, failpoint
from hub.engine import canonical, intent, resolve
from hub.engine import lane as lanes
from hub.engine.intent import State
from hub.models import Change, ExceptionKind, Lane, LinkImage, bulk
from hub.sdk import Answer, Exchange, Operation, Outcome, Record, SilenceError, TransientError
from hub.services.run import raised, rows
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised

AT_ONCE = 500


def due(lane: Lane, slices: int, now: datetime) -> QuerySet[Change]:
    """The applied changes of a lane that are to be read back now, oldest first."""
    found = Change.objects.filter(mapping_id=lane.mapping_id, verify_due__lte=now, state=State.APPLIED)
    if slices > 1:
        found = found.filter(bucket__in=lanes.buckets_of(lane.slice, slices))
    return found.order_by("verify_due", "id") if lane.slice < slices else found.none()


def settle(flow: Flow) -> bool:
    """Read back what is due; whether there was anything. A destination that is away is asked by the next sweep."""
    changes = list(due(flow.lane, flow.slices, clock.now()).select_related("run", "link")[:AT_ONCE])
    if not changes:
        return False
    overtaken = [change for change in changes if change.link is None or change.link.ack_seq != change.ack_seq + 1]
    asked = [change for change in changes if change not in overtaken]
    try:
        present = _read(flow, asked)
    except (TransientError, SilenceError):
        return False
    failpoint.reach("verify.read")
    _commit(flow, overtaken, asked, present)
    return True


def _read(flow: Flow, changes: Sequence[Change]) -> dict[int, Record | None]:
    """The record of each change as it is now, None where it is gone."""
    found: dict[int, Record | None] = {}
    for side in {change.side for change in changes}:
        end, there = flow.end(side), [change for change in changes if change.side == side]
        keys = [change.key_there or "" for change in there]
        shown = {one.key: one for one in end.system.fetch(end.stream, keys) if not one.deleted}
        found |= {change.pk: shown.get(key) for change, key in zip(there, keys, strict=True)}
    return found


def _commit(
    flow: Flow, overtaken: Sequence[Change], asked: Sequence[Change], present: dict[int, Record | None]
) -> None:
    """Commit what was read: verified, or a question to a person. A newer write of the record says more than this."""
    now = clock.now()
    sent = dict(LinkImage.objects.filter(link__in=[one.link_id for one in asked]).values_list("link_id", "destination"))
    doubtful = {one.pk: _why_not(flow, one, present[one.pk], sent.get(one.link_id or 0)) for one in asked}
    verified = [one.pk for one in asked if not doubtful[one.pk]]
    with transaction.atomic():
        flow.lane.hold()
        Change.objects.filter(pk__in=[change.pk for change in [*overtaken, *asked]]).update(verify_due=None)
        Change.objects.filter(pk__in=verified, state__in=intent.before(State.VERIFIED)).update(
            state=State.VERIFIED.value
        )
        attempts = [rows.attempt(one, _seen(one, present[one.pk], doubtful[one.pk]), now, "verify") for one in asked]
        bulk.insert("hub_attempt", columns=rows.ATTEMPT_COLUMNS, rows=attempts)
        for change in asked:
            if doubtful[change.pk]:
                asks = [_question(change, doubtful[change.pk], present[change.pk])]
                raised.raise_all(run=change.run, raised=asks, now=now)
                flow.has_exceptions = True
        failpoint.reach("verify.before_commit")
    failpoint.reach("verify.committed")


def _why_not(flow: Flow, change: Change, record: Record | None, kept: dict[str, object] | None) -> str:
    """Why what is there does not bear out the write; empty when it does.

    A destination that keeps values in its own form said so when it was written: then that form is what counts.
    """
    where = f"“{flow.end(change.side).connection}”"
    if change.operation == Operation.DELETE:
        return f"The hub deleted it at {where}, and it is there." if record else ""
    if record is None:
        return f"The hub wrote it to {where}, and it is not there any more."
    wanted = {name: (kept or {}).get(name, value) for name, value in change.fields.items()}
    other = sorted(name for name, value in wanted.items() if not resolve.holds(record.data, {name: value}))
    if not other:
        return ""
    return f"{where} took it, and when the hub read it back these were not as sent: {', '.join(other)}."


def _seen(change: Change, record: Record | None, why_not: str) -> Outcome:
    told = why_not or "Read back: as sent."
    answer = Answer.APPLIED if not why_not else Answer.MISSING if record is None else Answer.CONFLICT
    return Outcome(str(change.pk), answer, code="verify", exchange=Exchange("read back", told))


def _question(change: Change, why: str, record: Record | None) -> Raised:
    return Raised(
        ExceptionKind.NOT_KEPT,
        change.source_key,
        why,
        code="not-kept",
        evidence={
            "operation": change.operation,
            "destination_key": change.destination_key,
            "sent": change.fields,
            "agreed": change.before,
            "destination": canonical.to_json(record.data) if record else None,
        },
        change_id=change.pk,
    )
