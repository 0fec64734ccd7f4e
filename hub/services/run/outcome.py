"""Commits what a destination answered: states, links, images, attempts, exceptions and counts, in one transaction."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from hub import clock
from hub.engine import canonical, intent, merge, plan, resolve, retry
from hub.engine.intent import State
from hub.models import Change, ExceptionKind, LinkState, SyncRun, bulk
from hub.sdk import Answer, Fields, Operation, Outcome
from hub.services.run import books, raised, rows
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised

MOST_TRIES = 8


@dataclass(slots=True)
class Batch:
    """What one transaction will write."""

    now: datetime
    links: list[tuple[Any, ...]] = field(default_factory=list)
    images: list[tuple[Any, ...]] = field(default_factory=list)
    refused: list[tuple[Any, ...]] = field(default_factory=list)
    changes: list[tuple[Any, ...]] = field(default_factory=list)
    attempts: list[tuple[Any, ...]] = field(default_factory=list)
    raised: dict[int, list[Raised]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    agreed: list[str] = field(default_factory=list)
    again: list[Change] = field(default_factory=list)


def record(flow: Flow, answered: Sequence[tuple[Change, Outcome]], *, may_repeat: bool) -> list[Change]:
    """Commit these outcomes; returns new changes, committed as READY, for conflicts that do not overlap."""
    if not answered:
        return []
    batch = Batch(now=clock.now())
    for change, answer in answered:
        _take(flow, batch, change, answer, may_repeat=may_repeat)
    with transaction.atomic():
        flow.lane.hold()
        _write(flow, batch)
    return batch.again


def _take(flow: Flow, batch: Batch, change: Change, answer: Outcome, *, may_repeat: bool) -> None:
    state = intent.after(answer.answer)
    batch.attempts.append(rows.attempt(change, answer, batch.now))
    due = None
    if state is State.APPLIED:
        _take_applied(batch, change, answer)
    elif state is State.REJECTED:
        _take_refused(flow, batch, change, answer)
    elif state is State.CONFLICT:
        _take_conflict(flow, batch, change, answer, may_repeat=may_repeat)
    else:
        due = _due(flow, change, answer, batch.now)
        if due is None and state is State.RETRY_WAIT:
            state = State.REJECTED
            _take_refused(flow, batch, change, replace(answer, code="retries"))
    batch.changes.append(rows.change(change, answer, state, due, batch.now))


def _take_applied(batch: Batch, change: Change, answer: Outcome) -> None:
    _count(batch, change, books.applied_as(change))
    batch.agreed.append(change.source_key)
    is_gone = change.is_archive or change.operation == Operation.DELETE
    if change.link_id is None:
        return
    batch.links.append(
        (
            change.link_id,
            None if change.operation == Operation.DELETE else answer.key or change.destination_key,
            (LinkState.GONE if is_gone else LinkState.LINKED).value,
            change.source_version,
            None if change.operation == Operation.DELETE else answer.version,
            change.source_digest,
            change.digest,
            "",
            change.ack_seq + 1,
            batch.now,
        )
    )
    if change.operation != Operation.DELETE:
        batch.images.append(
            (change.link_id, rows.as_json(change.image), rows.as_json(_differing(change.image, answer.image)))
        )


def _take_refused(flow: Flow, batch: Batch, change: Change, answer: Outcome) -> None:
    _count(batch, change, "excepted")
    if change.link_id:
        batch.refused.append((change.link_id, change.digest, batch.now))
    flow.failures[("refused", answer.code, "")] += 1
    kind = ExceptionKind.DUPLICATE if answer.code == "exists" else ExceptionKind.REFUSED
    batch.raised[change.run_id].append(
        Raised(
            kind,
            change.source_key,
            answer.message or "The destination refused it without saying why.",
            code=answer.code,
            evidence=_evidence(change, answer),
            change_id=change.pk,
        )
    )


def _take_conflict(flow: Flow, batch: Batch, change: Change, answer: Outcome, *, may_repeat: bool) -> None:
    """Send again under the new version when the other side touched other fields; ask a person otherwise."""
    is_missing = answer.answer is Answer.MISSING
    present = canonical.to_json(answer.image) if answer.image is not None else None
    known = change.before
    clash = merge.overlaps(known, present, change.fields) if present is not None else sorted(change.fields)
    if may_repeat and not is_missing and present is not None and answer.version and not clash:
        batch.again.append(_repeated(flow, change, answer.version, present))
        return
    _count(batch, change, "excepted")
    where = f"“{flow.mapping.destination}”"
    reason = (
        f"The record {change.destination_key} is no longer at {where}. Somebody deleted it there."
        if is_missing
        else f"Somebody changed this record at {where} since the hub last wrote it: {', '.join(clash) or 'see below'}."
    )
    if change.link_id:
        batch.refused.append((change.link_id, change.digest, batch.now))
    batch.raised[change.run_id].append(
        Raised(
            ExceptionKind.MISSING if is_missing else ExceptionKind.CONFLICT,
            change.source_key,
            reason,
            code=answer.code or answer.answer.value,
            evidence=_evidence(change, answer),
            change_id=change.pk,
        )
    )


def _repeated(flow: Flow, change: Change, version: str, present: Fields) -> Change:
    """The same write once more, against the record as it is now; the run's counts do not move."""
    fresh = Change(
        run_id=change.run_id,
        mapping_id=change.mapping_id,
        version_id=change.version_id,
        link_id=change.link_id,
        source_key=change.source_key,
        destination_key=change.destination_key,
        operation=change.operation,
        is_archive=change.is_archive,
        state=State.READY.value,
        fields=change.fields,
        image=change.image,
        before={**(change.before or {}), **{name: present.get(name) for name in (change.before or {})}},
        digest=change.digest,
        source_digest=change.source_digest,
        source_version=change.source_version,
        precondition=version,
        key_gen=change.key_gen + 1,
        ack_seq=change.ack_seq,
        epoch=flow.lane.epoch,
        step="after conflict",
    )
    planned = plan.Planned(
        source_key=change.source_key, operation=Operation(change.operation), image={}, fields={}, before=None,
        digest=change.digest, source_digest="", source_version=None, link_id=None, destination_key=None,
        precondition=None, ack_seq=change.ack_seq,
    )  # fmt: skip
    fresh.idempotency_key = plan.idempotency_key(change.mapping_id, planned, fresh.key_gen)
    return fresh


def _due(flow: Flow, change: Change, answer: Outcome, now: datetime) -> datetime | None:
    """When an unfinished change is looked at again; None when its tries are used up."""
    if answer.answer is Answer.UNKNOWN:
        return resolve.choose(
            doubt_of(change), flow.offers.of(change.operation), flow.mapping.destination.landing_seconds, now
        ).due_at
    if answer.answer is Answer.AUTH:
        return now
    return retry.decide(
        tries=change.tries + 1,
        most=MOST_TRIES,
        now=now,
        chance=random.random(),  # noqa: S311  jitter, not a secret
        retry_after=answer.retry_after,
    ).due_at


def doubt_of(change: Change) -> resolve.Doubt:
    """The change as the resolver looks at it."""
    return resolve.Doubt(
        operation=Operation(change.operation),
        fields=change.fields,
        before=change.before,
        precondition=change.precondition,
        sent_at=change.sent_at or clock.now(),
    )


def _count(batch: Batch, change: Change, became: str) -> None:
    batch.counts[change.run_id][became] += 1
    batch.counts[change.run_id]["in_flight"] -= 1


def _evidence(change: Change, answer: Outcome) -> dict[str, Any]:
    """What a person needs to see side by side."""
    present = canonical.to_json(answer.image) if answer.image is not None else None
    return {
        "operation": change.operation,
        "destination_key": answer.key or change.destination_key,
        "sent": change.fields,
        "agreed": change.before,
        "destination": present,
    }


def _differing(sent: Fields, held: Fields | None) -> Fields | None:
    """The destination's own form of the fields we sent, when it keeps them otherwise."""
    if held is None:
        return None
    shown = {name: value for name, value in canonical.to_json(held).items() if name in sent}
    return shown if shown != {name: sent[name] for name in shown} else None


def _write(flow: Flow, batch: Batch) -> None:
    bulk.update("hub_link", columns=rows.LINK_COLUMNS, rows=batch.links)
    bulk.update("hub_link", columns={"refused_digest": "text", "updated_at": "timestamptz"}, rows=batch.refused)
    bulk.upsert(
        "hub_linkimage",
        key=("link_id",),
        columns={"link_id": "bigint", "sent": "jsonb", "destination": "jsonb"},
        rows=batch.images,
    )
    bulk.update("hub_change", columns=rows.CHANGE_COLUMNS, rows=batch.changes)
    Change.objects.bulk_create(batch.again)
    bulk.insert("hub_attempt", columns=rows.ATTEMPT_COLUMNS, rows=batch.attempts)
    runs = SyncRun.objects.select_related("integration").in_bulk(list(batch.raised))
    for run_id, found in batch.raised.items():
        raised.raise_all(run=runs[run_id], raised=found, now=batch.now)
        flow.has_exceptions = True
    if flow.has_exceptions:
        raised.settle(
            mapping_id=flow.mapping.pk, keys=batch.agreed, resolution="Both sides agree again.", now=batch.now
        )
    for run_id, counts in batch.counts.items():
        books.add(run_id, **counts)
