"""The story of a step that is kept as it was read until it can be mapped: what it says, and what can be done."""

from hub.engine import canonical, verbatim
from hub.models import Change, ExceptionKind, ReconciliationException
from hub.sdk import Fields
from hub.services.change import stuck
from hub.services.run.kept import reason_unread

HEADING = "as the source sent it, not mapped yet"
OR_SKIP = " Or skip it: it is left out for good, with your reason, and the others go on."
MAPPED = (
    "Have the mapping or its list of values corrected. Then ask for another try, or leave it to the next run: this "
    "very step is mapped anew and sent, and what waits behind it follows in order. A correction at the source would "
    "come as a further step, behind it."
)
CURES: dict[str, str] = {
    ExceptionKind.REFERENCE: "Usually nothing: it is tried again in the next run, once the other record is there, and "
    "what waits behind it follows in order.",
    ExceptionKind.UNREADABLE: "Have the record corrected at the source, which comes as a further step. What this one "
    "said is not known: skip it, and what waits behind it follows in order; or start afresh with the record as it is.",
}


def as_read(change: Change) -> Fields | None:
    """The record as it was read; None when this is no kept step, or nothing but its key could be read."""
    record = verbatim.read(change.kept) if change.kept else None
    return None if record is None or reason_unread(record) else canonical.to_json(record.data)


def waiting(change: Change | None) -> str:
    """How many steps wait behind this one, in a sentence; empty when it is not what its record is stuck at."""
    found = stuck(change) if change and change.kept else None
    if found is None or change is None or found.head.pk != change.pk:
        return ""
    if not found.waiting:
        return "No later step of this record waits behind it yet."
    noun = "step of this record waits" if found.waiting == 1 else "steps of this record wait"
    return f"{found.waiting:,} later {noun} behind it, in order. Other records go on."


def cure(exception: ReconciliationException) -> str:
    """What to do about a step that cannot be mapped."""
    told = CURES.get(exception.kind, MAPPED)
    return told if exception.kind == ExceptionKind.UNREADABLE else told + OR_SKIP
