"""What becomes of a change that was refused, or whose record was changed by somebody else meanwhile."""

from typing import Any

from hub.engine import canonical, merge
from hub.engine.intent import State
from hub.models import Change, ExceptionKind
from hub.sdk import Answer, Fields, Outcome
from hub.services.run import claimed
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised
from hub.services.run.tally import Tally


def refused(flow: Flow, tally: Tally, change: Change, answer: Outcome) -> None:
    """A definitive no: a person must see it. The next request of this record is a new one, under a new key."""
    tally.count(change, "excepted")
    if change.link_id:
        tally.refused.append((change.link_id, change.digest, change.key_gen + 1, tally.now))
    flow.failures[("refused", answer.code, "")] += 1
    kind = ExceptionKind.DUPLICATE if answer.code in {"exists", claimed.CODE} else ExceptionKind.REFUSED
    tally.raised[change.run_id].append(
        Raised(
            kind,
            change.source_key,
            _so_far(change) + (answer.message or "The destination refused it without saying why."),
            code=answer.code,
            evidence=evidence_of(change, answer),
            change_id=change.pk,
        )
    )


def conflict(flow: Flow, tally: Tally, change: Change, answer: Outcome, *, may_repeat: bool) -> None:
    """Send again under the new version when the other side touched other fields; ask a person otherwise."""
    is_missing = answer.answer is Answer.MISSING
    present = canonical.to_json(answer.image) if answer.image is not None else None
    known = change.before
    clash = merge.overlaps(known, present, change.fields) if present is not None else sorted(change.fields)
    fields = change.fields
    if clash and present is not None and known is not None:
        fields, clash = _decided(flow, change, known, present, clash)
    if may_repeat and not is_missing and present is not None and answer.version and not clash and fields:
        tally.again.append(_repeated(flow, change, answer.version, (present, fields)))
        return
    tally.count(change, "excepted")
    where = f"“{flow.end(change.side).connection}”"
    reason = (
        f"The record {change.key_there} is no longer at {where}. Somebody deleted it there."
        if is_missing
        else f"Somebody changed this record at {where} since the hub last wrote it: {', '.join(clash) or 'see below'}."
    )
    if change.link_id:
        tally.refused.append((change.link_id, change.digest, change.key_gen + 1, tally.now))
    tally.raised[change.run_id].append(
        Raised(
            ExceptionKind.MISSING if is_missing else ExceptionKind.CONFLICT,
            change.source_key,
            reason,
            code=answer.code or answer.answer.value,
            evidence=evidence_of(change, answer),
            change_id=change.pk,
        )
    )


def _decided(flow: Flow, change: Change, known: Fields, present: Fields, clash: list[str]) -> tuple[Fields, list[str]]:
    """(what is still to be sent, the fields a person must decide on), by the policy of each field that both changed.

    Where the destination wins, its value stays. When nothing is left to send, a person is told after all.
    """
    merged = merge.merge(clash, flow.compiled.policies, merge.Side({}, change.fields), merge.Side(known, present))
    asked = [one.name for one in merged.asked]
    kept = {name: value for name, value in change.fields.items() if name not in merged.to_source}
    fields = {**kept, **{name: merged.to_destination[name] for name in merged.to_destination}}
    return fields, asked if fields else clash


def _repeated(flow: Flow, change: Change, version: str, now: tuple[Fields, Fields]) -> Change:
    """The write once more, against the record as it is `now` (present, what to send); the run's counts do not move."""
    present, fields = now
    fresh = Change(
        run_id=change.run_id,
        mapping_id=change.mapping_id,
        version_id=change.version_id,
        link_id=change.link_id,
        source_key=change.source_key,
        bucket=change.bucket,
        side=change.side,
        destination_key=change.destination_key,
        operation=change.operation,
        is_archive=change.is_archive,
        state=State.READY.value,
        fields=dict(fields),
        image=change.image,
        before={**(change.before or {}), **{name: present.get(name) for name in (change.before or {})}},
        digest=change.digest,
        source_digest=change.source_digest,
        source_version=change.source_version,
        precondition=version,
        key_gen=change.key_gen,
        ack_seq=change.ack_seq,
        epoch=flow.lane.epoch,
    )
    fresh.renew_key()
    return fresh


def evidence_of(change: Change, answer: Outcome) -> dict[str, Any]:
    """What a person needs to see side by side."""
    present = canonical.to_json(answer.image) if answer.image is not None else None
    return {
        "operation": change.operation,
        "destination_key": answer.key or change.destination_key,
        "sent": change.fields,
        "agreed": change.before,
        "destination": present,
    }


def _so_far(change: Change) -> str:
    """What a write in several calls has done already."""
    if not change.step:
        return ""
    return f"Done up to “{change.step}” (record {change.key_there}); what comes after it was refused: "
