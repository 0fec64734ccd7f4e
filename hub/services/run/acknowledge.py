"""What a write of a two-way run acknowledges: the fields it wrote, in the form in which each side keeps them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hub.engine import canonical
from hub.engine.intent import State
from hub.engine.mapping import Rejected
from hub.engine.merge import Images, alike
from hub.models import Change, ExceptionKind, Link, LinkState
from hub.sdk import Answer, Fields, HubError, Operation, Outcome, Record
from hub.services.run import books, reference, rows
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised
from hub.services.run.tally import Tally

SETTLED = "settled"  # in a change to the source: once it is made, nothing more is open about the record
OVERTAKEN = "somebody edited it while it was being written"
DONE = (Answer.APPLIED, Answer.UNCHANGED)


def take(flow: Flow, tally: Tally, change: Change, answer: Outcome, state: State) -> Outcome:
    """Gather what one outcome changes: what was written is acknowledged, what was overtaken is planned anew."""
    if state is State.CONFLICT:
        tally.count(change, "excluded")
        _look_again(flow, tally, change.source_key)
        return replace(answer, code="overtaken", message=OVERTAKEN)
    tally.count(change, books.applied_as(change))
    found, is_quiet = images(flow, change, answer)
    key = new_key(change, answer)
    if key and Link.objects.filter(mapping=flow.mapping, source_key=key).exclude(state=LinkState.PENDING).exists():
        tally.raised[change.run_id].append(duplicate(change, key))
        key = ""
    elif not has_questions(change):
        tally.agreed.append(change.source_key)
    tally.links.append(link_row(change, answer, is_quiet=is_quiet, now=tally.now))
    tally.renamed += [(change.link_id, key)] if key else []
    if change.operation != Operation.DELETE:
        tally.images.append(rows.image(change.link_id or 0, found))
        if not is_quiet:
            _look_again(flow, tally, key or change.source_key)
    return answer


def _look_again(flow: Flow, tally: Tally, key: str) -> None:
    """Have a record looked at once more in this run, or in the next if it does not come to it."""
    flow.again.add(key)
    tally.hints[key] = OVERTAKEN


def is_ours(change: Change) -> bool:
    """Whether the change was made by merging two sides."""
    return bool(change.decisions)


def read_back(flow: Flow, answered: Sequence[tuple[Change, Outcome]]) -> list[tuple[Change, Outcome]]:
    """The outcomes of one end, each with what that end holds now: its own form of a value must be known."""
    bare = {
        key: change
        for change, answer in answered
        if is_ours(change) and _has_no_image(change, answer) and (key := answer.key or change.key_there)
    }
    if not bare:
        return list(answered)
    end = flow.end(next(iter(bare.values())).side)
    try:
        held = {record.key: record for record in end.system.fetch(end.stream, list(bare))}
    except HubError:  # then the next look at the record finds its form, as if somebody had edited it
        return list(answered)
    return [(change, _shown(answer, held.get(answer.key or change.key_there or ""))) for change, answer in answered]


def _has_no_image(change: Change, answer: Outcome) -> bool:
    return answer.answer in DONE and answer.image is None and change.operation != Operation.DELETE


def _shown(answer: Outcome, record: Record | None) -> Outcome:
    if record is None or answer.image is not None:
        return answer
    return replace(answer, image=record.data, version=record.version)


def link_row(change: Change, answer: Outcome, *, is_quiet: bool, now: Any) -> tuple[Any, ...]:
    """The link as the write leaves it, in the columns of `rows.LINK_COLUMNS`.

    `is_quiet`: the written side shows nothing else than was known and written, so its version need not be looked
    at again. A deleted record keeps its keys and versions: its tombstone tells an old state from a new record.
    """
    link = Link.objects.get(pk=change.link_id or 0)
    if change.operation == Operation.DELETE:
        ends = (link.destination_key, link.source_version, link.destination_version, "")
        state = LinkState.DELETED
    elif change.side == "destination":
        version = answer.version if is_quiet else None
        ends = (answer.key or change.destination_key, change.source_version, version, change.source_digest)
        state = LinkState.GONE if change.is_archive else LinkState.LINKED
    else:
        whole = is_quiet and change.source_digest == SETTLED
        there = change.source_version if whole else None
        ends = (change.destination_key, answer.version if is_quiet else None, there, "")
        state = LinkState.GONE if change.is_archive else LinkState.LINKED
    key, source_version, destination_version, digest = ends
    return (
        change.link_id, key, state.value, source_version, destination_version, digest,
        change.digest, "", change.ack_seq + 1, now,
    )  # fmt: skip


def images(flow: Flow, change: Change, answer: Outcome) -> tuple[Images, bool]:
    """(the link's images after the write, whether the written side shows no other difference)."""
    known = rows.images_of([change.link_id or 0]).get(change.link_id or 0, Images({}))
    held = _held(flow, change, answer)
    mapped = {name: why for name, why in change.decisions.items() if name in flow.compiled.policies}
    written = {name: why["value"] for name, why in mapped.items() if "value" in why and "pending" not in why}
    other = written
    if change.side == "destination":
        found = known.with_fields(written, written, other, {**written, **_only(held, written)})
    else:
        found = known.with_fields(written, written, {**written, **_only(held, written)}, other)
    own = {name: why["own"] for name, why in mapped.items() if "own" in why}
    here, there = ({name: pair[side] for name, pair in own.items()} for side in (0, 1))
    found = found.with_fields(own, here, here, there)
    now = found.destination if change.side == "destination" else found.source
    return found, held is not None and all(alike(value, now.get(name)) for name, value in held.items())


def has_questions(change: Change) -> bool:
    """Whether a person is asked about other fields of the record."""
    return any("asked" in why for why in change.decisions.values())


def new_key(change: Change, answer: Outcome) -> str:
    """The source's own key of a record that was made there; empty when the link has it."""
    is_made = change.side == "source" and change.operation == Operation.CREATE
    return answer.key or "" if is_made and answer.key != change.source_key else ""


def duplicate(change: Change, key: str) -> Raised:
    """A record made at the source whose key another link has: the hub cannot tell which of the two it is."""
    return Raised(
        ExceptionKind.DUPLICATE,
        change.source_key,
        f"The source made the record {key} of {change.destination_key}, but {key} is linked with another record.",
        code="exists",
        change_id=change.pk,
    )


def _only(held: Fields | None, names: Fields) -> Fields:
    return {name: value for name, value in (held or {}).items() if name in names}


def _held(flow: Flow, change: Change, answer: Outcome) -> dict[str, Any] | None:
    """What the written side holds now, in the mapping's form; None when it did not say."""
    if answer.image is None:
        return None
    names = flow.compiled.policies
    if change.side == "destination":
        return {name: value for name, value in canonical.to_json(answer.image).items() if name in names}
    mapped = flow.compiled.image_of(Record(answer.key or change.source_key, answer.image))
    if isinstance(mapped, Rejected):
        return None
    found = reference.resolve(flow, set(mapped.references.values()))
    keys = {name: found[pair] for name, pair in mapped.references.items() if pair in found}
    return canonical.to_json({**mapped.image, **keys})
