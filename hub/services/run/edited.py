"""Edits at the destination of a one-way mapping that only show in the answer to a write of other fields.

A refused precondition tells of an edit before it is written over. Where nothing is conditional, or where the hub wrote
once more beside somebody's edit, a field that was not sent may come back with another value than it was acknowledged
with. It is decided by the rules of the field, and what no rule decides is put to a person, who finds both values.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from hub.engine import canonical, merge
from hub.engine.merge import Decision, Images, Merged
from hub.models import Change, ExceptionKind, ExceptionState, ReconciliationException, Semantics
from hub.sdk import Answer, Fields, Operation, Outcome
from hub.services.run import rows
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised
from hub.services.run.tally import Tally

WRITTEN_OVER = "somebody edited it there, and the mapping says to write over it"
DONE = (Answer.APPLIED, Answer.UNCHANGED)


def look(flow: Flow, answered: Sequence[tuple[Change, Outcome]]) -> dict[int, tuple[Merged, Fields]]:
    """(what is to happen, what is there) of fields that came back as nobody sent them, by change.

    Only where one differs from what was agreed on are the acknowledged forms asked for, by one query for all.
    """
    if flow.is_two_way:  # both sides are compared before the write and after it
        return {}
    odd = [(change, found) for change, answer in answered if (found := _unlike(flow, change, answer))]
    known = rows.images_of([change.link_id or 0 for change, _ in odd])
    return {
        change.pk: (_decided(flow, change, known[change.link_id], found), found)
        for change, found in odd
        if change.link_id in known
    }


def _decided(flow: Flow, change: Change, known: Images, found: Fields) -> Merged:
    return merge.unsent(list(found), change.image, known.own_destination, found, flow.compiled.policies)


def _unlike(flow: Flow, change: Change, answer: Outcome) -> Fields:
    """The fields that were not sent and came back otherwise than agreed on: edits, or a form of the destination's own.

    Where a write was refused if anybody had touched the record, only what the hub wrote beside can be an edit.
    """
    if answer.answer not in DONE or answer.image is None or change.operation != Operation.UPDATE or change.is_archive:
        return {}
    shown, sent = answer.image, change.fields
    names = [name for name, value in change.image.items() if name not in sent and shown.get(name, value) != value]
    if names and _refuses_edits(flow, change, answer):
        before = change.before or {}
        names = [name for name in names if before.get(name) != change.image[name]]
    found = canonical.to_json({name: shown[name] for name in names})
    return {name: value for name, value in found.items() if value != change.image[name]}


def _refuses_edits(flow: Flow, change: Change, answer: Outcome) -> bool:
    """Whether this very request would have been refused if somebody had edited the record since it was planned."""
    offered = flow.end(change.side).offers.update
    if offered is None or answer.code or change.lost_at is not None:
        return False
    return bool(offered.conditional and offered.conditional.strong and change.precondition is not None)


def take(flow: Flow, found: Tally, change: Change) -> tuple[Fields, bool]:
    """(what both sides agree on after this write, whether nothing more of it is to be written).

    What a rule writes over is acknowledged as it is there, so that the next look at the record plans that write.
    """
    if change.pk not in found.edits:
        return change.image, True
    merged, there = found.edits[change.pk]
    found.raised[change.run_id] += [_question(flow, change, one, there[one.name]) for one in merged.asked]
    names = merged.to_destination
    if not names:
        return change.image, True
    agreed = {**change.image, **{name: there[name] for name in names}}
    if flow.mapping.semantics != Semantics.STATE:  # the next step of the record writes over it
        return agreed, True
    found.hints[change.source_key] = WRITTEN_OVER
    return agreed, False


def own_form(sent: Fields, held: Fields | None) -> tuple[Fields | None, bool]:
    """(the destination's own form of these fields, whether it differs from them).

    None says that it keeps all of them as sent. Of a field that is left out it did not say how it keeps it.
    """
    if held is None:
        return {}, False
    shown = {name: value for name, value in canonical.to_json(held).items() if name in sent}
    differs = shown != {name: sent[name] for name in shown}
    return (shown if differs or len(shown) < len(sent) else None), differs


def left_alone(flow: Flow, keys: Collection[str]) -> dict[str, list[str]]:
    """The fields, by record, about which a person is being asked: nothing is written to them meanwhile."""
    found: dict[str, list[str]] = defaultdict(list)
    if flow.mapping.semantics != Semantics.STATE:  # where every step counts, the next one says what is to be there
        return found
    if not keys or not (flow.has_exceptions or flow.slices > 1):  # another lane may have asked since the run began
        return found
    asked = ReconciliationException.objects.filter(
        mapping=flow.mapping, state=ExceptionState.OPEN, kind=ExceptionKind.EDITED, source_key__in=list(keys)
    )
    for key, name in asked.values_list("source_key", "field"):
        found[key].append(name)
    return found


def frozen(image: Fields, acknowledged: Fields | None, names: Collection[str]) -> Fields:
    """`image` with these fields as they were acknowledged, so that they are not sent."""
    known = acknowledged or {}
    return {name: known[name] if name in names and name in known else value for name, value in image.items()}


def _question(flow: Flow, change: Change, one: Decision, there: Any) -> Raised:
    """One question for each field, so that a later edit of another field does not take its place."""
    agreed = change.image[one.name]
    return Raised(
        ExceptionKind.EDITED,
        change.source_key,
        f"Somebody changed {one.name} of this record at “{flow.mapping.destination}” since the hub last wrote it. "
        "The hub had other fields to write and has not written over it. The field is left alone until you decide.",
        field=one.name,
        code="edited",
        evidence={
            "sent": {one.name: agreed},
            "agreed": {one.name: agreed},
            "destination": {one.name: there},
            "decided": {one.name: one.rule},
            "destination_key": change.key_there,
        },
    )
