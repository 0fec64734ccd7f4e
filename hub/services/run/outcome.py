"""Commits what a destination answered: states, links, images, attempts, exceptions and counts, in one transaction."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from hub import clock, failpoint
from hub.engine import intent, resolve, retry
from hub.engine.intent import State
from hub.models import Change, ExceptionKind, LinkState
from hub.sdk import Answer, Operation, Outcome, WriteCapability
from hub.services.run import acknowledge, books, claimed, edited, refusal, rows
from hub.services.run import tally as tallies
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised
from hub.services.run.tally import Tally

MOST_TRIES = retry.MOST_TRIES  # requests in doubt; then sending again tells nothing more
FIRST_POLL, LAST_POLL = 5, 600  # seconds between two questions after a job


def record(
    flow: Flow, answered: Sequence[tuple[Change, Outcome]], *, may_repeat: bool, purpose: str = "write"
) -> list[Change]:
    """Commit these outcomes; returns new changes, committed as READY, for conflicts that do not overlap."""
    if not answered:
        return []
    answered = claimed.refuse(flow, answered)
    found = Tally(clock.now(), answered[0][0].state, purpose, edits=edited.look(flow, answered))
    for change, answer in acknowledge.read_back(flow, answered) if flow.is_two_way else answered:
        _take(flow, found, change, answer, may_repeat=may_repeat)
    with transaction.atomic():
        flow.lane.hold()
        tallies.write(flow, found)
        failpoint.reach("record.before_commit")
    failpoint.reach("record.committed")
    return found.again


def _take(flow: Flow, found: Tally, change: Change, answer: Outcome, *, may_repeat: bool) -> None:
    answer = _as_far_as_it_tells(flow, change, answer, found.now)
    present = State(change.state)
    state = intent.after(answer.answer, present, in_doubt=change.lost_at is not None)
    if rows.was_tried(answer) and not (answer.answer is Answer.ACCEPTED and present is State.ACCEPTED):
        found.attempts.append(rows.attempt(change, answer, found.now, found.purpose))
    due, is_telling = None, True
    if acknowledge.is_ours(change) and state in (State.APPLIED, State.CONFLICT):
        answer = acknowledge.take(flow, found, change, answer, state)
    elif state is State.APPLIED:
        is_telling = _take_applied(flow, found, change, answer)
    elif state is State.REJECTED:
        refusal.refused(flow, found, change, answer)
    elif state is State.CONFLICT:
        refusal.conflict(flow, found, change, answer, may_repeat=may_repeat)
    else:
        flow.has_open = True
        due = _due(flow, found, change, answer, state)
        if due is None:
            state, answer = State.REJECTED, replace(answer, code="retries")
            refusal.refused(flow, found, change, answer)
    is_due = due if due and due > found.now else None
    found.changes.append(rows.change(change, answer, state, is_due, found.now, is_telling=is_telling))


def _as_far_as_it_tells(flow: Flow, change: Change, answer: Outcome, now: datetime) -> Outcome:
    """A refusal of a copy is not the end while the lost first one may still take effect: then it stays in doubt."""
    if answer.answer is Answer.UNKNOWN and _has_answer(answer):
        return replace(answer, code="server-error")
    if answer.answer is Answer.RETRY and answer.code == "in-flight":
        return replace(answer, answer=Answer.UNKNOWN)  # a request with our key is at work there: this one, or one lost
    if change.lost_at is None or answer.answer is not Answer.REFUSED or change.state == State.ACCEPTED:
        return answer
    end = flow.end(change.side)
    offered = end.offers.of(change.operation)
    seen = resolve.look(doubt_of(change, change.lost_at), offered, end.landing, now, ()) if offered else None
    if seen is None or seen.is_final or (seen.is_harmless and answer.code != "exists"):
        return answer
    return replace(answer, answer=Answer.UNKNOWN, code="refused-copy")


def _take_applied(flow: Flow, found: Tally, change: Change, answer: Outcome) -> bool:
    """Note what an applied change means for its record; returns whether the answer tells more than what was sent."""
    found.count(change, books.applied_as(change))
    is_overtaken = _overtook(flow, change, answer)
    if is_overtaken:
        found.raised[change.run_id].append(_possible_overwrite(flow, change, answer))
    else:
        found.agreed.append(change.source_key)
    if change.lost_at is not None:
        found.told[change.source_key] = _told_by(change)
    kept, is_telling = edited.own_form(change.image, answer.image)
    if change.link_id is None:
        return is_telling
    agreed, is_settled = edited.take(flow, found, change)
    is_gone = change.is_archive or change.operation == Operation.DELETE
    found.links.append(
        (
            change.link_id,
            None if change.operation == Operation.DELETE else answer.key or change.destination_key,
            (LinkState.GONE if is_gone else LinkState.LINKED).value,
            change.source_version,
            None if change.operation == Operation.DELETE else answer.version,
            change.source_digest if is_settled else "",
            change.digest if is_settled else "",
            "",
            change.ack_seq + 1,
            found.now,
        )
    )
    if change.operation != Operation.DELETE:
        found.images.append((change.link_id, rows.as_json(agreed), None, rows.as_json(kept)))
    if change.lost_at is not None or change.step or flow.mapping.verify_after is not None:
        _note_afterwards(flow, found, change)
    return is_telling


def _told_by(change: Change) -> str:
    """How a doubt ended."""
    if change.claim:
        return f"{change.claim['by']}: it happened. The hub has read the record."
    return "The hub found out that it happened."


def _note_afterwards(flow: Flow, found: Tally, change: Change) -> None:
    """What is still to be minded once it is applied: a late copy, a write that stopped half-way, the reading back."""
    end = flow.end(change.side)
    offered = end.offers.of(change.operation)
    if offered is None or change.link_id is None:
        return
    if change.lost_at is not None:
        until = resolve.endangers(doubt_of(change, change.lost_at), offered, end.landing, found.now)
        found.quiet.append((change.link_id, until))
    if change.step and change.operation == Operation.CREATE:
        found.halted.append((change.link_id, change.destination_key, ""))
    after = flow.mapping.verify_after
    is_sure = resolve.is_conditional(doubt_of(change, found.now), offered)
    is_read = offered.read_back.by_key and change.side == "destination" and found.purpose != "probe"
    if after is not None and is_read and not is_sure:
        found.verify.append((change.pk, found.now + timedelta(seconds=after)))


def _overtook(flow: Flow, change: Change, answer: Outcome) -> bool:
    """Whether the version shows a foreign write between what the hub knew and its own, which nothing prevented."""
    if change.operation != Operation.UPDATE:
        return False
    offered = flow.end(change.side).offers.update
    if offered is None or offered.version_step is None:
        return False
    if change.lost_at is not None or resolve.is_conditional(doubt_of(change, clock.now()), offered):
        return False
    return resolve.overtook(change.precondition, answer.version, offered.version_step)


def _possible_overwrite(flow: Flow, change: Change, answer: Outcome) -> Raised:
    where = flow.end(change.side).connection
    return Raised(
        ExceptionKind.OVERWRITE,
        change.source_key,
        f"“{where}” cannot refuse a write to a record that changed meanwhile. Its version went from "
        f"{change.precondition} to {answer.version}, further than the hub's own write explains: somebody else wrote "
        f"in between. If it was to {', '.join(sorted(change.fields)) or 'the same fields'}, their edit is gone.",
        code="overwrite",
        evidence=refusal.evidence_of(change, answer)
        | {"version_before": change.precondition, "version_after": answer.version},
        change_id=change.pk,
    )


def _due(flow: Flow, found: Tally, change: Change, answer: Outcome, state: State) -> datetime | None:
    """When an unfinished change is looked at again; None when its tries are used up."""
    if state is State.ACCEPTED:
        return found.now + timedelta(seconds=_until_next_poll(change, answer))
    if state is State.AUTH_HELD:
        return found.now
    later = _later(change, answer, found.now, in_doubt=state is State.AMBIGUOUS)
    if state is State.RETRY_WAIT:
        return later
    return _due_in_doubt(flow, found, change, answer, later or found.now)


def _later(change: Change, answer: Outcome, now: datetime, *, in_doubt: bool) -> datetime | None:
    """When it is tried again after growing pauses; None when it was tried often enough, unless it is `in_doubt`."""
    chance = random.random()  # noqa: S311  jitter, not a secret
    if not rows.was_tried(answer):
        return retry.held_until(now=now, chance=chance, seconds=answer.retry_after)
    return retry.decide(
        tries=change.tries + 1,
        now=now,
        chance=chance,
        most=4 * MOST_TRIES if in_doubt else MOST_TRIES,
        first_at=None if in_doubt else change.run.queued_at,
        retry_after=answer.retry_after,
        is_busy=answer.code == "busy",
    ).due_at


def _due_in_doubt(flow: Flow, found: Tally, change: Change, answer: Outcome, later: datetime) -> datetime:
    """When a lost answer is looked into: the first at once where that is safe, further ones with growing pauses."""
    lost_at = change.lost_at
    if answer.answer is Answer.UNKNOWN and answer.code != "refused-copy":
        # A job was taken when it was sent; asking about it sends nothing that could still land.
        lost_at = found.now if change.state != State.ACCEPTED else change.sent_at or found.now
        found.lost.append((change.pk, lost_at))
    end = flow.end(change.side)
    doubt = doubt_of(change, lost_at or found.now, has_answer=_has_answer(answer))
    due = resolve.choose(doubt, end.offers.of(change.operation), end.landing, found.now).due_at
    if answer.code == "refused-copy":
        due = max(due, _final(doubt, end.offers.of(change.operation), end.landing))
    return due if change.tries == 0 else max(due, later)


def _final(doubt: resolve.Doubt, offered: WriteCapability | None, landing: int) -> datetime:
    return resolve.landed_at(doubt, offered, landing) if offered else doubt.lost_at


def _until_next_poll(change: Change, answer: Outcome) -> float:
    """Seconds: what the destination asked for, or twice as long each time."""
    return answer.retry_after or min(LAST_POLL, FIRST_POLL * 2 ** min(change.tries, 10))


def _has_answer(answer: Outcome) -> bool:
    """Whether silence came as an error of the server, which an idempotency key may have stored."""
    return answer.exchange is not None and (answer.exchange.status or 0) >= 500


def doubt_of(change: Change, lost_at: datetime, *, has_answer: bool = False) -> resolve.Doubt:
    """The change as the resolver looks at it."""
    return resolve.Doubt(
        operation=Operation(change.operation),
        fields=change.fields,
        before=change.before,
        precondition=change.precondition,
        lost_at=lost_at,
        keyed_at=change.keyed_at,
        step=change.step,
        has_answer=has_answer or change.code == "server-error",
        is_job=bool(change.job),
    )
