"""What a person can do about a record whose writing is stuck: release what was refused, skip it, or start afresh.

A record is stuck behind its head: the newest change of it that left, when that was refused or met a conflict, or the
step that could not be mapped when its turn came.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from hub import clock
from hub.engine.intent import State
from hub.models import Change, ExceptionState, Link, LinkState, ReconciliationException, Semantics, User
from hub.sdk import HubError, Operation
from hub.services import audit, hint
from hub.services.run import books, filled, kept, transition
from hub.services.run.lane import ring_for
from hub.services.run.pick import TO_SEND

STUCK = (State.REJECTED, State.CONFLICT)
WITHDRAWN = (State.PLANNED, State.SUPERSEDED, State.CANCELLED)


class NotStuckError(HubError):
    """The record is not stuck any more, or not at this change."""

    code = "not-stuck"


@dataclass(frozen=True, slots=True)
class Stuck:
    """The change that a record is stuck behind, and how many changes wait for it."""

    head: Change
    waiting: int


def stuck(change: Change) -> Stuck | None:
    """What the record of this change is stuck behind; None when it is not."""
    of_record = _of_record(change)
    left = of_record.exclude(state__in=[*WITHDRAWN, *TO_SEND, State.HELD])
    head = left.select_related("mapping__destination", "mapping__source", "run", "link").order_by("-id").first()
    if head is None or head.state not in STUCK:
        return None
    return Stuck(head, _waiting(head).count())


@transaction.atomic
def release(*, change: Change, by: User, reason: str) -> None:
    """Try the head of a stuck record again; what waits behind it follows. Raises NotStuckError."""
    head = _locked_head(change)
    if head.kept is not None:
        raise NotStuckError("This step cannot be mapped as it is. Ask for another try, or skip it.")
    head.state, head.ended_at, head.due_at, head.code = State.READY.value, None, None, books.RELEASED
    head.message = f"Released by {by}: {reason}"[:2000]
    head.renew_key()
    head.save(
        update_fields=[
            "state", "ended_at", "due_at", "code", "message", "key_gen", "idempotency_key", "keyed_at", "lost_at",
        ]
    )  # fmt: skip
    books.add(head.run_id, excepted=-1, in_flight=1)
    _go_on(head, by, "released", reason)


@transaction.atomic
def map_anew(*, change: Change, by: User) -> None:
    """Map a kept step anew with the version active now; it and what waits behind it follow. Raises NotStuckError.

    If it still cannot be mapped its exception stays and says so.
    """
    head = _locked_head(change)
    if head.kept is None:
        raise NotStuckError("This change has been mapped. Release it, or skip it.")
    if kept.is_unread(head):
        raise NotStuckError("Nothing but the key of this step could be read. Skip it, or start afresh.")
    runs = filled.release(head, f"Another try was asked for by {by}.")
    books.reopen({head.run_id, *runs}, clock.now())
    detail = {"waiting": len(runs), "key": head.source_key}
    audit.record(actor=by, action="change.mapped_anew", subject=head, detail=detail)
    ring_for(head.mapping, [head.source_key])


@transaction.atomic
def skip(*, change: Change, by: User, reason: str) -> None:
    """Give the head of a stuck record up, and go on with what waits behind it. Raises NotStuckError."""
    head = _locked_head(change)
    _give_up(head, by, "Skipped", reason)
    if head.mapping.semantics != Semantics.TRANSITION:
        _leave_alone(head)
    _go_on(head, by, "skipped", reason)


@transaction.atomic
def supersede(*, change: Change, by: User, reason: str) -> None:
    """Give up the head of a stuck record and all that waits behind it, and read the source. Raises NotStuckError."""
    head = _locked_head(change)
    _give_up(head, by, "Given up for a fresh read", reason)
    waiting = list(_waiting(head).order_by("id").select_for_update(of=("self",)).values_list("id", "run_id", "state"))
    Change.objects.filter(pk__in=[id_ for id_, _, _ in waiting]).update(
        state=State.SUPERSEDED.value,
        ended_at=clock.now(),
        message=f"Given up for a fresh read by {by}: {reason}"[:2000],
    )
    for _, run_id, state in sorted(waiting, key=lambda row: row[1]):
        books.add(run_id, **{"held" if state == State.HELD else "in_flight": -1, "excluded": 1})
    books.reopen({run_id for _, run_id, _ in waiting}, clock.now())
    Link.objects.filter(pk=head.link_id or 0).update(source_digest="", updated_at=clock.now())
    _go_on(head, by, "superseded", reason)
    hint.put(head.mapping_id, [head.source_key], f"read afresh for {by}", clock.now())


def _of_record(change: Change) -> QuerySet[Change]:
    return Change.objects.filter(mapping_id=change.mapping_id, source_key=change.source_key)


def _waiting(head: Change) -> QuerySet[Change]:
    return _of_record(head).filter(pk__gt=head.pk, state__in=[*TO_SEND, State.HELD])


def _locked_head(change: Change) -> Change:
    """The head, locked with its link until the transaction ends."""
    Link.objects.select_for_update().filter(pk=change.link_id or 0).first()
    found = stuck(change)
    if found is None:
        raise NotStuckError("This record is not stuck any more. Look at the page again.")
    head = Change.objects.select_for_update(of=("self",)).get(pk=found.head.pk)
    if head.state not in STUCK:
        raise NotStuckError("Somebody has settled this meanwhile. Look at the page again.")
    return found.head


def _give_up(head: Change, by: User, word: str, reason: str) -> None:
    head.state, head.ended_at = State.CANCELLED.value, clock.now()
    head.message = f"{word} by {by}: {reason}"[:2000]
    head.save(update_fields=["state", "ended_at", "message"])
    books.add(head.run_id, excepted=-1, excluded=1)


def _leave_alone(head: Change) -> None:
    """The source as it was read then counts as dealt with: the record is looked at when it next changes there."""
    link = Link.objects.filter(pk=head.link_id or 0)
    if head.is_archive or head.operation == Operation.DELETE:
        link.update(state=LinkState.GONE, refused_digest="", updated_at=clock.now())
    else:
        link.update(source_digest=head.source_digest, refused_digest=head.digest, updated_at=clock.now())


def _go_on(head: Change, by: User, word: str, reason: str) -> None:
    """Let what waits behind the head go on, close its exceptions, and note who decided."""
    now = clock.now()
    if head.mapping.semantics == Semantics.TRANSITION or word != "skipped":
        Link.objects.filter(pk=head.link_id or 0).update(refused_digest="", updated_at=now)
    runs = transition.free(head)
    ReconciliationException.objects.filter(
        mapping_id=head.mapping_id, source_key=head.source_key, change_id=head.pk, state=ExceptionState.OPEN
    ).update(state=ExceptionState.RESOLVED, resolved_at=now, resolution=f"{by}: {word}: {reason}"[:300])
    books.reopen({head.run_id, *runs}, now)
    audit.record(
        actor=by, action=f"change.{word}", subject=head, detail={"waiting": len(runs), "key": head.source_key},
        reason=reason,
    )  # fmt: skip
    ring_for(head.mapping, [head.source_key])
