"""The story of a run: its balance as an equation, how far it is, how it stands and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Min, Model, Q, QuerySet

from hub.engine.intent import IN_FLIGHT, State
from hub.models import Change, ReconciliationException, RunState, SyncRun
from hub.services import access
from hub.services.access import Person
from hub.services.story import exception as exception_story
from hub.services.story.lens import Lens

Row = TypeVar("Row", bound=Model)
PAGE = 25
APPLIED = (State.APPLIED, State.VERIFIED)
# The groups of states by which a person looks at the changes of a run.
GROUPS: dict[str, tuple[str, tuple[State, ...]]] = {
    "applied": ("written", APPLIED),
    "refused": ("refused or in conflict", (State.REJECTED, State.CONFLICT)),
    "held": ("held", (State.HELD,)),
    "flight": ("in flight", tuple(sorted(IN_FLIGHT))),
    "planned": ("planned", (State.PLANNED,)),
    "withdrawn": ("withdrawn", (State.SUPERSEDED, State.CANCELLED)),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One number of the equation: its word, what it means, and the list of changes (or “exceptions”) behind it."""

    name: str
    count: int
    word: str
    meaning: str
    shows: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `percent` is None when nobody knows how many records will come."""

    received: int
    expected: int | None
    percent: int | None
    pages: int
    per_second: float | None
    elapsed: timedelta | None
    announce: str


TERMS: tuple[tuple[str, str, str, str], ...] = (
    ("unchanged", "unchanged", "Already the same on both sides; nothing is stored for them.", ""),
    ("applied", "written", "Created, updated or deleted at the destination.", "applied"),
    ("planned", "planned", "Would be written; this run only looks.", "planned"),
    ("held", "held", "Wait: for an approval, or for an earlier change of the same record.", "held"),
    ("excluded", "left out", "By the mapping's filter, or overtaken by a newer state of the same record.", ""),
    ("excepted", "in exception", "Need a person.", "exceptions"),
    ("in_flight", "in flight", "Being sent, or not settled yet; the hub goes on with them by itself.", "flight"),
)


def equation(run: SyncRun) -> list[Term]:
    """What became of the received records: the terms add up to `received` at every moment."""
    shown = [entry for entry in TERMS if entry[0] != ("applied" if run.is_preview else "planned")]
    return [Term(name, getattr(run, name), word, meaning, list_) for name, word, meaning, list_ in shown]


def adds_up(run: SyncRun) -> bool:
    """Whether the counts balance. The database refuses counts that do not; the page says so all the same."""
    balance = run.balance
    return balance.pop("received") == sum(balance.values())


def progress(run: SyncRun, now: datetime) -> Progress:
    """How far the run is at `now`, and a sentence that changes rarely enough to be read aloud."""
    elapsed = (run.ended_at or now) - run.started_at if run.started_at else None
    seconds = elapsed.total_seconds() if elapsed else 0
    percent = min(99, 100 * run.received // run.expected) if run.expected else None
    return Progress(
        received=run.received,
        expected=run.expected,
        percent=percent,
        pages=run.pages,
        per_second=run.received / seconds if seconds >= 1 else None,
        elapsed=elapsed,
        announce=_announced(run, percent),
    )


def _announced(run: SyncRun, percent: int | None) -> str:
    """Read aloud by screen readers: in steps of ten percent while it runs."""
    if run.state == RunState.RUNNING and percent is not None:
        return f"Running, {percent // 10 * 10} percent."
    return f"The run is {run.get_state_display()}. {run.reason}"


NEXT: dict[str, str] = {
    RunState.QUEUED: "It starts as soon as a worker is free. You can leave this page; nothing depends on it.",
    RunState.RUNNING: "You can leave this page; the run goes on without it.",
    RunState.WAITING: "Look at what is held below, then release it or discard it.",
    RunState.CANCELLED: "Run it again when you like; it goes on from where the last complete read ended.",
    RunState.PARTIAL: "Open the records below that need a person and settle them. The others are done.",
    RunState.FAILED: "Read the reason, remove the cause, then run again. What was written stays written.",
}
LATER = "Nothing: the hub tries again by itself."
WAITING_FOR_RESUME = "Nothing: it goes on by itself, where it stands, once what is paused is resumed."
STOPPING = "It was asked to stop and stops after the records it is sending now."
NEXT_BY_CODE: dict[str, str] = {
    "auth": "The other system refused the credential. Set its values anew, test the connection, then run again.",
    "config": "Correct the setting that the reason names, then run again.",
    "not-ready": "Activate a version of the mapping, then run again.",
    "paused": "Resume what is paused, then run again.",
    "transient": "The other system was away. Run again, or wait for the next scheduled run.",
    "rate-limited": "The other system asked for a pause. Run again later, or wait for the next scheduled run.",
    "silence": "The other system did not answer. Test the connection, then run again.",
    "fatal": "This is a fault of the connector, not of the data. Ask whoever looks after it.",
    "retries": "The other system stayed away. Find out why, test the connection, then run again.",
    "bug": "Tell whoever looks after the hub; its log says where it broke. Nothing was sent twice.",
    "predecessor": "Look at the run before it; once that succeeds, run the integration again.",
    "in-flight": "Nothing: the hub settles what is open by itself and judges this run again.",
}


def next_step(run: SyncRun) -> str:
    """What a person should do about this run now; empty when there is nothing to do."""
    if run.is_live and run.reason_code == "paused":
        return WAITING_FOR_RESUME
    if run.is_live:
        return STOPPING if run.cancel_asked else LATER if run.due_at else NEXT[run.state]
    if run.reason_code in NEXT_BY_CODE:
        return NEXT_BY_CODE[run.reason_code]
    if run.is_preview and run.planned:
        return "If the planned changes are what you want, run it for real."
    return NEXT.get(run.state, "")


def changes(run: SyncRun, *, group: str = "", operation: str = "") -> QuerySet[Change]:
    """The changes of a run, in the order they were made; `group` names one of GROUPS."""
    rows = Change.objects.filter(run=run)
    states = GROUPS[group][1] if group in GROUPS else ()
    rows = rows.filter(state__in=states) if states else rows
    return rows.filter(operation=operation) if operation else rows


def within_reach(rows: QuerySet[Row], by: Person) -> QuerySet[Row]:
    """Who sees a run sees its records, but for whose right is limited to a part of the data."""
    if not access.standing(by).limited:
        return rows
    return rows.filter(pk__in=access.visible(by, "view", rows.model).values("pk"))


def next_due(run: SyncRun) -> datetime | None:
    """When the run, or the first of its waiting changes, is tried again."""
    if run.is_live or not run.in_flight:
        return run.due_at if run.state == RunState.QUEUED else None
    found: datetime | None = changes(run, group="flight").aggregate(first=Min("due_at"))["first"]
    return found


def exceptions(run: SyncRun, most: int, lens: Lens, by: Person) -> Sequence[ReconciliationException]:
    """The newest exceptions this run raised or met again, as far as this person reaches them, open ones first."""
    rows = within_reach(ReconciliationException.objects.filter(last_run=run), by)
    found = rows.order_by("-id")[:most]
    return sorted(exception_story.with_words(found, lens), key=lambda one: one.state)


def neighbours(run: SyncRun) -> QuerySet[SyncRun]:
    """The runs before and after this one in the same request: its predecessor and its followers."""
    return SyncRun.objects.filter(Q(pk=run.after_id) | Q(after=run)).select_related("mapping").order_by("id")
