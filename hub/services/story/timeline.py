"""What happened to an object, or by and to a person: events and captured rows as one story, the newest first.

Both are paged by their own keys, so the page begins at a place in each: “120-88”.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Model, Q, QuerySet
from django.utils.timezone import localdate

from hub import clock
from hub.models import AuditEvent, CapturedRow, User
from hub.services import access
from hub.services.access import Person
from hub.services.audit.selection import BIG, BY_HAND
from hub.services.story import audit as story
from hub.services.story.difference import Row, beside
from hub.services.story.lens import nothing

SIZE = 40
DAYS, MOST_COUNTED = 28, 2_000
Allowed = Mapping[str, frozenset[str]]
EMPTY: tuple[Any, ...] = (None, "", [], {})
SIDES = ("before", "after")
VERBS = {"insert": "wrote into", "update": "changed in", "delete": "deleted from", "truncate": "emptied"}
# Columns that name a row of another table by its number, and what that table is.
NAMED: dict[str, type[Model]] = {
    "user_id": User, "owner_id": User, "deputy_id": User, "group_id": Group, "permission_id": Permission,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened. `unsaid`: columns that changed and whose values are not for this page."""

    at: datetime
    who: str
    verb: str
    what: str
    why: str
    rows: list[Row]
    row: AuditEvent | CapturedRow
    outcome: str = ""
    unsaid: tuple[str, ...] = ()

    @property
    def is_event(self) -> bool:
        """Whether the hub said so, rather than the database."""
        return isinstance(self.row, AuditEvent)

    @property
    def is_by_hand(self) -> bool:
        """Whether it was written past the hub."""
        return self.who == BY_HAND


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page, and where the older one begins, if there is one."""

    told: list[Told]
    older: str = ""


def may_see(user: Person, row: Model) -> bool:
    """Whether the timeline of a row is for this person: of all for who reads the audit trail, else of their own."""
    if access.can(user, "view", AuditEvent):
        return True
    rule = access.RULES.get(type(row))
    return rule is not None and "view_events" in rule.needs and access.can(user, "view_events", row).allowed


def timeline(row: Model, allowed: Allowed, place: str = "") -> Timeline:
    """One page of what happened to a row; of a person also what they did."""
    before_event, before_row = _place(place)
    events = list(_events(row).filter(pk__lt=before_event).order_by("-pk")[: SIZE + 1])
    captured = list(_captured(row).filter(pk__lt=before_row).order_by("-pk")[: SIZE + 1])
    found = _merged(events, captured)
    shown = found[:SIZE]
    told = tell(shown, allowed)
    if len(found) <= SIZE:
        return Timeline(told)
    return Timeline(told, f"{_least(shown, AuditEvent, before_event)}-{_least(shown, CapturedRow, before_row)}")


def tell(rows: Iterable[AuditEvent | CapturedRow], allowed: Allowed) -> list[Told]:
    """Each in words. Of captured rows only the `allowed` columns of each table are shown."""
    found = list(rows)
    names = _names(found)
    return [_event(one) if isinstance(one, AuditEvent) else _row(one, allowed, names) for one in found]


def days(row: Model) -> list[tuple[date, int]]:
    """How many events there were on each of the last four weeks' days, of the newest two thousand."""
    today = localdate(clock.now())
    since = clock.now() - timedelta(days=DAYS)
    moments = _events(row).order_by("-pk").values_list("at", flat=True)[:MOST_COUNTED]
    counts = Counter(localdate(at) for at in moments if at > since)
    return [(day, counts[day]) for day in (today - timedelta(days=back) for back in reversed(range(DAYS)))]


def _merged(events: list[AuditEvent], captured: list[CapturedRow]) -> list[AuditEvent | CapturedRow]:
    """Both together, the later first; each keeps its own order, so that no page leaves any out."""
    found: list[AuditEvent | CapturedRow] = []
    one, other = deque(events), deque(captured)
    while one and other:
        found.append(one.popleft() if one[0].at >= other[0].at else other.popleft())
    return [*found, *one, *other]


def _events(row: Model) -> QuerySet[AuditEvent]:
    mine = Q(subject=row._meta.model_name, subject_id=row.pk)
    return AuditEvent.objects.filter(mine | Q(actor=row.pk) if isinstance(row, User) else mine)


def _captured(row: Model) -> QuerySet[CapturedRow]:
    mine = Q(table_name=row._meta.db_table, key=str(row.pk))
    if isinstance(row, User):
        joined = Q(table_name="hub_user_groups") & (Q(before__user_id=row.pk) | Q(after__user_id=row.pk))
        mine |= Q(actor_id=row.pk) | joined
    return CapturedRow.objects.filter(mine)


def _place(place: str) -> tuple[int, int]:
    one, _, other = place.partition("-")
    if one.isdecimal() and other.isdecimal() and max(len(one), len(other)) < 20:
        return min(int(one), BIG - 1), min(int(other), BIG - 1)
    return BIG - 1, BIG - 1


def _least(shown: Sequence[Any], kind: type[Model], otherwise: int) -> int:
    return min((one.pk for one in shown if isinstance(one, kind)), default=otherwise)


def _event(event: AuditEvent) -> Told:
    told = story.tell(event)
    return Told(
        event.at, event.actor_name, told.verb, event.subject_name or told.kind, event.reason,
        [row for row in told.rows if row.differs], event, event.outcome,
    )  # fmt: skip


def _row(row: CapturedRow, allowed: Allowed, names: dict[tuple[type[Model], int], str]) -> Told:
    shown = allowed.get(row.table_name, frozenset())
    sides = [_shown(side, shown, names) for side in (row.before, row.after)]
    unsaid = tuple(sorted(name for name in changed(row) if name not in shown))
    if row.operation != "update":
        sides = [{name: value for name, value in side.items() if value not in EMPTY} for side in sides]
    rows = [one for one in beside(*sides, hides=nothing) if one.differs]
    what = f"{row.table_name} {row.key}"
    return Told(row.at, row.actor_name, VERBS.get(row.operation, row.operation), what, "", rows, row, unsaid=unsaid)


def changed(row: CapturedRow) -> list[str]:
    """The columns that are not as they were."""
    before, after = row.before or {}, row.after or {}
    return [name for name in {**before, **after} if before.get(name) != after.get(name) and name != "id"]


def _shown(side: dict[str, Any] | None, shown: frozenset[str], names: dict[tuple[type[Model], int], str]) -> Any:
    if side is None:
        return {}
    return {
        name: names.get((NAMED[name], value), f"number {value}") if name in NAMED and value is not None else value
        for name, value in side.items()
        if name in shown
    }


def _names(found: Iterable[Any]) -> dict[tuple[type[Model], int], str]:
    """The names of rows of other tables that captured rows speak of."""
    wanted: dict[type[Model], set[int]] = {}
    for one in found:
        for side in (one.before or {}, one.after or {}) if isinstance(one, CapturedRow) else ():
            for name in set(side) & set(NAMED):
                if isinstance(side[name], int):
                    wanted.setdefault(NAMED[name], set()).add(side[name])
    return {
        (model, row.pk): getattr(row, "codename", str(row))
        for model, keys in wanted.items()
        for row in model._default_manager.filter(pk__in=list(islice(keys, 500)))
    }
