"""Looks behind a refusal: the present record of a conflict, or the one that has our reference already."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hub.engine import resolve
from hub.models import Change
from hub.sdk import Answer, HubError, Operation, Outcome, Record
from hub.services.run.flow import End, Flow


def enriched(flow: Flow, answered: Sequence[tuple[Change, Outcome]]) -> list[tuple[Change, Outcome]]:
    """The outcomes of one end, with what must be read to judge them: records behind a conflict or a taken reference.

    One look-up for each kind. Where it fails, nothing is concluded from an answer that needed it: in doubt.
    """
    taken = [change.reference for change, answer in answered if _is_taken(answer) and answer.image is None]
    unseen = [_place(change, answer) for change, answer in answered if _is_unseen(change, answer)]
    if not any(_is_taken(answer) or answer.answer is Answer.CONFLICT for _, answer in answered):
        return list(answered)
    end = flow.end(answered[0][0].side)
    try:
        found, shown = _look_up(end, taken, [key for key in unseen if key])
    except HubError as error:
        return [(change, _unread(change, answer, error)) for change, answer in answered]
    return [(change, _seen_behind(change, answer, found, shown)) for change, answer in answered]


def _look_up(
    end: End, references: Sequence[str], keys: Sequence[str]
) -> tuple[dict[str, list[Record]], dict[str, Record]]:
    """(records by our reference, records by their key), as far as this end can be asked."""
    found: dict[str, list[Record]] = defaultdict(list)
    can_find = end.offers.create is not None and end.offers.create.read_back.by_external_id
    for reference, present in end.system.find(end.stream, references) if references and can_find else ():
        found[reference].append(present)
    shown = {present.key: present for present in end.system.fetch(end.stream, keys)} if keys else {}
    return found, shown


def _is_taken(answer: Outcome) -> bool:
    return answer.answer in (Answer.REFUSED, Answer.CONFLICT) and answer.code == "exists"


def _place(change: Change, answer: Outcome) -> str:
    """The key of the record that is in the way, as far as it is known."""
    return answer.key or change.key_there or ""


def _is_unseen(change: Change, answer: Outcome) -> bool:
    is_in_the_way = answer.answer is Answer.CONFLICT or _is_taken(answer)
    return is_in_the_way and answer.image is None and bool(_place(change, answer))


def _unread(change: Change, answer: Outcome, error: HubError) -> Outcome:
    needed = _is_unseen(change, answer) or (_is_taken(answer) and answer.image is None)
    if not needed:
        return answer
    told = f"{answer.message} What is there could not be read: {error}".strip()
    return replace(answer, answer=Answer.UNKNOWN, code="unread", message=told)


def _seen_behind(change: Change, answer: Outcome, found: dict[str, list[Record]], shown: dict[str, Record]) -> Outcome:
    if _is_taken(answer):
        told = [Record(answer.key, answer.image, answer.version)] if answer.key and answer.image is not None else []
        seen = shown.get(_place(change, answer))
        return _adopted(change, answer, told or ([seen] if seen else found.get(change.reference, [])))
    if answer.answer is Answer.CONFLICT:
        answer = _with(answer, shown.get(_place(change, answer))) if answer.image is None else answer
        return _equal(change, answer)
    return answer


def _with(answer: Outcome, record: Record | None) -> Outcome:
    if record is None:
        return answer
    return replace(answer, image=record.data, version=record.version, key=record.key)


def _equal(change: Change, answer: Outcome) -> Outcome:
    """A false precondition in front of a record that is as it should be: our own lost copy, or the same edit by hand.

    Source: correctness paper 1.3 and RFC 9110, 13.1.1: a false If-Match needs a read, not a conclusion.
    """
    is_update = change.operation == Operation.UPDATE
    if is_update and answer.image is not None and resolve.holds(answer.image, change.fields):
        return replace(answer, answer=Answer.APPLIED, code="adopted")
    return answer


def _adopted(change: Change, answer: Outcome, found: list[Record]) -> Outcome:
    """A create that found its reference taken: ours when it holds what we wanted, a stranger's otherwise.

    After silence it is ours whatever it holds: a person may have edited it since.
    """
    if len(found) == 1 and (change.lost_at is not None or resolve.holds(found[0].data, change.fields)):
        return replace(_with(answer, found[0]), answer=Answer.APPLIED, code="adopted")
    return replace(_with(answer, found[0]) if found else answer, answer=Answer.REFUSED)
