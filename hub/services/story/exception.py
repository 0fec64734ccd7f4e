"""The story of an exception, for the person who owns the data: what happened, to which value, and what can be done."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from hub.engine.intent import State
from hub.models import Attempt, Change, ExceptionKind, ExceptionState, Link, LinkImage, ReconciliationException
from hub.sdk import Fields
from hub.services.story import change as change_story
from hub.services.story import kept
from hub.services.story.change import AttemptTold
from hub.services.story.difference import MISSING, Cell, Row, beside, same
from hub.services.story.lens import Hides, Lens

MOST_ATTEMPTS = 10
OF_MAPPING = (ExceptionKind.UNMAPPED_VALUE, ExceptionKind.INVALID)
# The reasons of these are the hub's own words: they name fields, keys and versions, and quote no value.
OWN_WORDS = (
    ExceptionKind.REFERENCE, ExceptionKind.CONFLICT, ExceptionKind.MISSING, ExceptionKind.IN_DOUBT,
    ExceptionKind.DELETION, ExceptionKind.FLAPPING, ExceptionKind.OVERWRITE, ExceptionKind.NOT_KEPT,
    ExceptionKind.FACT_CHANGED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of exception in words: what it means, and what to do about it."""

    means: str
    cure: str


KINDS: dict[str, Kind] = {
    ExceptionKind.UNREADABLE: Kind(
        "The hub could not read this record at the source.",
        "Have it corrected at the source, at the place the reason names. Then ask for another try.",
    ),
    ExceptionKind.UNMAPPED_VALUE: Kind(
        "The source sent a value for which nobody has said what it means at the destination.",
        "Correct the value at the source, or have it added to the mapping's list of values. Then ask for another try.",
    ),
    ExceptionKind.INVALID: Kind(
        "The source sent a value that cannot be turned into what the destination needs.",
        "Correct the value at the source, or have the mapping changed. Then ask for another try.",
    ),
    ExceptionKind.REFERENCE: Kind(
        "This record refers to another one that has not arrived at the destination yet.",
        "Usually nothing: it is tried again in the next run, once the other record is there.",
    ),
    ExceptionKind.REFUSED: Kind(
        "The destination understood the request and refused it.",
        "Correct the record at the source, or what the destination complains about there. Then ask for another try.",
    ),
    ExceptionKind.CONFLICT: Kind(
        "Somebody changed this record at the destination since the hub last wrote it. The hub did not write over it.",
        "Decide which side is right. Correct the source, or undo the change there. Then ask for another try.",
    ),
    ExceptionKind.IN_DOUBT: Kind(
        "The hub sent this and got no answer, and the destination offers no way to find out whether it happened.",
        "Look at the destination with your own eyes, then say what you found.",
    ),
    ExceptionKind.DUPLICATE: Kind(
        "The destination already has a record under this key, and it is not the one the hub knows.",
        "Find out which of the two is right, correct or remove the other, then ask for another try.",
    ),
    ExceptionKind.MISSING: Kind(
        "The record to be changed is no longer at the destination.",
        "Find out who removed it and why. Have it restored there, or removed at the source. Then ask for another try.",
    ),
    ExceptionKind.DELETION: Kind(
        "The record is gone at one side, and this mapping leaves it to a person what becomes of it on the other.",
        "Remove or keep the other side's record there.",
    ),
    ExceptionKind.FLAPPING: Kind(
        "Both systems undo each other's value. The hub has stopped writing this record.",
        "Find out what changes the field there by itself, or give one side the authority over it. "
        "Then ask for another try.",
    ),
    ExceptionKind.OVERWRITE: Kind(
        "The record changed at the destination between what the hub knew and what it wrote, and the destination "
        "offers no way to refuse such a write. An edit made there may be gone.",
        "Look at the record there, or ask who works with it. Put back by hand what was lost; then say that you looked.",
    ),
    ExceptionKind.NOT_KEPT: Kind(
        "The hub wrote this, the destination said yes, and when the hub read it back it was not as sent.",
        "Find out who or what changed it there. Ask for another try if it should be written again; "
        "otherwise say that you looked.",
    ),
    ExceptionKind.EDITED: Kind(
        "Somebody changed this field at the destination, where only the source may change it. The hub saw it in the "
        "answer to a write of other fields and left it alone.",
        "Decide which value is right. Leave the field as it is there, or have the source's value written over it.",
    ),
    ExceptionKind.FACT_CHANGED: Kind(
        "This was appended at the destination as a fact, which is never changed afterwards. The source changed it.",
        "Correct it by a new fact at the source, or skip this to keep what was appended.",
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """An exception as its page shows it. `source` is the record as the source sent it, field by field."""

    kind: Kind
    reasons: list[str]
    change: Change | None = None
    link: Link | None = None
    headings: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    same: list[Row] = field(default_factory=list)
    source: list[tuple[str, Cell, bool]] = field(default_factory=list)
    value: Cell | None = None
    attempts: list[AttemptTold] = field(default_factory=list)
    waiting: str = ""

    @property
    def look(self) -> str:
        """The style of the table: of three sides, the outer ones are marked against the middle."""
        return "st-against" if len(self.headings) > 2 else ""


def tell(exception: ReconciliationException, lens: Lens) -> Told:
    """Everything known about the exception: at most four statements, and three about a kept step."""
    change = _change_of(exception)
    link = _link_of(exception)
    is_kept = change is not None and change.kept is not None
    headings, rows = _beside(exception, None if is_kept else change, link, _side_of(exception, change, lens))
    kind = KINDS.get(exception.kind, Kind("", ""))
    source = _source_rows(exception, lens)
    return Told(
        kind=replace(kind, cure=kept.cure(exception)) if is_kept else kind,
        reasons=[line for line in said(exception, lens).splitlines() if line.strip()],
        change=change,
        link=link,
        headings=headings,
        rows=[row for row in rows if row.differs],
        same=[row for row in rows if not row.differs],
        source=source,
        value=next((cell for name, cell, is_concerned in source if is_concerned), None),
        attempts=_attempts_of(change, lens),
        waiting=kept.waiting(change),
    )


def said(exception: ReconciliationException, lens: Lens) -> str:
    """What may be read of its reason."""
    if exception.kind in OWN_WORDS:
        return exception.reason
    return lens.sentence(exception.reason, field=exception.field, is_of_mapping=exception.kind in OF_MAPPING)


def with_words(exceptions: Iterable[ReconciliationException], lens: Lens) -> list[ReconciliationException]:
    """Exceptions of one mapping, each with what may be read of its reason."""
    listed = list(exceptions)
    for exception in listed:
        exception.said = said(exception, lens)
    return listed


def is_open(exception: ReconciliationException) -> bool:
    """Whether it still waits for a person."""
    return exception.state == ExceptionState.OPEN


def is_in_doubt(exception: ReconciliationException) -> bool:
    """Whether a person must say what became of a write."""
    return is_open(exception) and exception.kind == ExceptionKind.IN_DOUBT and exception.change_id is not None


def needs_a_look(exception: ReconciliationException) -> bool:
    """Whether only a person can say that it is settled: nothing the hub reads would tell."""
    return is_open(exception) and exception.kind in (ExceptionKind.OVERWRITE, ExceptionKind.NOT_KEPT)


def is_edited(exception: ReconciliationException) -> bool:
    """Whether a person must say which value of a field counts."""
    return is_open(exception) and exception.kind == ExceptionKind.EDITED


def parked_change(exception: ReconciliationException) -> Change | None:
    """The change in doubt behind an exception, as long as nobody has settled it."""
    if exception.change_id is None:
        return None
    return Change.objects.filter(pk=exception.change_id, state=State.PARKED).first()


def _change_of(exception: ReconciliationException) -> Change | None:
    if exception.change_id is None:
        return None
    return Change.objects.select_related("run", "version").filter(pk=exception.change_id).first()


def _link_of(exception: ReconciliationException) -> Link | None:
    found = Link.objects.select_related("image").filter(
        mapping_id=exception.mapping_id, source_key=exception.source_key
    )
    return found.first()


def _side_of(exception: ReconciliationException, change: Change | None, lens: Lens) -> Hides:
    """By whose names the fields of its evidence go: those of the side that was written."""
    if change is None:
        return lens.mapped if exception.change_id is None else lens.either
    return lens.side(change.side)


def _beside(
    exception: ReconciliationException, change: Change | None, link: Link | None, hides: Hides
) -> tuple[tuple[str, ...], list[Row]]:
    """Wanted, last agreed and present values side by side, as far as each is known."""
    evidence: dict[str, Any] = exception.evidence
    agreed = evidence.get("agreed") or (change.before if change else None) or _agreed(link)
    wanted = {**(agreed or {}), **change.fields} if change else evidence.get("sent")
    held = evidence.get("destination") or (change.after if change else None)
    present = _only(held, {**(wanted or {}), **(agreed or {})})
    sides = [("the source wants", wanted), ("last agreed", agreed), ("at the destination now", present)]
    known = [(word, side) for word, side in sides if side is not None]
    if len(known) < len(sides):
        known.reverse()
    rows = beside(*(side for _, side in known), hides=hides) if known else []
    if wanted is not None and agreed is not None and present is not None:
        rows = [replace(row, note=_note(row.name, wanted, agreed, present)) for row in rows]
    decided = evidence.get("decided") or {}
    rows = [replace(row, note=decided.get(row.name, row.note)) for row in rows]
    return tuple(word for word, _ in known), rows


def _note(name: str, wanted: Fields, agreed: Fields, present: Fields) -> str:
    """Who moved away from what was last agreed."""
    old = agreed.get(name, MISSING)
    here, there = not same(wanted.get(name, MISSING), old), not same(present.get(name, MISSING), old)
    if here and there:
        return "" if same(wanted.get(name, MISSING), present.get(name, MISSING)) else "changed on both sides"
    return ""


def _agreed(link: Link | None) -> Fields | None:
    image: LinkImage | None = getattr(link, "image", None) if link else None
    return image.sent if image else None


def _only(image: Fields | None, names: Fields) -> Fields | None:
    return None if image is None else {name: value for name, value in image.items() if name in names}


def _source_rows(exception: ReconciliationException, lens: Lens) -> list[tuple[str, Cell, bool]]:
    """The record as the source sent it, the field concerned first."""
    source = exception.evidence.get("source")
    if not isinstance(source, dict):
        return []
    # Of a fact that changed, what the source says now is kept as it was mapped.
    hides = lens.mapped if exception.kind == ExceptionKind.FACT_CHANGED else lens.source
    rows = [(row.name, row.cells[0], row.name == exception.field) for row in beside(source, hides=hides)]
    return sorted(rows, key=lambda row: not row[2])


def _attempts_of(change: Change | None, lens: Lens) -> list[AttemptTold]:
    if change is None:
        return []
    found = list(Attempt.objects.filter(change=change).order_by("-id")[:MOST_ATTEMPTS])
    return [change_story.told_in_full(attempt, lens) for attempt in reversed(found)]
