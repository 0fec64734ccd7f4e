"""Looks behind a refusal: the present record of a conflict, or the one that has our reference already."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hub import clock
from hub.engine import resolve
from hub.models import Change
from hub.sdk import Answer, HubError, Operation, Outcome, Record
from hub.services.run.flow import Flow


def enriched(flow: Flow, answered: Sequence[tuple[Change, Outcome]]) -> list[tuple[Change, Outcome]]:
    """The outcomes with what must be read to judge them: records behind a conflict or a taken reference.

    One look-up for each kind. It is a courtesy: when it fails, the person sees the bare answer.
    """
    taken = [change.source_key for change, answer in answered if _is_taken(answer) and answer.image is None]
    unseen = [change.destination_key for change, answer in answered if _is_unseen(change, answer)]
    stream = flow.mapping.destination_stream
    try:
        found: dict[str, list[Record]] = defaultdict(list)
        for reference, present in flow.destination.find(stream, taken) if taken else ():
            found[reference].append(present)
        keys = [key for key in unseen if key]
        shown = {present.key: present for present in flow.destination.fetch(stream, keys)} if keys else {}
    except HubError:
        return list(answered)
    return [(change, _seen_behind(change, answer, found, shown)) for change, answer in answered]


def _is_taken(answer: Outcome) -> bool:
    return answer.answer in (Answer.REFUSED, Answer.CONFLICT) and answer.code == "exists"


def _is_unseen(change: Change, answer: Outcome) -> bool:
    return answer.answer is Answer.CONFLICT and answer.image is None and bool(change.destination_key)


def _seen_behind(change: Change, answer: Outcome, found: dict[str, list[Record]], shown: dict[str, Record]) -> Outcome:
    if _is_taken(answer):
        told = [Record(answer.key, answer.image, answer.version)] if answer.key and answer.image is not None else []
        return _adopted(change, answer, told or found.get(change.source_key, []))
    if _is_unseen(change, answer):
        return _with(answer, shown.get(change.destination_key or ""))
    return answer


def _with(answer: Outcome, record: Record | None) -> Outcome:
    if record is None:
        return answer
    return replace(answer, image=record.data, version=record.version, key=record.key)


def _adopted(change: Change, answer: Outcome, found: list[Record]) -> Outcome:
    """A create that found its reference taken: ours when it holds what we wanted, a stranger's otherwise."""
    doubt = resolve.Doubt(Operation.UPDATE, change.fields, None, None, clock.now())
    if len(found) == 1 and resolve.judge_update(doubt, found[0]) is resolve.Verdict.HAPPENED:
        return replace(_with(answer, found[0]), answer=Answer.APPLIED, code="adopted")
    return replace(_with(answer, found[0]) if found else answer, answer=Answer.REFUSED)
