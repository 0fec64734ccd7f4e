"""What of the evidence is asked for: the filters of the lists and of the exports, each answered by an index."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.timezone import get_current_timezone, is_naive, make_aware

from hub.models import AuditEvent, CapturedRow
from hub.provenance import THE_HUB
from hub.services.audit.action import FORMER, SUBJECTS, family, former

Narrowed = Mapping[str, str]
BY_HAND = "db-direct"
BIG = 2**63
NAMES: dict[str, dict[str, str]] = {
    "event": {
        "actor": "who", "family": "family of actions", "action": "action", "outcome": "outcome", "subject": "kind",
        "object": "number of the object", "run": "run", "request": "request", "since": "from", "until": "until",
    },
    "row": {
        "actor": "who", "table": "table", "key": "number of the row", "operation": "operation", "request": "request",
        "since": "from", "until": "until",
    },
}  # fmt: skip
"""For each kind of evidence the filters there are, in words."""


class SelectionError(ValueError):
    """A filter that cannot be understood; the text says which, and how it should be."""


def clean(kind: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Of what was given, the filters that there are and that say something. Raises SelectionError."""
    found = {name: str(given[name]).strip() for name in NAMES[kind] if str(given.get(name) or "").strip()}
    for name in ("object", "run"):
        if name in found and number(found[name]) is None:
            raise SelectionError(f"“{found[name]}” is no number. The {NAMES[kind][name]} is a whole number.")
    for name in ("since", "until"):
        if name in found:
            found[name] = moment_of(found[name]).isoformat()
    return found


def told(kind: str, narrowed: Narrowed) -> str:
    """The filters in words."""
    said = [f"{NAMES[kind].get(name, name)}: {value}" for name, value in narrowed.items()]
    return ", ".join(said) or "everything"


def selected(kind: str, narrowed: Narrowed) -> QuerySet[Any]:
    """The events or captured rows that match all of these filters."""
    rows: QuerySet[Any] = (AuditEvent if kind == "event" else CapturedRow).objects.all()
    for name, value in narrowed.items():
        if name not in ("since", "until"):
            rows = rows.filter(condition(kind, name, value))
    return within(rows, narrowed)


def condition(kind: str, name: str, value: str) -> Q:
    """What a filter other than those of time means."""
    return _about_events(name, value) if kind == "event" else _about_rows(name, value)


def within(rows: QuerySet[Any], narrowed: Narrowed) -> QuerySet[Any]:
    """Rows of a span of time, also bounded by their keys, so that a list paged by key does not read past it."""
    bounds = {}
    if since := narrowed.get("since"):
        bounds["at__gte"] = moment_of(since)
    if until := narrowed.get("until"):
        bounds["at__lt"] = moment_of(until)
    if not bounds:
        return rows
    low, high = _keys_within(rows.model, bounds)
    return rows.filter(**bounds, pk__gte=low, pk__lte=high)


def moment_of(text: str) -> datetime:
    """A moment as people and browsers write it, in the hub's zone unless it names one. Raises SelectionError."""
    try:
        at = parse_datetime(text if len(text) > 10 else f"{text}T00:00")
    except ValueError:
        at = None
    if at is None:
        raise SelectionError(f"“{text}” is no moment. Write it like 2026-11-30T17:45.")
    return make_aware(at, get_current_timezone()) if is_naive(at) else at


def number(text: str) -> int | None:
    """The whole number, if it is one that a key can be."""
    return int(text) if text.isdecimal() and int(text) < BIG else None


def _about_events(name: str, value: str) -> Q:
    if name == "actor":
        return _by(value)
    if name == "family":
        return Q(action__in=family(value)) | Q(action__in=list(FORMER), subject=value)
    if name == "action":
        before = former(value)
        return Q(action=value) | (Q(action=before[0], subject=before[1]) if before else Q())
    if name == "object":  # the index begins with the kind
        return Q(subject__in=list(SUBJECTS), subject_id=_numbered(value))
    return Q(run_id=_numbered(value)) if name == "run" else Q(**{name: value})


def _about_rows(name: str, value: str) -> Q:
    if name == "actor":
        return Q(actor_name=BY_HAND) if value == BY_HAND else _by(value)
    columns = {"table": "table_name", "key": "key", "operation": "operation", "request": "request"}
    return Q(**{columns[name]: value})


def _by(value: str) -> Q:
    """What a person did, by number; or the hub itself."""
    if value == "hub":
        return Q(actor_id=None, actor_name=THE_HUB)
    return Q(actor_id=_numbered(value))


def _numbered(value: str) -> int:
    """The number; what is none is nobody's."""
    found = number(value)
    return -1 if found is None else found


def _keys_within(model: type[Any], bounds: dict[str, datetime]) -> tuple[int, int]:
    """The lowest and highest key in a span of time, read from the index of moments and keys alone.

    The sum keeps the planner from walking along the keys instead, which may be the whole table.
    """
    conditions = {"at__gte": "at >= %s", "at__lt": "at < %s"}
    where = " and ".join(conditions[name] for name in bounds)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select min(id + 0), max(id + 0) from {model._meta.db_table} where {where}",  # noqa: S608  names of ours
            [connection.ops.adapt_datetimefield_value(at) for at in bounds.values()],
        )
        low, high = cursor.fetchone()
    return (low, high) if low is not None else (0, -1)
