"""Pauses of everything, of a connection or of an integration: who, when, why, what waits, and what a resume will do.

A pause stops new writes in every worker within five seconds (R-06): it is asked for in the transaction that commits
changes as about to be sent, and between the portions of a long page. It never interrupts a request that has left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, Max, Min, Q, QuerySet

from hub import clock, queue
from hub.engine.intent import State
from hub.models import (
    LIVE,
    Change,
    Connection,
    Integration,
    Lane,
    MainSwitch,
    Mapping,
    MissedPolicy,
    Recovery,
    Slot,
    SlotState,
    SyncRun,
    User,
)
from hub.sdk import HubError
from hub.services import audit
from hub.services.history import save_as

Pausable = MainSwitch | Connection | Integration
FIELDS = ("is_paused", "pauses_reads", "paused_reason", "paused_by", "paused_at")
TO_SEND = (State.READY, State.RETRY_WAIT, State.AUTH_HELD)
COUNTED = 100_000
PATHS = ("integration", "source", "destination")


class StandstillError(HubError):
    """Something that is needed is paused; the text says what, by whom, since when and why."""

    code = "paused"


def main_switch() -> MainSwitch:
    """The switch for everything, made at its first use."""
    return MainSwitch.objects.select_related("paused_by").get_or_create(pk=1)[0]


# --- asking -------------------------------------------------------------------------------------------------


def is_paused(mapping_id: int, *, reading: bool = False) -> bool:
    """Whether nothing new may be written for this mapping; with `reading`, whether nothing may even be read."""
    return Mapping.objects.filter(_stopped(reading=reading), pk=mapping_id).exists()


def stops(*, reading: bool) -> ExpressionWrapper[Q]:
    """The same as a column of a question about mappings."""
    return ExpressionWrapper(_stopped(reading=reading), output_field=BooleanField())


def refuse(mapping: Mapping, *, reading: bool = False) -> None:
    """Raise StandstillError when this mapping may not write, or with `reading` not even read."""
    if is_paused(mapping.pk, reading=reading):
        raise StandstillError(reason_for(mapping) or "Paused.")


def reason_for(mapping: Mapping) -> str:
    """Every pause that stops this mapping, as sentences; an empty text when there is none."""
    return " ".join(filter(None, [recovering(), *(sentence(row) for row in standing_in_the_way(mapping))]))


def standing_in_the_way(mapping: Mapping) -> list[Pausable]:
    """What is paused of all that this mapping needs, the widest first."""
    connections = Connection.objects.filter(pk__in={mapping.source_id, mapping.destination_id}, is_paused=True)
    return [
        *MainSwitch.objects.filter(is_paused=True).select_related("paused_by"),
        *connections.select_related("paused_by"),
        *Integration.objects.filter(pk=mapping.integration_id, is_paused=True).select_related("paused_by"),
    ]


def sentence(row: Pausable) -> str:
    """Who paused it, when and why: “ERP is paused since 25 Nov, 08:12 UTC by olga: month-end close.”"""
    since = f" since {row.paused_at:%-d %b, %H:%M} UTC" if row.paused_at else ""
    by = f" by {row.paused_by}" if row.paused_by else ""
    reason = (row.paused_reason or "no reason given").rstrip(".")
    return f"{_name(row)} is paused{since}{by}: {reason}."


def stands_still() -> bool:
    """Whether everything is stopped, by a person or by recovery mode: one query."""
    switches = MainSwitch.objects.filter(is_paused=True).order_by().values("pk")
    return switches.union(Recovery.objects.filter(is_open=True).order_by().values("pk")).exists()


def recovering() -> str:
    """That the hub is in recovery mode, since when and why; an empty text when it is not."""
    found = Recovery.objects.filter(is_open=True).first()
    if found is None:
        return ""
    since = f"{found.started_at:%-d %b, %H:%M} UTC"
    return f"Recovery mode since {since}: nothing is sent until a named person leaves it. {found.why}"


def stopped_mappings() -> QuerySet[Mapping]:
    """The mappings for which nothing new may be written."""
    return Mapping.objects.filter(_stopped(reading=False)).order_by()


def _stopped(*, reading: bool) -> Q:
    found = Q(Exists(MainSwitch.objects.filter(_on("", reading=reading))))
    if not reading:
        found |= Q(Exists(Recovery.objects.filter(is_open=True)))
    for path in PATHS:
        found |= _on(f"{path}__", reading=reading)
    return found


def _on(path: str, *, reading: bool) -> Q:
    wanted = {f"{path}is_paused": True}
    return Q(**(wanted | {f"{path}pauses_reads": True} if reading else wanted))


def _name(row: Pausable) -> str:
    return "Everything" if isinstance(row, MainSwitch) else f"“{row}”"


# --- pausing and resuming -----------------------------------------------------------------------------------


@transaction.atomic
def pause(*, row: Pausable, by: User | None, reason: str, reads_too: bool = False) -> None:
    """Stop new writes (and with `reads_too` reading as well) until it is resumed. Runs on their way wait."""
    row.is_paused, row.pauses_reads, row.paused_reason = True, reads_too, reason[:300]
    row.paused_by, row.paused_at = by, clock.now()
    _save(row, by, f"paused: {reason}")
    audit.record(
        actor=by, action=f"{row._meta.model_name}.pause", subject=row, detail={"reads too": reads_too}, reason=reason
    )


@transaction.atomic
def resume(*, row: Pausable, by: User | None, reason: str = "") -> "Forecast":
    """Let it go on, and ring for all that waited. Returns what was said to happen."""
    foreseen = forecast(row)
    detail = {"was paused for": row.paused_reason, "changes": foreseen.changes, "runs": foreseen.runs}
    row.is_paused, row.pauses_reads, row.paused_reason = False, False, ""
    row.paused_by, row.paused_at = None, None
    _save(row, by, "resumed")
    audit.record(actor=by, action=f"{row._meta.model_name}.resume", subject=row, detail=detail, reason=reason)
    going = Mapping.objects.filter(_scope(row)).exclude(pk__in=stopped_mappings())
    for lane_id in Lane.objects.filter(mapping__in=going.order_by()).values_list("pk", flat=True):
        queue.ring(lane_id)
    return foreseen


def _save(row: Pausable, by: User | None, why: str) -> None:
    if isinstance(row, MainSwitch):
        row.save(update_fields=FIELDS)
    else:
        save_as(row, by=by, reason=why, fields=FIELDS)


def _scope(row: Pausable) -> Q:
    """The mappings that a pause of `row` stops."""
    if isinstance(row, Integration):
        return Q(integration=row)
    return Q(source=row) | Q(destination=row) if isinstance(row, Connection) else Q()


# --- what a resume will do ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a resume sets going. `still_paused`: mappings that something else holds back all the same."""

    changes: int
    runs: int
    slots: int
    made_up: int
    oldest: datetime | None
    still_paused: int

    def told(self) -> str:
        """What will happen, in sentences."""
        parts = [_counted(self.changes, "waiting change", "will be sent")]
        if self.runs:
            parts.append(_counted(self.runs, "run", "will go on where it stands", "will go on where they stand"))
        if self.slots:
            runs = _counted(self.made_up, "run", "makes up for that", "make up for that")
            passed = _counted(self.slots, "time", "of the schedule was missed", "of schedules were missed")
            parts.append(f"{passed}: {runs if self.made_up else 'left out, being too late'}")
        if self.oldest:
            parts.append(f"the oldest has waited since {self.oldest:%-d %b, %H:%M} UTC")
        told = "; ".join(parts) if self.changes or self.runs or self.slots else "Nothing waits: no change, no run"
        held = _counted(self.still_paused, "mapping", "stays paused by something else", "stay paused by something else")
        return f"{told}. {held}." if self.still_paused else f"{told}."


def forecast(row: Pausable) -> Forecast:
    """What resuming `row` will set going, counted now."""
    scope = Mapping.objects.filter(_scope(row)).order_by()
    others = _stopped_otherwise(row)
    going = scope.exclude(others) if others else scope
    waiting = Change.objects.filter(mapping__in=going, state__in=TO_SEND).order_by()
    live = SyncRun.objects.filter(mapping__in=going, state__in=LIVE)
    since = [live.aggregate(at=Min("queued_at"))["at"], waiting.aggregate(at=Min("run__queued_at"))["at"]]
    passed = _passed(going)
    return Forecast(
        changes=waiting[:COUNTED].count(),
        runs=live.count(),
        slots=sum(count for count, _ in passed),
        made_up=sum(runs for _, runs in passed),
        oldest=min((at for at in since if at), default=None),
        still_paused=scope.filter(others).count() if others else 0,
    )


def _passed(mappings: QuerySet[Mapping]) -> list[tuple[int, int]]:
    """(slots that wait, runs that will make up for them) of each integration that has any."""
    now = clock.now()
    waits = Q(state=SlotState.WAITING)
    found = Slot.objects.filter(waits, integration__mappings__in=mappings).order_by().values("integration").annotate(
        slots=Count("pk", distinct=True), newest=Max("at")
    ).values_list("slots", "newest", "integration__missed_slots", "integration__grace_minutes")  # fmt: skip
    passed = []
    for slots, newest, policy, grace in found:
        is_late = policy == MissedPolicy.SKIP and newest < now - timedelta(minutes=grace)
        passed.append((slots, 0 if is_late else slots if policy == MissedPolicy.ALL else 1))
    return passed


def _stopped_otherwise(row: Pausable) -> Q | None:
    """The condition that something other than `row` stops a mapping; None when only `row` could."""
    found = Q(pk__in=[])
    if recovering():
        return Q(pk__isnull=False)
    if not isinstance(row, MainSwitch) and MainSwitch.objects.filter(is_paused=True).exists():
        return Q(pk__isnull=False)
    if not isinstance(row, Integration):
        found |= Q(integration__is_paused=True)
    for path in ("source", "destination"):
        held = Q(**{f"{path}__is_paused": True})
        found |= held & ~Q(**{path: row}) if isinstance(row, Connection) else held
    return found


def _counted(count: int, noun: str, one: str, many: str = "") -> str:
    """“1 run will go on”, “3 runs will go on”; a count at its limit says so."""
    shown = f"{count:,}{'+' if count >= COUNTED else ''}"
    return f"{shown} {noun} {one}" if count == 1 else f"{shown} {noun}s {many or one}"


def everything_paused() -> Sequence[Pausable]:
    """All that is paused now, the widest first, for the page of pauses."""
    rows = (MainSwitch.objects, Connection.objects, Integration.objects)
    return [row for found in rows for row in found.filter(is_paused=True).select_related("paused_by")]
