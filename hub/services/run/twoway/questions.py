"""What a two-way run asks people, with what they need to see: both values, what was agreed, and which rule decided."""

from collections.abc import Sequence

from hub.engine.mapping import Rejected
from hub.engine.merge import Images
from hub.models import ExceptionKind
from hub.sdk import Fields
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised
from hub.services.run.twoway.pair import Pair
from hub.services.run.twoway.propose import Both


def conflict(flow: Flow, both: Both, images: Images | None) -> Raised:
    """Fields that were changed where only a person can say which value counts."""
    asked = both.merged.asked
    names = ", ".join(one.name for one in asked)
    mapping = flow.mapping
    return Raised(
        ExceptionKind.CONFLICT,
        both.pair.key,
        f"“{mapping.source}” and “{mapping.destination}” differ in {names}, and the mapping leaves it to a person "
        "which value counts. Until then nothing is written to these fields on either side.",
        code="conflict",
        evidence={
            "sent": {one.name: both.here.get(one.name) for one in asked},
            "agreed": {one.name: images.agreed[one.name] for one in asked if images and one.name in images.agreed},
            "destination": {one.name: both.there.get(one.name) for one in asked},
            "decided": {one.name: one.rule for one in asked},
            "destination_key": both.pair.destination.key if both.pair.destination else None,
        },
    )


def deletion(flow: Flow, pair: Pair, gone: str, changed: Sequence[str], present: Fields) -> Raised:
    """A record that is gone on one side, and that a person must decide about."""
    at = {"source": flow.mapping.source, "destination": flow.mapping.destination}
    other = "destination" if gone == "source" else "source"
    told = f"The record is gone at “{at[gone]}”, or the mapping leaves it out now. "
    if changed:
        told += f"At “{at[other]}” somebody changed {', '.join(changed)} since both sides last agreed. "
    else:
        told += f"At “{at[other]}” it is still there. "
    return Raised(
        ExceptionKind.DELETION,
        pair.key,
        told + "Decide what becomes of it.",
        code="deleted-and-edited" if changed else "deletion",
        evidence={"gone": gone, ("sent" if other == "source" else "destination"): dict(present)},
    )


def not_back(pair: Pair, result: Rejected) -> Raised:
    """A record of the destination from which the way back cannot make the source's."""
    first = result.problems[0]
    return Raised(
        ExceptionKind.INVALID,
        pair.key,
        "On the way back: " + "\n".join(problem.message for problem in result.problems),
        field=first.field,
        code=first.kind,
        evidence={"destination": None},
    )


def flapping(flow: Flow, key: str, names: Sequence[str]) -> Raised:
    """Fields that the hub has written back and forth; it stops until a person says go on."""
    return Raised(
        ExceptionKind.FLAPPING,
        key,
        f"The hub wrote {', '.join(names)} of this record more than three times within ten minutes, because "
        f"“{flow.mapping.source}” and “{flow.mapping.destination}” undo each other's value. It has stopped. Find out "
        "what changes the field there by itself, or give one side the authority over it; then ask for another try.",
        code="flapping",
    )
