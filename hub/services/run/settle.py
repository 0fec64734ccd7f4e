"""Settles what earlier requests left open: lost answers are looked up, passing failures tried again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from hub import clock
from hub.engine import resolve
from hub.engine.intent import State
from hub.engine.resolve import Protocol, Verdict
from hub.models import Change, ExceptionKind
from hub.sdk import Answer, Operation, Outcome, Record
from hub.services.run import books, outcome, raised, write
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised

AT_ONCE = 500
TO_SEND = (State.READY, State.RETRY_WAIT, State.AUTH_HELD)
IN_DOUBT = (State.SENDING, State.AMBIGUOUS, State.PROBING)


def due(mapping_id: int, now: datetime) -> Q:
    """The open changes of a mapping that something can be done about now."""
    lost = Q(state=State.SENDING)
    ripe = Q(state__in=[*TO_SEND, State.AMBIGUOUS, State.PROBING]) & (Q(due_at__isnull=True) | Q(due_at__lte=now))
    return Q(mapping_id=mapping_id) & (lost | ripe)


def settle(flow: Flow) -> None:
    """Bring every due change of this mapping a step further. The lane is ours, so SENDING means: answer lost."""
    now = clock.now()
    open_now = list(
        Change.objects.filter(due(flow.mapping.pk, now)).select_related("link", "run").order_by("id")[:AT_ONCE]
    )
    doubtful = [change for change in open_now if change.state in IN_DOUBT]
    unsent = [change for change in open_now if change.state in TO_SEND]
    runs = {change.run_id for change in open_now}
    resend = _settle_doubts(flow, doubtful, now)
    if unsent or resend:
        write.send(flow, [*unsent, *resend])
    books.reopen(runs, clock.now())


def _settle_doubts(flow: Flow, changes: Sequence[Change], now: datetime) -> list[Change]:
    """Look up each change whose answer was lost; returns those proven not to have happened, to be sent again."""
    steps = {change.pk: _step(flow, change, now) for change in changes}
    parked = [change for change in changes if steps[change.pk].protocol is Protocol.PARK]
    early = [change for change in changes if steps[change.pk].due_at > now and change not in parked]
    ripe = [change for change in changes if change not in parked and change not in early]
    _mark(flow, parked, early, steps)
    resend = [change for change in ripe if steps[change.pk].protocol is Protocol.RESEND]
    probed = [change for change in ripe if steps[change.pk].protocol in (Protocol.READ, Protocol.FIND)]
    return [*resend, *_probe(flow, probed)]


def _step(flow: Flow, change: Change, now: datetime) -> resolve.Step:
    offered = flow.offers.of(change.operation)
    return resolve.choose(outcome.doubt_of(change), offered, flow.mapping.destination.landing_seconds, now)


def _mark(flow: Flow, parked: Sequence[Change], early: Sequence[Change], steps: dict[int, resolve.Step]) -> None:
    """Commit what cannot be told (parked, with a question to a person) and what must still wait."""
    if not parked and not early:
        return
    with transaction.atomic():
        flow.lane.hold()
        for change in early:
            Change.objects.filter(pk=change.pk).update(state=State.AMBIGUOUS.value, due_at=steps[change.pk].due_at)
        ids = [change.pk for change in parked]
        Change.objects.filter(pk__in=ids).update(state=State.PARKED.value, due_at=None, code="in-doubt")
        for change in parked:
            raised.raise_all(run=change.run, raised=[_question(flow, change)], now=clock.now())


def _question(flow: Flow, change: Change) -> Raised:
    return Raised(
        ExceptionKind.IN_DOUBT,
        change.source_key,
        f"The hub sent this {change.operation} to “{flow.mapping.destination}” and never got an answer. That system "
        "offers nothing to find out by. Look there, then say whether it happened.",
        code="in-doubt",
        evidence={"operation": change.operation, "sent": change.fields, "agreed": change.before},
        change_id=change.pk,
    )


def _probe(flow: Flow, changes: Sequence[Change]) -> list[Change]:
    """Read the records in question and judge; records what happened, returns what did not."""
    if not changes:
        return []
    by_reference, by_key = _look_up(flow, changes)
    settled: list[tuple[Change, Outcome]] = []
    resend: list[Change] = []
    for change in changes:
        found = by_reference.get(change.source_key, [])
        present = by_key.get(change.destination_key or "")
        verdict = _judge(change, found, present)
        if verdict is Verdict.RESEND:
            resend.append(change)
        else:
            settled.append((change, _told(change, verdict, found[0] if found else present)))
    _mark_sending(flow, [change for change, _ in settled])
    outcome.record(flow, settled, may_repeat=False)
    _renew_keys(flow, resend)
    return resend


def _look_up(flow: Flow, changes: Sequence[Change]) -> tuple[dict[str, list[Record]], dict[str, Record]]:
    """(records by our reference, records by their key) for creates and for the rest."""
    stream = flow.mapping.destination_stream
    references = [change.source_key for change in changes if change.operation == Operation.CREATE]
    keys = [change.destination_key for change in changes if change.destination_key]
    found: dict[str, list[Record]] = {}
    for reference, record in flow.destination.find(stream, references) if references else ():
        found.setdefault(reference, []).append(record)
    present = {record.key: record for record in flow.destination.fetch(stream, keys)} if keys else {}
    return found, present


def _judge(change: Change, found: list[Record], present: Record | None) -> Verdict:
    if change.operation == Operation.CREATE:
        return resolve.judge_create(found)
    if change.operation == Operation.DELETE:
        return resolve.judge_delete(outcome.doubt_of(change), present)
    return resolve.judge_update(outcome.doubt_of(change), present)


def _told(change: Change, verdict: Verdict, record: Record | None) -> Outcome:
    """The judgement as if the destination had answered it."""
    told = Outcome(str(change.pk), Answer.APPLIED, code="probed", message="Found by looking it up.")
    if record is not None:
        told = replace(told, key=record.key, version=record.version, image=record.data)
    if verdict is Verdict.HAPPENED:
        return told
    if verdict is Verdict.AMBIGUOUS:
        return replace(told, answer=Answer.REFUSED, code="exists", message="Several records carry this reference.")
    return replace(told, answer=Answer.MISSING if record is None else Answer.CONFLICT)


def _mark_sending(flow: Flow, changes: Sequence[Change]) -> None:
    """Take these over under our epoch, so that the outcome's step is an allowed one."""
    if changes:
        with transaction.atomic():
            flow.lane.hold()
            Change.objects.filter(pk__in=[change.pk for change in changes]).update(
                state=State.SENDING.value, epoch=flow.lane.epoch
            )


def _renew_keys(flow: Flow, changes: Sequence[Change]) -> None:
    """Proven absent: the next request is a new one and may have a new key."""
    if not changes:
        return
    with transaction.atomic():
        flow.lane.hold()
        for change in changes:
            change.idempotency_key = write.regenerated(change)
            change.state = State.READY.value
            change.save(update_fields=["idempotency_key", "key_gen", "state"])
