"""Changes that a person released: what they would be written upon is read first, so that no edit is met unseen."""

from collections.abc import Sequence

from django.db import transaction

from hub import failpoint
from hub.engine import canonical
from hub.models import Change, Link, LinkState
from hub.sdk import Operation, Record
from hub.services.run import books, pick
from hub.services.run.flow import Flow


def look(flow: Flow, changes: Sequence[Change]) -> None:
    """Let each released update or deletion follow the record as it is there now; one that is gone is made anew."""
    asked = [one for one in changes if one.code == books.RELEASED and one.operation != Operation.CREATE]
    for side in {one.side for one in asked}:
        end, here = flow.end(side), [one for one in asked if one.side == side]
        keys = [key for key in (one.key_there for one in here) if key]
        present = {record.key: record for record in end.system.fetch(end.stream, keys) if not record.deleted}
        _note(flow, here, present)


def _note(flow: Flow, changes: Sequence[Change], present: dict[str, Record]) -> None:
    with transaction.atomic():
        flow.lane.hold()
        for change in pick.untouched(changes):
            record = present.get(change.key_there or "")
            if record is not None:
                _follow(change, record)
            elif change.operation == Operation.UPDATE and not change.is_archive and change.side == "destination":
                _make_anew(change)
            change.code = ""
            change.save(
                update_fields=[
                    "operation", "destination_key", "fields", "before", "precondition", "idempotency_key", "key_gen",
                    "keyed_at", "lost_at", "code",
                ]
            )  # fmt: skip
        failpoint.reach("released.before_commit")
    failpoint.reach("released.committed")


def _follow(change: Change, record: Record) -> None:
    known = canonical.to_json(record.data)
    change.precondition = record.version
    change.before = {name: known.get(name) for name in (change.before or change.fields)}


def _make_anew(change: Change) -> None:
    change.operation, change.destination_key = Operation.CREATE.value, None
    change.fields, change.before, change.precondition = change.image, None, None
    change.renew_key()
    Link.objects.filter(pk=change.link_id or 0).update(
        state=LinkState.PENDING, destination_key=None, destination_version=None
    )
