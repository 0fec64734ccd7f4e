"""The story of a change: what was there, what was sent, what came back, attempt by attempt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db.models import F, QuerySet, Window
from django.db.models.functions import Left, Length, RowNumber

from hub.engine.intent import OPEN, State
from hub.models import Attempt, Change, ReconciliationException
from hub.sdk import Answer, Fields
from hub.services.run.acknowledge import OVERTAKEN
from hub.services.run.doubt import LOOKED
from hub.services.run.transition import WAITS
from hub.services.story import kept
from hub.services.story.difference import Row, beside, same
from hub.services.story.lens import Hides, Lens

SHOWN_ATTEMPTS = 3
SHOWN_TEXT = 4_000

ANSWERS: dict[str, str] = {
    Answer.APPLIED: "done",
    Answer.UNCHANGED: "was already so",
    Answer.REFUSED: "refused",
    Answer.CONFLICT: "somebody else changed the record",
    Answer.MISSING: "the record is not there",
    Answer.RETRY: "not done, try later",
    Answer.UNKNOWN: "no answer",
    Answer.AUTH: "credentials refused",
    Answer.ACCEPTED: "taken for later",
}
TONES: dict[str, str] = {
    State.APPLIED: "ok",
    State.VERIFIED: "ok",
    State.REJECTED: "bad",
    State.CONFLICT: "bad",
    State.PARKED: "bad",
    State.AMBIGUOUS: "warn",
    State.PROBING: "warn",
    State.RETRY_WAIT: "warn",
    State.AUTH_HELD: "warn",
    State.HELD: "warn",
    State.PLANNED: "live",
    State.SENDING: "live",
    State.ACCEPTED: "live",
    State.READY: "live",
}
ANSWER_TONES: dict[str, str] = {
    Answer.APPLIED: "ok",
    Answer.UNCHANGED: "ok",
    Answer.ACCEPTED: "live",
    Answer.RETRY: "warn",
    Answer.UNKNOWN: "warn",
}
# What the hub says of a change by itself, or has a person say. Anything else may quote what was sent.
OWN_WORDS = (
    WAITS, OVERTAKEN, *LOOKED.values(), "Found by looking it up.", "On a person's word.", "Read back: as sent.",
    "Released by ", "Skipped by ", "Given up for a fresh read by ", "Planned before a backup that was restored.",
    "An earlier change of the record had brought it there already.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sides:
    """A change side by side: headings, the fields that differ, and those that stay as they are."""

    headings: tuple[str, ...]
    rows: list[Row]
    same: list[Row]


@dataclass(frozen=True, slots=True)
class AttemptTold:
    """One attempt in words; `is_cut` when request or response are longer than what is shown.

    `takes` names the right it takes to read them, where they are hidden.
    """

    attempt: Attempt
    word: str
    tone: str
    request: str
    response: str
    is_cut: bool = False
    takes: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A change as a page shows it."""

    change: Change
    verb: str
    tone: str
    sides: Sides
    said: str = ""
    attempts: list[AttemptTold] = field(default_factory=list)
    earlier_attempts: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is not at its end."""
        return self.change.state in OPEN

    @property
    def names(self) -> list[str]:
        """The fields it is about."""
        return list(self.change.fields)


@dataclass(frozen=True, slots=True)
class Step:
    """One point of a change's life: when, what, and the attempt it was, if any."""

    what: str
    detail: str = ""
    at: datetime | None = None
    tone: str = ""
    told: AttemptTold | None = None


def tell(changes: Iterable[Change], lens: Lens) -> list[Told]:
    """These changes of one mapping with their last attempts: one statement for all of them."""
    listed = list(changes)
    attempts: dict[int, list[Attempt]] = {}
    for attempt in _last_attempts([change.pk for change in listed]):
        attempts.setdefault(attempt.change_id, []).append(attempt)
    return [_told(change, attempts.get(change.pk, []), lens) for change in listed]


def life(change: Change, lens: Lens) -> list[Step]:
    """The whole life of one change, from plan to outcome, with every attempt in full."""
    told = [told_in_full(one, lens) for one in change.attempts.order_by("id")]
    return [*_beginning(change), *(_attempt_step(one) for one in told), _standing(change, lens)]


def told_in_full(attempt: Attempt, lens: Lens) -> AttemptTold:
    """One attempt with all of its request and response."""
    return _attempt_told(attempt, attempt.request, attempt.response, lens)


def said(change: Change, lens: Lens) -> str:
    """What may be read of what was said about it."""
    if change.state == State.HELD or change.message.startswith(OWN_WORDS):
        return change.message
    return lens.sentence(change.message, is_of_mapping=change.kept is not None)


def sides(change: Change, lens: Lens) -> Sides:
    """What the destination held before, and what it holds, or would hold, after; of a kept step what was read."""
    if change.kept is not None:
        return _split((kept.HEADING,), kept.as_read(change), hides=lens.source)
    before, sent, answered = change.before, _wanted(change), _answered(change)
    known = [("before", before), (_right_heading(change), sent)]
    if answered is not None and sent is not None and not _agrees(sent, answered):
        known = [("before", before), ("sent", sent), ("as the destination keeps it", answered)]
    shown = [(heading, side) for heading, side in known if side is not None]
    hides = lens.side(change.side)
    return _split(tuple(heading for heading, _ in shown), *(side for _, side in shown), hides=hides)


def verb(change: Change) -> str:
    """The operation in words: an archiving is an update that stands for a deletion, a kept step may turn out any."""
    if change.kept is not None and change.operation != "delete":
        return "step"
    return "archive" if change.is_archive else change.operation


def exceptions_of(change: Change) -> QuerySet[ReconciliationException]:
    """The exceptions this change led to."""
    of_record = ReconciliationException.objects.filter(mapping_id=change.mapping_id, source_key=change.source_key)
    return of_record.filter(change_id=change.pk).order_by("-id")


def others_of(change: Change, most: int, lens: Lens) -> Sequence[Change]:
    """The newest other changes of the same record."""
    of_record = Change.objects.filter(mapping_id=change.mapping_id, source_key=change.source_key)
    return with_words(of_record.exclude(pk=change.pk).order_by("-id")[:most], lens)


def with_words(changes: Iterable[Change], lens: Lens) -> list[Change]:
    """Changes of one mapping, each with what may be read of its message."""
    listed = list(changes)
    for change in listed:
        change.said = said(change, lens)
    return listed


def _last_attempts(ids: Sequence[int]) -> QuerySet[Attempt]:
    """The last attempts of each change, oldest first, with no more of their text than a list shows."""
    place = Window(RowNumber(), partition_by=[F("change_id")], order_by=F("id").desc())
    return (
        Attempt.objects.filter(change__in=ids)
        .defer("request", "response")
        .annotate(
            place=place,
            request_start=Left("request", SHOWN_TEXT),
            response_start=Left("response", SHOWN_TEXT),
            length=Length("request") + Length("response"),
        )
        .filter(place__lte=SHOWN_ATTEMPTS)
        .order_by("id")
    )


def _told(change: Change, attempts: Sequence[Attempt], lens: Lens) -> Told:
    return Told(
        change=change,
        verb=verb(change),
        tone=TONES.get(State(change.state), "idle"),
        sides=sides(change, lens),
        said=said(change, lens),
        attempts=[_shortened(attempt, lens) for attempt in attempts],
        earlier_attempts=attempts[0].number - 1 if attempts else 0,
    )


def _shortened(attempt: Attempt, lens: Lens) -> AttemptTold:
    request, response = getattr(attempt, "request_start", ""), getattr(attempt, "response_start", "")
    is_cut = getattr(attempt, "length", 0) > len(request) + len(response)
    return _attempt_told(attempt, request, response, lens, is_cut=is_cut)


def _attempt_told(attempt: Attempt, request: str, response: str, lens: Lens, *, is_cut: bool = False) -> AttemptTold:
    return AttemptTold(
        attempt=attempt,
        word=ANSWERS.get(attempt.answer, attempt.answer),
        tone=ANSWER_TONES.get(attempt.answer, "bad"),
        request=lens.text(request),
        response=lens.text(response),
        is_cut=is_cut and not lens.takes,
        takes=lens.takes,
    )


def _beginning(change: Change) -> list[Step]:
    if change.state == State.PLANNED:
        return []
    upon = "kept as it was read until its turn comes" if change.kept else "against what both sides last agreed on"
    planned = Step("Planned", f"In run {change.run_id}, {upon}.", None, "live")
    if change.sent_at is None:
        return [planned]
    at = change.sent_at if change.tries <= 1 else None  # a later try has written its own time over the first
    return [planned, Step("Intent committed", "Written down before any byte of it left.", at, "live")]


def _attempt_step(told: AttemptTold) -> Step:
    kind = "Looked up" if told.attempt.purpose == "probe" else f"Attempt {told.attempt.number}"
    return Step(f"{kind}: {told.word}", "", told.attempt.at, told.tone, told)


def _standing(change: Change, lens: Lens) -> Step:
    words = change.standing[:1].upper() + change.standing[1:]
    return Step(words, said(change, lens), change.ended_at, TONES.get(change.state, "idle"))


def _wanted(change: Change) -> Fields | None:
    """The record as it should be afterwards; None when it should be gone."""
    if change.operation == "delete":
        return None
    return {**(change.before or {}), **change.fields}


def _answered(change: Change) -> Fields | None:
    """The destination's answer, of the fields the hub cares for."""
    if change.after is None or change.operation == "delete":
        return None
    known = {*change.fields, *change.image, *(change.before or {})}
    return {name: value for name, value in change.after.items() if name in known}


def _agrees(sent: Fields, answered: Fields) -> bool:
    """Whether the answer keeps what was sent; 50.5 keeps 50.50, and a number keeps its text."""
    kept = [(sent[name], value) for name, value in answered.items() if name in sent]
    return all(same(one, other) or _as_number(one) == _as_number(other) for one, other in kept)


def _as_number(value: object) -> Decimal | str:
    """The value as a number if it is one, written as text or not; else as text."""
    try:
        return str(value) if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return str(value)


def _right_heading(change: Change) -> str:
    state = State(change.state)
    word = "new record" if change.before is None else "after"
    if state in {State.APPLIED, State.VERIFIED}:
        return word
    return f"{word}, as planned" if state is State.PLANNED else f"{word}, as wanted"


def _split(headings: tuple[str, ...], *columns: Fields | None, hides: Hides) -> Sides:
    rows = beside(*columns, hides=hides)
    return Sides(headings, [row for row in rows if row.differs], [row for row in rows if not row.differs])
