"""What will happen when a person releases, maps anew, skips or supersedes what a record is stuck behind, in words."""

from hub.engine.intent import State
from hub.models import Change, Semantics
from hub.services.change import Stuck, stuck

NAMED = 6


def release(change: Change | None) -> str:
    """What a release will do."""
    found = stuck(change) if change else None
    if found is None:
        return ""
    head = found.head
    upon = ""
    if head.state == State.CONFLICT:
        upon = (
            f" The hub looks at “{_there(head)}” first and writes upon the record as it is there: an edit somebody "
            f"made to {_fields(head)} is replaced. If the record is gone there, it is made anew."
        )
    return f"This {head.operation} of {head.source_key} is sent once more, as it was planned.{upon}{_followers(found)}"


def map_anew(change: Change | None) -> str:
    """What another try of a kept step will do."""
    found = stuck(change) if change else None
    if found is None:
        return ""
    head = found.head
    return (
        f"This step of {head.source_key}, kept as it was read, is mapped anew with {head.mapping.active_version} and "
        f"then sent.{_followers(found)} If it still cannot be mapped, its exception stays and says so."
    )


def skip(change: Change | None) -> str:
    """What a skip will do."""
    found = stuck(change) if change else None
    if found is None:
        return ""
    head = found.head
    if head.kept is not None:
        return (
            f"This step of {head.source_key} is left out: it will never reach “{_there(head)}”. What was read stays "
            f"with the change.{_followers(found) or ' Nothing waits behind it.'}"
        )
    lost = f"This {head.operation} of {head.source_key} is given up: {_fields(head)} will not reach “{_there(head)}”."
    if head.mapping.semantics == Semantics.TRANSITION:
        return f"{lost}{_followers(found) or ' Nothing waits behind it.'}"
    return f"{lost} The record is left as it is there until it changes at the source."


def supersede(change: Change | None) -> str:
    """What a fresh start will do."""
    found = stuck(change) if change else None
    if found is None:
        return ""
    head = found.head
    count = found.waiting + 1
    dropped = "This change is given up" if count == 1 else f"{count:,} changes are given up, none of which is sent"
    return (
        f"{dropped}. The hub then reads {head.source_key} again at “{head.mapping.source}” and brings “{_there(head)}” "
        "to what it finds there, in one step."
    )


def _followers(found: Stuck) -> str:
    if not found.waiting:
        return ""
    noun = "change that waits" if found.waiting == 1 else "changes that wait"
    return f" The {found.waiting:,} {noun} behind it then follow, in order."


def _there(head: Change) -> str:
    return str(head.mapping.destination if head.side == "destination" else head.mapping.source)


def _fields(head: Change) -> str:
    names = sorted(head.fields)
    if not names:
        return "the removal"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
