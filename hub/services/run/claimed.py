"""A destination that says of a new record that it is one which another record of the source is linked with."""

from collections.abc import Sequence
from dataclasses import replace

from hub.models import Change, Link, LinkState
from hub.sdk import Answer, Operation, Outcome
from hub.services.run.flow import Flow

CODE = "claimed"
DONE = (Answer.APPLIED, Answer.UNCHANGED)
Answered = tuple[Change, Outcome]


def refuse(flow: Flow, answered: Sequence[Answered]) -> list[Answered]:
    """The outcomes; where two records claim one, all but the first are a question for a person. One statement a batch.

    One record there is linked with one here: were it linked twice, each run would write both into it, in turn.
    """
    made = {change.pk: answer.key for change, answer in answered if _is_new(change, answer)}
    if not made:
        return list(answered)
    links = Link.objects.filter(mapping=flow.mapping, destination_key__in=set(made.values()))
    in_use = links.exclude(state__in=[LinkState.GONE, LinkState.DELETED])
    holders = dict(in_use.values_list("destination_key", "id"))
    found = []
    for change, answer in answered:
        key = made.get(change.pk)
        is_taken = key is not None and holders.setdefault(key, change.link_id or 0) != (change.link_id or 0)
        found.append((change, _refused(flow, change, answer) if is_taken else answer))
    return found


def _is_new(change: Change, answer: Outcome) -> bool:
    is_made = change.operation == Operation.CREATE and change.side == "destination"
    return is_made and answer.answer in DONE and bool(answer.key)


def _refused(flow: Flow, change: Change, answer: Outcome) -> Outcome:
    where = flow.end(change.side).connection
    told = (
        f"“{where}” says that this record is {answer.key} there, which another record is linked with already. "
        f"Find out which of the two it is, and have the other corrected."
    )
    return replace(answer, answer=Answer.REFUSED, code=CODE, message=told)
