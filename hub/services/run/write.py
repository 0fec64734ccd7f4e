"""Writes to the destination: the intent is committed first, then the request leaves, then the outcome is committed."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models.functions import Coalesce

from hub import clock, failpoint
from hub.engine import lane as lanes
from hub.engine import plan, resolve
from hub.engine.intent import State
from hub.models import Change, LeaseLostError, LinkState, Semantics, bulk
from hub.sdk import (
    NOT_BEGUN,
    Answer,
    AuthError,
    ConfigError,
    HubError,
    Operation,
    Orders,
    Outcome,
    TransientError,
    WriteCapability,
)
from hub.sdk import Change as Order
from hub.services import pause
from hub.services.run import books, evidence, lease, outcome, pick, portion, promise, rebase, recovery, rows
from hub.services.run.flow import End, Flow

FLUSH_SECONDS = 0.1  # so long after the first that waits what has come is recorded, while others are on their way
FLUSH_COUNT = 100
logger = logging.getLogger(__name__)


def intend(flow: Flow, planned: Sequence[plan.Planned]) -> list[Change]:
    """Commit the changes as about to be sent, with their links, before any byte leaves.

    Those that wait are READY: of another lane, behind an earlier step, or alone as no lost answer could be settled.
    """
    if not planned:
        return []
    promise.refuse_unoffered(flow.mapping, flow.offers, planned)
    with transaction.atomic():
        flow.lane.hold()
        pause.refuse(flow.mapping)
        now = clock.now()
        changes = made(flow, planned, State.SENDING)
        for one, change in zip(planned, changes, strict=True):
            change.sent_at = change.keyed_at = now
            if one.waits or change.due_at or not flow.is_ours(change.source_key) or goes_alone(flow, change):
                change.state, change.sent_at, change.keyed_at = State.READY.value, None, None
        rows.insert(changes)
        flow.newest = changes[-1].pk
        books.add(flow.run.pk, received=len(changes), in_flight=len(changes))
        failpoint.reach("intend.before_commit")
    failpoint.reach("intend.committed")
    return changes


def hold(flow: Flow, planned: Sequence[plan.Planned], reason: str, code: str = "guard") -> None:
    """Commit changes that wait for a person: for an approval, or behind a step that a person must see."""
    with transaction.atomic():
        flow.lane.hold()
        changes = made(flow, planned, State.HELD)
        flow.has_open = True
        for change in changes:
            change.message, change.code = reason, code
        rows.insert(changes)
        flow.newest = changes[-1].pk
        books.add(flow.run.pk, received=len(changes), held=len(changes))
        failpoint.reach("hold.before_commit")
    failpoint.reach("hold.committed")


def send(flow: Flow, changes: Sequence[Change]) -> None:
    """Send committed changes and record what comes back; conflicts that do not overlap go once more."""
    may_repeat = flow.mapping.semantics != Semantics.TRANSITION  # a repeat would go behind the steps after it
    now = clock.now()
    for batch in _batches(flow, [change for change in changes if change.due_at is None or change.due_at <= now]):
        for part in portion.parts(flow, _mark_sending(flow, batch)):
            again = _send_batch(flow, part, may_repeat=may_repeat)
            _send_batch(flow, _mark_sending(flow, again), may_repeat=False)


def goes_alone(flow: Flow, change: Change) -> bool:
    """Whether nothing could settle a lost answer to this create, so that a crash must leave at most one in doubt."""
    if change.operation != Operation.CREATE or (offered := flow.end(change.side).offers.create) is None:
        return False
    if not (change.tries or change.step or change.code or change.job):
        return _leaves_doubt(offered)
    doubt = outcome.doubt_of(change, clock.now())
    return resolve.choose(doubt, offered, resolve.LANDING, clock.now()).protocol is resolve.Protocol.PARK


@lru_cache(maxsize=64)
def _leaves_doubt(offered: WriteCapability) -> bool:
    """The same for any create that is sent for the first time: it depends on what is offered, not on the record."""
    now = clock.now()
    doubt = resolve.Doubt(Operation.CREATE, {}, None, None, now)
    return resolve.choose(doubt, offered, resolve.LANDING, now).protocol is resolve.Protocol.PARK


def made(flow: Flow, planned: Sequence[plan.Planned], state: State) -> list[Change]:
    """Change rows (not stored yet) of these plans, and a pending link for each record seen for the first time."""
    new = list(dict.fromkeys(one.source_key for one in planned if one.link_id is None))  # steps of a record share it
    now = clock.now()
    ids = bulk.upsert_named(
        "hub_link",
        key=("mapping_id", "source_key"),
        columns={"mapping_id": "bigint", "source_key": "text", "state": "text", "source_digest": "text",
                 "digest": "text", "refused_digest": "text", "ack_seq": "int", "updated_at": "timestamptz"},
        rows=[(flow.mapping.pk, key, LinkState.PENDING.value, "", "", "", 0, now) for key in new],
    )  # fmt: skip
    return [_row(flow, one, one.link_id or ids[one.source_key], state) for one in planned]


def _row(flow: Flow, planned: plan.Planned, link_id: int | None, state: State) -> Change:
    must_wait = planned.quiet_until and resolve.must_wait(planned.operation, flow.end(planned.side).offers.create)
    quiet_until = planned.quiet_until if must_wait else None
    values = {
        "run_id": flow.run.pk,
        "mapping_id": flow.mapping.pk,
        "version_id": flow.run.version_id,
        "link_id": link_id,
        "source_key": planned.source_key,
        "replay_of_id": (flow.run.keys or {}).get(planned.source_key),
        "bucket": lanes.bucket_of(planned.source_key),
        "side": planned.side,
        "decisions": planned.decisions,
        "destination_key": planned.destination_key,
        "operation": planned.operation.value,
        "is_archive": planned.is_archive,
        "state": state.value,
        "fields": planned.fields,
        "image": planned.image,
        "before": planned.before,
        "digest": planned.digest,
        "source_digest": planned.source_digest,
        "source_version": planned.source_version,
        "precondition": planned.precondition,
        "idempotency_key": plan.idempotency_key(flow.mapping.pk, planned),
        "key_gen": planned.key_gen,
        "ack_seq": planned.ack_seq,
        "epoch": flow.lane.epoch,
        "step": planned.step,
        "due_at": quiet_until if quiet_until and quiet_until > clock.now() else None,
    }
    return Change.fresh(values, run=flow.run, mapping=flow.mapping, version=flow.run.version)


def preview(flow: Flow, planned: Sequence[plan.Planned], room: int) -> None:
    """Keep what a preview would write, as far as there is `room`; the counts are always whole."""
    with transaction.atomic():
        flow.lane.hold()
        kept = [_row(flow, one, one.link_id, State.PLANNED) for one in planned[:room]]
        rows.insert(kept)
        books.add(flow.run.pk, received=len(planned), planned=len(planned))


def _batches(flow: Flow, changes: Sequence[Change]) -> Iterator[list[Change]]:
    """All of one end at once where a lost answer can be settled; one by one where it cannot."""
    alone = {change.pk: change for change in changes if goes_alone(flow, change)}
    together = [change for change in changes if change.pk not in alone]
    for side in dict.fromkeys(change.side for change in together):
        yield [change for change in together if change.side == side]
    for change in alone.values():
        yield [change]


def _mark_sending(flow: Flow, changes: Sequence[Change]) -> list[Change]:
    """Commit that these are about to leave, under the present epoch; leaves out what somebody took or withdrew."""
    waiting = [change for change in changes if change.state != State.SENDING or change.epoch != flow.lane.epoch]
    if not waiting:
        return list(changes)
    now = clock.now()
    with transaction.atomic():
        flow.lane.hold()
        pause.refuse(flow.mapping)
        taken = _taken(flow, waiting, now)
        failpoint.reach("sending.before_commit")
    failpoint.reach("sending.committed")
    for change in taken:
        change.state, change.sent_at, change.epoch = State.SENDING.value, now, flow.lane.epoch
        change.keyed_at = change.keyed_at or now
    gone = {change.pk for change in waiting} - {change.pk for change in taken}
    return [change for change in changes if change.pk not in gone]


def _taken(flow: Flow, waiting: Sequence[Change], now: datetime) -> Sequence[Change]:
    """Mark those of `waiting` that are still as they were read, fitted to the records as they are linked now."""
    keyed_at = Coalesce("keyed_at", now)
    marked = {"state": State.SENDING.value, "sent_at": now, "keyed_at": keyed_at, "epoch": flow.lane.epoch}
    if len(waiting) == 1 and _is_fresh(flow, waiting[0]):
        one = waiting[0]
        return waiting if Change.objects.filter(pk=one.pk, state=one.state, epoch=one.epoch).update(**marked) else []
    taken = rebase.rebased(flow, pick.untouched(waiting))
    Change.objects.filter(pk__in=[change.pk for change in taken]).update(**marked)
    return taken


def _is_fresh(flow: Flow, change: Change) -> bool:
    """Whether this create was planned under this very lease, not as a step behind others: nothing happened since."""
    is_state = flow.mapping.semantics != Semantics.TRANSITION
    return is_state and change.operation == Operation.CREATE and change.epoch == flow.lane.epoch and change.tries == 0


def _send_batch(flow: Flow, changes: Sequence[Change], *, may_repeat: bool) -> list[Change]:
    """Send one batch and record every outcome; returns the changes to send once more after a harmless conflict."""
    if not changes:
        return []
    by_id = {str(change.id): change for change in changes}
    ready: list[tuple[Change, Outcome]] = []
    again: list[Change] = []
    left: list[tuple[Change, Outcome]] = []
    since = 0.0
    problem: BaseException | None = None
    failpoint.reach("send.before")
    for answer in _answers(flow, changes, by_id):
        if isinstance(answer, BaseException):
            problem = answer
            continue
        failpoint.reach("send.answered")
        if answer.answer is Answer.STEP:
            recovery.point(flow, by_id[answer.change_id], answer)
            continue
        (left if answer.code == NOT_BEGUN else ready).append((by_id.pop(answer.change_id), answer))
        since = since if len(ready) > 1 else time.monotonic()  # answers that come all at once are recorded at once
        if len(ready) >= FLUSH_COUNT and time.monotonic() - since > FLUSH_SECONDS:
            again += outcome.record(flow, evidence.enriched(flow, ready), may_repeat=may_repeat)
            ready = []
    again += outcome.record(flow, evidence.enriched(flow, ready), may_repeat=may_repeat)
    portion.withdraw(flow, [change for change, _ in left])
    if problem is not None:
        raise problem
    return again


def _answers(flow: Flow, changes: Sequence[Change], waiting: dict[str, Change]) -> Iterable[Outcome | BaseException]:
    """The destination's outcomes, then one for each change it left without: silence unless it surely never left.

    The reader takes each answered change out of `waiting`.
    """
    problem: Exception | None = None
    end = flow.end(changes[0].side)
    try:
        for answer in _on_a_sure_lease(flow, end, Orders(order(change) for change in changes)):
            if answer.change_id in waiting:
                yield answer
    except LeaseLostError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a connector raises, what left must become a state
        problem = error
    for change_id in list(waiting):
        yield _without_answer(change_id, problem)
    if problem is not None and not isinstance(problem, HubError):
        logger.error("The connector broke while writing.", exc_info=problem)
        yield problem
    elif isinstance(problem, ConfigError):
        yield problem


def _on_a_sure_lease(flow: Flow, end: End, orders: Orders) -> Iterator[Outcome]:
    """The outcomes of one end, each asked for only while the lease lasts longer than a request may take."""
    answers = iter(end.system.apply(end.stream, orders))
    lease.secure(flow.lane, end.deadline)
    while (answer := next(answers, None)) is not None:
        yield answer
        lease.secure(flow.lane, end.deadline)
        orders.is_stopped = orders.is_stopped or portion.must_stop(flow)


def _without_answer(change_id: str, problem: Exception | None) -> Outcome:
    """The outcome of a change the connector said nothing about."""
    text = str(problem) if isinstance(problem, HubError) else "The connector gave no answer for this change."
    if isinstance(problem, AuthError):
        return Outcome(change_id, Answer.AUTH, code="auth", message=text)
    if isinstance(problem, TransientError | ConfigError):  # nothing of it has left
        wait = getattr(problem, "retry_after", None)
        return Outcome(change_id, Answer.RETRY, code=problem.code, message=text, retry_after=wait)
    return Outcome(change_id, Answer.UNKNOWN, code="silence", message=text)


def order(change: Change) -> Order:
    """The change as a connector is asked for it."""
    return Order(
        id=str(change.id),
        operation=Operation(change.operation),
        external_id=change.reference,
        fields=change.fields,
        image=change.image,
        key=change.key_there,
        version=change.precondition,
        before=change.before,
        idempotency_key=change.idempotency_key,
        step=change.step,
    )
