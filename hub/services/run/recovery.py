"""Recovery points of a write in several calls: each call is committed before the next one leaves."""

from django.db import transaction

from hub import clock, failpoint
from hub.engine import intent
from hub.engine.intent import State
from hub.models import Change, Link, bulk
from hub.sdk import Outcome
from hub.services.run import rows
from hub.services.run.flow import Flow


def point(flow: Flow, change: Change, answer: Outcome) -> None:
    """Commit that one call of `change` is done, with the key it gave; the next one leaves under a key of its own.

    The link is told too: whatever becomes of this change, the next one of the record goes on after this call.
    """
    intent.after(answer.answer, State(change.state))
    now = clock.now()
    key = answer.key or change.destination_key if change.side == "destination" else change.destination_key
    with transaction.atomic():
        flow.lane.hold()
        Change.objects.filter(pk=change.pk, state=State.SENDING).update(
            step=answer.step[:40], destination_key=key, keyed_at=now, sent_at=now, lost_at=None
        )
        if change.side == "destination":
            Link.objects.filter(pk=change.link_id or 0).update(step=answer.step[:40], destination_key=key)
        bulk.insert("hub_attempt", columns=rows.ATTEMPT_COLUMNS, rows=[rows.attempt(change, answer, now)])
        failpoint.reach("step.before_commit")
    failpoint.reach("step.committed")
    change.step, change.destination_key = answer.step[:40], key
    change.keyed_at, change.sent_at, change.lost_at = now, now, None
