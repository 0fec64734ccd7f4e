"""Settles lost answers: each is looked up, sent again, or put to a person, as the destination allows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from hub import clock, failpoint
from hub.engine import canonical, intent, resolve
from hub.engine.intent import State
from hub.engine.resolve import Doubt, Protocol, Step, Verdict
from hub.models import Change, ExceptionKind, Link, bulk
from hub.sdk import Answer, Operation, Outcome, Record, SilenceError, TransientError, WriteCapability
from hub.services.run import outcome, raised, rows
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised

LOOK_AGAIN = timedelta(seconds=60)  # after a look-up that failed
CANDIDATES_SHOWN = 5
Place = tuple[str, str]  # (side, key or reference there)


@dataclass(slots=True)
class Found:
    """What became of the changes of one look: told, to be sent again, to be looked at again, or a person's."""

    told: list[tuple[Change, Outcome]] = field(default_factory=list)
    resend: list[Change] = field(default_factory=list)
    absent: list[Change] = field(default_factory=list)
    later: list[tuple[Change, datetime]] = field(default_factory=list)
    parked: list[tuple[Change, Raised]] = field(default_factory=list)
    attempts: list[tuple[Any, ...]] = field(default_factory=list)


def settle(flow: Flow, changes: Sequence[Change]) -> list[Change]:
    """Bring each of these changes in doubt a step further; returns those that are to be sent again."""
    if not changes:
        return []
    now = clock.now()
    take_up(flow, changes, now)
    found = Found()
    probed = [change for change in changes if _is_probed(flow, change, now, found)]
    _probe(flow, probed, found)
    return conclude(flow, found)


def conclude(flow: Flow, found: Found) -> list[Change]:
    """Commit what was found; returns what is to be sent again."""
    outcome.record(flow, found.told, may_repeat=False, purpose="probe")
    _commit(flow, found)
    return [*found.resend, *found.absent]


def take_up(flow: Flow, changes: Sequence[Change], now: datetime) -> None:
    """Commit that these are being looked up. One found as SENDING was lost by its worker: it may have left till now."""
    lost = [change for change in changes if change.state == State.SENDING]
    with transaction.atomic():
        flow.lane.hold()
        Change.objects.filter(pk__in=[change.pk for change in lost]).update(lost_at=now)
        allowed = [*intent.before(State.PROBING), State.PROBING.value]
        Change.objects.filter(pk__in=[change.pk for change in changes], state__in=allowed).update(
            state=State.PROBING.value, epoch=flow.lane.epoch
        )
        failpoint.reach("doubt.before_commit")
    failpoint.reach("doubt.committed")
    for change in changes:
        change.lost_at = now if change.state == State.SENDING else change.lost_at or now
        change.state, change.epoch = State.PROBING.value, flow.lane.epoch


def _is_probed(flow: Flow, change: Change, now: datetime, found: Found) -> bool:
    """Whether the record must be looked at now; otherwise says in `found` what is done instead."""
    step = _choose(flow, change, now)
    if step.protocol is Protocol.PARK:
        found.parked.append((change, question(flow, change, _nothing_tells(flow, change))))
    elif step.due_at > now:
        found.later.append((change, step.due_at))
    elif step.protocol is Protocol.RESEND:
        found.resend.append(change)
    else:
        return True
    return False


def _choose(flow: Flow, change: Change, now: datetime) -> Step:
    end, doubt = flow.end(change.side), of(change)
    offered = end.offers.of(change.operation)
    step = resolve.choose(doubt, offered, end.landing, now)
    if step.protocol is Protocol.RESEND and change.tries >= outcome.MOST_TRIES and offered is not None:
        # Sending again has told nothing so often that it will tell nothing more.
        step = resolve.choose(doubt, replace(offered, key=None, conditional=None), end.landing, now)
        return Step(Protocol.PARK, now) if step.protocol is Protocol.RESEND else step
    return step


def of(change: Change) -> Doubt:
    """The change as the resolver looks at it."""
    return outcome.doubt_of(change, change.lost_at or clock.now())


def _probe(flow: Flow, changes: Sequence[Change], found: Found) -> None:
    """Read the records in question and judge what became of each change."""
    if not changes:
        return
    try:
        seen = look_up(flow, changes)
    except (TransientError, SilenceError) as error:
        told = Outcome("", Answer.RETRY, code=error.code, message=str(error))
        now = clock.now()
        found.later += [(change, now + LOOK_AGAIN) for change in changes]
        found.attempts += [rows.attempt(change, told, now, "probe") for change in changes]
        return
    failpoint.reach("probe.read")
    for change in changes:
        judge(flow, change, seen[change.pk], found)


def judge(flow: Flow, change: Change, records: Sequence[Record], found: Found) -> None:
    """Put one change where the records found for it say it belongs."""
    end, doubt, now = flow.end(change.side), of(change), clock.now()
    offered = end.offers.of(change.operation) or WriteCapability()
    look = resolve.look(doubt, offered, end.landing, now, records)
    verdict = resolve.judge(doubt, look)
    if verdict is Verdict.HAPPENED and offered.calls and change.operation == Operation.CREATE and records:
        _go_on(change, records[0], offered, now)
        found.resend.append(change)
    elif verdict in (Verdict.HAPPENED, Verdict.CONFLICT):
        found.told.append((change, told(change, verdict, records[0] if records else None)))
        return
    elif verdict is Verdict.SEVERAL:
        why = f"{len(records)} records there carry the reference {change.reference}, and one of them may be this one."
        found.parked.append((change, question(flow, change, why, records)))
    elif verdict is Verdict.WAIT:
        found.later.append((change, resolve.landed_at(doubt, offered, end.landing)))
    else:
        (found.absent if verdict is Verdict.ABSENT else found.resend).append(change)
    answer = Outcome("", Answer.UNKNOWN, code="probed", message=LOOKED[verdict])
    found.attempts.append(rows.attempt(change, answer, now, "probe"))


LOOKED = {
    Verdict.HAPPENED: "Looked up: its first call is done. The hub goes on with the next.",
    Verdict.RESEND: "Looked up: not there yet. Sent again, which is harmless whatever becomes of the first.",
    Verdict.ABSENT: "Looked up: not there, and it can no longer land. Sent as a new request.",
    Verdict.WAIT: "Looked up: cannot be told yet, because the lost request may still land.",
    Verdict.SEVERAL: "Looked up: several records carry this reference.",
}


def told(change: Change, verdict: Verdict, record: Record | None) -> Outcome:
    """The judgement as if the destination had answered it."""
    answer = Outcome(str(change.pk), Answer.APPLIED, code="probed", message="Found by looking it up.")
    if record is not None:
        answer = replace(answer, key=record.key, version=record.version, image=record.data)
    if verdict is Verdict.HAPPENED:
        return answer
    return replace(answer, answer=Answer.MISSING if record is None or record.deleted else Answer.CONFLICT, message="")


def _go_on(change: Change, record: Record, offered: WriteCapability, now: datetime) -> None:
    """The first call of a create in several calls happened: the next ones have not been made, as far as is known."""
    change.destination_key, change.step = record.key, offered.calls[0].name
    change.lost_at, change.keyed_at = None, now


def look_up(flow: Flow, changes: Sequence[Change]) -> dict[int, list[Record]]:
    """The records found for each change: by our reference for creates, by their key for the rest."""
    found: dict[int, list[Record]] = {change.pk: [] for change in changes}
    for side in {change.side for change in changes}:
        end, there = flow.end(side), [change for change in changes if change.side == side]
        creates = {change.reference: change.pk for change in there if change.operation == Operation.CREATE}
        others = {change.key_there: change.pk for change in there if change.operation != Operation.CREATE}
        for reference, record in end.system.find(end.stream, list(creates)) if creates else ():
            found[creates[reference]].append(record)
        for record in end.system.fetch(end.stream, [key for key in others if key]) if others else ():
            if not record.deleted:
                found[others[record.key]].append(record)
    return found


def question(flow: Flow, change: Change, why: str, candidates: Sequence[Record] = ()) -> Raised:
    """What a person is asked about a change in doubt, with the records it may have become."""
    end = flow.end(change.side)
    return Raised(
        ExceptionKind.IN_DOUBT,
        change.source_key,
        f"The hub sent this {change.operation} to “{end.connection}” and never got an answer. {why} "
        "Look there, then say whether it happened.",
        code="in-doubt",
        evidence={
            "operation": change.operation,
            "sent": change.fields,
            "agreed": change.before,
            "candidates": [
                {"key": record.key, "image": canonical.to_json(record.data)} for record in candidates[:CANDIDATES_SHOWN]
            ],
        },
        change_id=change.pk,
    )


def _nothing_tells(flow: Flow, change: Change) -> str:
    if change.tries >= outcome.MOST_TRIES:
        return f"It was sent {change.tries} times, and not once was there an answer."
    return "That system offers nothing to find out by."


def _commit(flow: Flow, found: Found) -> None:
    """Commit what is to be looked at again, what a person is asked, and which changes are new requests now."""
    if not (found.resend or found.absent or found.later or found.parked):
        return
    now = clock.now()
    with transaction.atomic():
        flow.lane.hold()
        bulk.insert("hub_attempt", columns=rows.ATTEMPT_COLUMNS, rows=found.attempts)
        for change, due in found.later:
            _move(change, State.AMBIGUOUS, due_at=due)
        for change, asked in found.parked:
            _move(change, State.PARKED, due_at=None, code="in-doubt", claim=None)
            raised.raise_all(run=change.run, raised=[asked], now=now)
            flow.has_exceptions = True
        _renew(found)
        failpoint.reach("absence.before_commit")
    failpoint.reach("absence.committed")


def _renew(found: Found) -> None:
    """Proven absent: the next request is a new one, under a new key. What is resent keeps its own."""
    for change in found.absent:
        change.renew_key()
        change.tries = 0
        Link.objects.filter(pk=change.link_id or 0, key_gen__lt=change.key_gen).update(key_gen=change.key_gen)
    for change in [*found.absent, *found.resend]:
        if change.step and change.side == "destination":
            Link.objects.filter(pk=change.link_id or 0).update(step=change.step, destination_key=change.destination_key)
        change.due_at, change.claim = None, None
        _move(
            change, State.READY if change.lost_at is None else State.PROBING, due_at=None, claim=None,
            lost_at=change.lost_at, keyed_at=change.keyed_at, idempotency_key=change.idempotency_key,
            key_gen=change.key_gen, tries=change.tries, step=change.step, destination_key=change.destination_key,
        )  # fmt: skip


def _move(change: Change, state: State, **columns: Any) -> None:
    """Take the step in the table, from where the state machine allows it."""
    allowed = [*intent.before(state), state.value]
    Change.objects.filter(pk=change.pk, state__in=allowed).update(state=state.value, **columns)
    change.state = state.value
