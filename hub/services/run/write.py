"""Writes to the destination: the intent is committed first, then the request leaves, then the outcome is committed."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Field

from hub import clock
from hub.engine import plan, resolve
from hub.engine.intent import OPEN, State
from hub.models import Change, Link, LinkState, bulk
from hub.sdk import Answer, AuthError, ConfigError, HubError, Operation, Outcome, TransientError
from hub.sdk import Change as Order
from hub.services.run import books, evidence, outcome
from hub.services.run.flow import Flow

FLUSH_SECONDS = 2.0
FLUSH_COUNT = 100
logger = logging.getLogger(__name__)


def intend(flow: Flow, planned: Sequence[plan.Planned], superseded: Sequence[int] = ()) -> list[Change]:
    """Commit the changes as about to be sent, with their links, before any byte leaves."""
    if not planned:
        return []
    with transaction.atomic():
        flow.lane.hold()
        now = clock.now()
        _supersede(superseded)
        changes = _store(flow, planned, State.SENDING)
        for change in changes:
            change.sent_at = now
            if goes_alone(flow, change):
                change.state, change.sent_at = State.READY.value, None
        _insert(changes)
        books.add(flow.run.pk, received=len(changes), in_flight=len(changes))
    return changes


def hold(flow: Flow, planned: Sequence[plan.Planned], reason: str) -> None:
    """Commit changes that wait for a person's approval."""
    with transaction.atomic():
        flow.lane.hold()
        changes = _store(flow, planned, State.HELD)
        for change in changes:
            change.message, change.code = reason, "guard"
        _insert(changes)
        books.add(flow.run.pk, received=len(changes), held=len(changes))


def send(flow: Flow, changes: Sequence[Change]) -> None:
    """Send committed changes and record what comes back; conflicts that do not overlap go once more."""
    for batch in _batches(flow, changes):
        _mark_sending(flow, batch)
        again = _send_batch(flow, batch, may_repeat=True)
        _mark_sending(flow, again)
        _send_batch(flow, again, may_repeat=False)


def goes_alone(flow: Flow, change: Change) -> bool:
    """Whether nothing could settle a lost answer to this create, so that a crash must leave at most one in doubt."""
    offered = flow.offers.create
    if offered is None or change.operation != Operation.CREATE:
        return False
    doubt = resolve.Doubt(Operation.CREATE, {}, None, None, clock.now())
    return resolve.choose(doubt, offered, resolve.LANDING, clock.now()).protocol is resolve.Protocol.PARK


def _store(flow: Flow, planned: Sequence[plan.Planned], state: State) -> list[Change]:
    """Change rows of these plans, and a pending link for each record seen for the first time."""
    new = [one for one in planned if one.link_id is None]
    now = clock.now()
    bulk.upsert(
        "hub_link",
        key=("mapping_id", "source_key"),
        columns={"mapping_id": "bigint", "source_key": "text", "state": "text", "source_digest": "text",
                 "digest": "text", "refused_digest": "text", "ack_seq": "int", "updated_at": "timestamptz"},
        rows=[(flow.mapping.pk, one.source_key, LinkState.PENDING.value, "", "", "", 0, now) for one in new],
    )  # fmt: skip
    ids = {key: link.id for key, link in Link.objects.for_page(flow.mapping.pk, [o.source_key for o in new]).items()}
    return [_row(flow, one, one.link_id or ids[one.source_key], state) for one in planned]


def _row(flow: Flow, planned: plan.Planned, link_id: int, state: State) -> Change:
    return Change(
        run=flow.run,
        mapping=flow.mapping,
        version=flow.run.version,
        link_id=link_id,
        source_key=planned.source_key,
        destination_key=planned.destination_key,
        operation=planned.operation.value,
        is_archive=planned.is_archive,
        state=state.value,
        fields=planned.fields,
        image=planned.image,
        before=planned.before,
        digest=planned.digest,
        source_digest=planned.source_digest,
        source_version=planned.source_version,
        precondition=planned.precondition,
        idempotency_key=plan.idempotency_key(flow.mapping.pk, planned, 0),
        ack_seq=planned.ack_seq,
        epoch=flow.lane.epoch,
    )


def _insert(changes: Sequence[Change]) -> None:
    """Store new changes with one statement; each gets its id."""
    for change, id_ in zip(changes, bulk.reserve("hub_change", len(changes)), strict=True):
        change.pk = id_
    fields = Change._meta.concrete_fields
    columns = {str(field.column): _kind(field) for field in fields}
    rows = [[_stored(change, field) for field in fields] for change in changes]
    bulk.insert("hub_change", columns=columns, rows=rows)


def preview(flow: Flow, planned: Sequence[plan.Planned], room: int) -> None:
    """Keep what a preview would write, as far as there is `room`; the counts are always whole."""
    with transaction.atomic():
        flow.lane.hold()
        rows = [_row(flow, one, one.link_id or 0, State.PLANNED) for one in planned[:room]]
        for row in rows:
            row.link_id = row.link_id or None
        _insert(rows)
        books.add(flow.run.pk, received=len(planned), planned=len(planned))


KINDS = {"BooleanField": "boolean", "JSONField": "jsonb", "DateTimeField": "timestamptz", "CharField": "text"}


def _kind(field: Field[Any, Any]) -> str:
    """PostgreSQL's type of a column, for arrays."""
    return KINDS.get(field.get_internal_type(), "bigint")


def _stored(change: Change, field: Field[Any, Any]) -> Any:
    """A column's value as the database takes it."""
    value = getattr(change, field.attname)
    return orjson.dumps(value).decode() if value is not None and field.get_internal_type() == "JSONField" else value


def _supersede(ids: Sequence[int]) -> None:
    """Withdraw changes that were not sent yet: a newer one takes their place."""
    for change in Change.objects.filter(pk__in=ids, state__in=sorted(OPEN)):
        count = "held" if change.state == State.HELD else "in_flight"
        change.state, change.ended_at = State.SUPERSEDED.value, clock.now()
        change.save(update_fields=["state", "ended_at"])
        books.add(change.run_id, **{count: -1, "excluded": 1})


def _batches(flow: Flow, changes: Sequence[Change]) -> Iterator[list[Change]]:
    """All at once where a lost answer can be settled; one by one where it cannot."""
    alone = {change.pk: change for change in changes if goes_alone(flow, change)}
    together = [change for change in changes if change.pk not in alone]
    if together:
        yield together
    for change in alone.values():
        yield [change]


def _mark_sending(flow: Flow, changes: Sequence[Change]) -> None:
    """Commit that these are about to leave, under the present epoch."""
    waiting = [change for change in changes if change.state != State.SENDING]
    if not waiting:
        return
    with transaction.atomic():
        flow.lane.hold()
        now = clock.now()
        ids = [change.pk for change in waiting]
        Change.objects.filter(pk__in=ids).update(state=State.SENDING.value, sent_at=now, epoch=flow.lane.epoch)
    for change in waiting:
        change.state, change.sent_at, change.epoch = State.SENDING.value, now, flow.lane.epoch


def _send_batch(flow: Flow, changes: Sequence[Change], *, may_repeat: bool) -> list[Change]:
    """Send one batch and record every outcome; returns the changes to send once more after a harmless conflict."""
    if not changes:
        return []
    by_id = {str(change.pk): change for change in changes}
    ready: list[tuple[Change, Outcome]] = []
    again: list[Change] = []
    flushed = time.monotonic()
    problem: BaseException | None = None
    for answer in _answers(flow, changes, by_id):
        if isinstance(answer, BaseException):
            problem = answer
            continue
        ready.append((by_id.pop(answer.change_id), answer))
        if len(ready) >= FLUSH_COUNT and time.monotonic() - flushed > FLUSH_SECONDS:
            again += outcome.record(flow, evidence.enriched(flow, ready), may_repeat=may_repeat)
            ready, flushed = [], time.monotonic()
    again += outcome.record(flow, evidence.enriched(flow, ready), may_repeat=may_repeat)
    if problem is not None:
        raise problem
    return again


def _answers(flow: Flow, changes: Sequence[Change], waiting: dict[str, Change]) -> Iterable[Outcome | BaseException]:
    """The destination's outcomes, then one for each change it left without: silence unless it surely never left.

    The reader takes each answered change out of `waiting`.
    """
    problem: Exception | None = None
    try:
        for answer in flow.destination.apply(flow.mapping.destination_stream, [_order(change) for change in changes]):
            if answer.change_id in waiting:
                yield answer
    except Exception as error:  # noqa: BLE001  whatever a connector raises, what left must become a state
        problem = error
    for change_id in list(waiting):
        yield _without_answer(change_id, problem)
    if problem is not None and not isinstance(problem, HubError):
        logger.error("The connector broke while writing.", exc_info=problem)
        yield problem
    elif isinstance(problem, ConfigError):
        yield problem


def _without_answer(change_id: str, problem: Exception | None) -> Outcome:
    """The outcome of a change the connector said nothing about."""
    text = str(problem) if isinstance(problem, HubError) else "The connector gave no answer for this change."
    if isinstance(problem, AuthError):
        return Outcome(change_id, Answer.AUTH, code="auth", message=text)
    if isinstance(problem, TransientError | ConfigError):  # nothing of it has left
        return Outcome(change_id, Answer.RETRY, code=problem.code, message=text)
    return Outcome(change_id, Answer.UNKNOWN, code="silence", message=text)


def _order(change: Change) -> Order:
    """The change as a connector is asked for it."""
    return Order(
        id=str(change.pk),
        operation=Operation(change.operation),
        external_id=change.source_key,
        fields=change.fields,
        image=change.image,
        key=change.destination_key,
        version=change.precondition,
        before=change.before,
        idempotency_key=change.idempotency_key,
    )


def regenerated(change: Change) -> str:
    """A new idempotency key after proof that the former request did not happen."""
    change.key_gen += 1
    planned = plan.Planned(
        source_key=change.source_key, operation=Operation(change.operation), image={}, fields={}, before=None,
        digest=change.digest, source_digest="", source_version=None, link_id=None, destination_key=None,
        precondition=None, ack_seq=change.ack_seq,
    )  # fmt: skip
    return plan.idempotency_key(change.mapping_id, planned, change.key_gen)
