"""The audit trail in words: what each kind of event is called, and what it changed."""

from dataclasses import dataclass
from typing import Any

from hub.models import AuditEvent
from hub.services.story.difference import Cell, Row, beside
from hub.services.story.lens import nothing

ACTIONS: dict[str, str] = {
    "add": "added",
    "change": "changed",
    "delete": "deleted",
    "activate": "activated",
    "pause": "paused",
    "resume": "resumed",
    "check": "asked for a test of",
    "set_secret": "set the values of",
    "run.request": "asked for",
    "run.preview": "asked for the preview",
    "run.cancel": "cancelled",
    "run.approve": "released the held changes of",
    "run.discard": "discarded the held changes of",
    "exception.retry": "asked for another try of",
    "change.happened": "said that it happened:",
    "change.not_happened": "said that it did not happen:",
    "change.stop": "gave up",
    "change.mapped_anew": "asked for another try of",
    "breaker.close": "closed the breaker of",
    "breaker.probe": "asked to try again",
    "connection.held": "holds a connection of",
    "connection.works": "uses a connection again of",
    "slot.missed": "could not fill a slot of",
    "recovery.start": "began",
    "recovery.review": "had both sides read in the",
    "recovery.leave": "left the",
    "replay.draft": "prepared",
    "replay.start": "started",
    "replay.pause": "paused",
    "replay.cancel": "cancelled",
    "password": "set the password of",
    "payload.view": "saw what is held by",
}
SUBJECTS: dict[str, str] = {
    "integration": "integration",
    "mainswitch": "main switch",
    "recovery": "recovery",
    "replay": "replay",
    "mapping": "mapping",
    "mappingversion": "mapping version",
    "connection": "connection",
    "credential": "credential",
    "syncrun": "run",
    "change": "change",
    "reconciliationexception": "exception",
    "user": "person",
    "group": "group",
}
# These keep old and new value of a field as a pair; other events keep plain facts.
PAIRED = {"add", "change"}


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words: what was done to what, the fields it changed, and other facts."""

    verb: str
    kind: str
    rows: list[Row]
    facts: list[tuple[str, Cell]]
    headings: tuple[str, str] = ("before", "after")


def tell(event: AuditEvent) -> Told:
    """The event as its page shows it."""
    detail: dict[str, Any] = event.detail if isinstance(event.detail, dict) else {"detail": event.detail}
    pairs = {name: value for name, value in detail.items() if _is_pair(event, name, value)}
    before = {name: old for name, (old, _) in pairs.items() if old is not None}
    after = {name: new for name, (_, new) in pairs.items() if new is not None}
    facts = {name: value for name, value in detail.items() if name not in pairs}
    return Told(
        verb=verb(event),
        kind=SUBJECTS.get(event.subject, event.subject),
        rows=beside(before, after, hides=nothing),
        facts=[(row.name.replace("_", " "), row.cells[0]) for row in beside(facts, hides=nothing)],
    )


def verb(event: AuditEvent) -> str:
    """What was done, in words."""
    return ACTIONS.get(event.action, event.action)


def _is_pair(event: AuditEvent, name: str, value: object) -> bool:
    return event.action in PAIRED and name != "fields" and isinstance(value, list) and len(value) == 2
