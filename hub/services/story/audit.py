"""The audit trail in words: what each kind of event is called, and what it changed."""

from dataclasses import dataclass
from typing import Any

from hub.models import AuditEvent
from hub.services import audit
from hub.services.story.difference import Cell, Row, beside
from hub.services.story.lens import nothing

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
    before = event.before | {name: old for name, (old, _) in pairs.items() if old is not None}
    after = event.after | {name: new for name, (_, new) in pairs.items() if new is not None}
    facts = {name: value for name, value in detail.items() if name not in pairs}
    return Told(
        verb=verb(event),
        kind=kind(event),
        rows=beside(before, after, hides=nothing),
        facts=[(row.name.replace("_", " "), row.cells[0]) for row in beside(facts, hides=nothing)],
    )


def verb(event: AuditEvent) -> str:
    """What was done, in words."""
    return audit.verb(event.action)


def kind(event: AuditEvent) -> str:
    """What sort of thing it was done to."""
    return audit.SUBJECTS.get(event.subject, event.subject)


def how(event: AuditEvent) -> list[tuple[str, str]]:
    """How it came about, as far as that is known: each fact with its name."""
    facts = {
        "On behalf of": event.on_behalf,
        "Ticket": event.ticket,
        "Run": event.run_id,
        "Mapping version": event.mapping_version_id,
        "Approval": event.approval_id,
        "Known by": event.method,
        "From": event.address,
        "Request": event.request,
        "Session": event.session,
    }
    return [(name, str(value)) for name, value in facts.items() if value]


def _is_pair(event: AuditEvent, name: str, value: object) -> bool:
    is_paired = event.action.rpartition(".")[2] in PAIRED
    return is_paired and name != "fields" and isinstance(value, list) and len(value) == 2
