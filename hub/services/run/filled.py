"""Kept steps whose turn has come: mapped with the version active now, and sent; or refused, and a person is told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q, QuerySet

from hub import clock, failpoint
from hub.engine import plan, verbatim
from hub.engine.intent import State
from hub.engine.mapping import compile_mapping
from hub.models import (
    Change,
    ExceptionKind,
    ExceptionState,
    Link,
    MappingVersion,
    ReconciliationException,
    SyncRun,
    VersionState,
    bulk,
)
from hub.sdk import ConfigError, Record
from hub.services.run import books, commit, kept, limits, page, pick, promise, raised, rebase, transition
from hub.services.run.flow import Flow
from hub.services.run.piles import Sorted
from hub.services.run.raised import Raised

AT_ONCE = 500
CONCLUDED = {
    **rebase.FITTED,
    "version_id": "bigint",
    "state": "text",
    "code": "text",
    "message": "text",
    "ended_at": "timestamptz",
    "kept": "text",
    "digest": "text",
    "source_version": "text",
    "is_archive": "bool",
}
CURABLE = (ExceptionKind.UNMAPPED_VALUE, ExceptionKind.INVALID, ExceptionKind.REFERENCE)
NEEDLESS = "An earlier change of the record had brought it there already."
LEFT_OUT = "The mapping leaves it out, or the record was not at the destination."
ASKED = "The record is gone at the source; a person is asked what becomes of it."


@dataclass(frozen=True, slots=True)
class Turn:
    """Kept steps as they come out under one mapping version: what is to be written, and what a person must see."""

    version: MappingVersion | None
    sorted: Sorted
    planned: dict[str, plan.Planned]
    raised: dict[str, Raised]

    def is_refused(self, key: str) -> bool:
        """Whether the step of this record still cannot be mapped."""
        return key in self.raised and self.raised[key].kind != ExceptionKind.DELETION


def fill(flow: Flow, changes: Sequence[Change]) -> list[Change]:
    """Those of these that can be sent: of the kept ones among them, those that can be mapped now, as ordinary ones."""
    asked = [change for change in changes if change.kept is not None]
    if not asked:
        return list(changes)
    turn = _look(flow, [verbatim.read(change.kept or "") for change in asked])
    with transaction.atomic():
        flow.lane.hold()
        _lock(asked)
        present = pick.untouched(asked)
        for change in present:
            _conclude(flow, turn, change)
        bulk.update("hub_change", columns=CONCLUDED, rows=[_row(change) for change in present])
        _tell(flow, turn, [change for change in present if change.state == State.REJECTED])
        _settle([change for change in present if change.state != State.REJECTED])
        turn.sorted.raised = [one for one in turn.sorted.raised if one.kind == ExceptionKind.DELETION]
        commit.bring(flow, turn.sorted, clock.now())
        failpoint.reach("fill.before_commit")
    failpoint.reach("fill.committed")
    flow.has_open = True
    return [one for one in changes if one not in asked or (one in present and one.state == State.READY)]


def again(flow: Flow) -> None:
    """Let kept steps that could not be mapped go on if they can be mapped now, before anything newer is read."""
    if flow.run.is_preview or not transition.is_kept(flow) or not flow.has_exceptions:
        return
    last = 0
    while heads := _refused(flow, last):
        last = heads[-1].pk
        turn = _look(flow, [verbatim.read(head.kept or "") for head in heads])
        able = [head for head in heads if not turn.is_refused(head.source_key)]
        if able:
            _let_go(flow, able)


def _refused(flow: Flow, after: int) -> list[Change]:
    """Kept steps that could not be mapped and may come out otherwise now: by a new version, or a new link."""
    asked = ReconciliationException.objects.filter(
        mapping=flow.mapping, state=ExceptionState.OPEN, change_id__isnull=False
    )
    curable = asked.filter(kind__in=CURABLE).values("change_id")
    unlinked = asked.filter(kind=ExceptionKind.REFERENCE).values("change_id")
    heads = Change.objects.filter(pk__in=curable, pk__gt=after, state=State.REJECTED, kept__isnull=False)
    return list(heads.filter(~Q(version=_version(flow)) | Q(pk__in=unlinked)).order_by("id")[:AT_ONCE])


def _lock(changes: Sequence[Change]) -> None:
    """Hold the links of these, as a person's decision does before it looks at a change."""
    ids = [one.link_id for one in changes if one.link_id]
    list(Link.objects.select_for_update().filter(pk__in=ids).order_by("id").values_list("id"))


def _let_go(flow: Flow, heads: Sequence[Change]) -> None:
    with transaction.atomic():
        flow.lane.hold()
        _lock(heads)
        for head in Change.objects.select_for_update().filter(pk__in=[one.pk for one in heads], state=State.REJECTED):
            release(head, "It can be mapped now.")
        failpoint.reach("again.before_commit")
    failpoint.reach("again.committed")
    flow.has_open = True


def release(head: Change, message: str) -> list[int]:
    """Let a kept step that was refused have its turn again; returns the runs of what waited behind it."""
    head.state, head.ended_at, head.due_at, head.code = State.READY.value, None, None, ""
    head.message = message[:2000]
    head.save(update_fields=["state", "ended_at", "due_at", "code", "message"])
    books.add(head.run_id, excepted=-1, in_flight=1)
    Link.objects.filter(pk=head.link_id or 0).update(refused_digest="", updated_at=clock.now())
    return transition.free(head)


def _version(flow: Flow) -> MappingVersion | None:
    return MappingVersion.objects.filter(mapping=flow.mapping, state=VersionState.ACTIVE).first() or flow.run.version


def _look(flow: Flow, records: Sequence[Record]) -> Turn:
    """How these steps come out now, each upon what its record is by now."""
    version = _version(flow)
    if version is not None and version.pk != flow.run.version_id:
        compiled = compile_mapping(version.body)
        flow = replace(flow, compiled=compiled, salt=compiled.digest.encode())
    readable = [record for record in records if not kept.reason_unread(record)]
    found = page.at_turn(flow, readable)
    for planned in list(found.planned):
        try:
            promise.refuse_unoffered(flow.mapping, flow.offers, [planned])
        except ConfigError as error:
            found.planned.remove(planned)
            found.raised.append(Raised(ExceptionKind.INVALID, planned.source_key, str(error), code="unoffered"))
    found.raised += [raised.unread(record.key, why) for record in records if (why := kept.reason_unread(record))]
    return Turn(
        version,
        found,
        {planned.source_key: planned for planned in found.planned},
        {one.source_key: one for one in found.raised},
    )


def _conclude(flow: Flow, turn: Turn, change: Change) -> None:
    """Decide what becomes of one kept step; all of them are then written with one statement."""
    key = change.source_key
    if turn.is_refused(key):
        _refuse(turn, change)
    elif key in turn.planned:
        _fill_in(flow, turn, change)
    elif key in turn.raised:
        _end(change, State.CANCELLED, ASKED, "excepted")
    elif change.link_id in {id_ for id_, *_ in turn.sorted.touched}:
        _end(change, State.SUPERSEDED, NEEDLESS, "unchanged")
    else:
        _end(change, State.SUPERSEDED, LEFT_OUT, "excluded")


def _refuse(turn: Turn, change: Change) -> None:
    """It cannot be mapped: a person must see it, and what is behind it is held."""
    change.state, change.code, change.ended_at = State.REJECTED.value, books.UNMAPPED, clock.now()
    change.message, change.version = turn.raised[change.source_key].reason[:2000], turn.version
    Link.objects.filter(pk=change.link_id or 0).update(refused_digest=change.digest, updated_at=clock.now())
    books.add(change.run_id, in_flight=-1, excepted=1)


def _fill_in(flow: Flow, turn: Turn, change: Change) -> None:
    """It is an ordinary change from now on, in its old place; a removal too many waits for approval."""
    planned = turn.planned[change.source_key]
    rebase.fit(change, planned)
    change.digest, change.source_version, change.is_archive = planned.digest, planned.source_version, planned.is_archive
    change.kept, change.code, change.message, change.version = None, "", "", turn.version
    _, waiting, reason = limits.part_removals(flow, [planned])
    if waiting:
        change.state, change.code, change.message = State.HELD.value, "guard", reason
        books.add(change.run_id, in_flight=-1, held=1)


def _end(change: Change, state: State, message: str, became: str) -> None:
    """There is nothing to send of it."""
    change.state, change.ended_at, change.message = state.value, clock.now(), message
    books.add(change.run_id, **{"in_flight": -1, became: 1})


def _row(change: Change) -> tuple[object, ...]:
    """What became of a kept step, as the columns CONCLUDED take it."""
    return (
        *rebase.row(change),
        change.version_id,
        change.state,
        change.code,
        change.message,
        change.ended_at,
        change.kept,
        change.digest,
        change.source_version,
        change.is_archive,
    )


def _tell(flow: Flow, turn: Turn, refused: Sequence[Change]) -> None:
    """Open an exception for each step that cannot be mapped, or say in the open one that it still cannot."""
    now, known = clock.now(), _open(refused)
    tried = set(known.values_list("change_id", flat=True))
    runs = SyncRun.objects.select_related("integration", "mapping").in_bulk({change.run_id for change in refused})
    for change in refused:
        one = turn.raised[change.source_key]
        still = f"\nTried again with {turn.version}: it still cannot be mapped." if change.pk in tried else ""
        one = replace(one, reason=one.reason + still, change_id=change.pk)
        fingerprint = one.fingerprint(change.mapping_id)
        known.filter(change_id=change.pk).exclude(fingerprint=fingerprint).update(
            state=ExceptionState.RESOLVED, resolved_at=now, resolution="It cannot be mapped for another reason now."
        )
        raised.raise_all(run=runs[change.run_id], raised=[one], now=now)
        flow.failures[(one.kind, one.code, one.field)] += 1
    flow.has_exceptions = flow.has_exceptions or bool(refused)


def _settle(changes: Collection[Change]) -> None:
    """Close the exceptions of steps that could be mapped after all."""
    _open(changes).update(
        state=ExceptionState.RESOLVED, resolved_at=clock.now(), resolution="It could be mapped, and had its turn."
    )


def _open(changes: Collection[Change]) -> QuerySet[ReconciliationException]:
    return ReconciliationException.objects.filter(
        mapping_id__in={change.mapping_id for change in changes},
        source_key__in=[change.source_key for change in changes],
        change_id__in=[change.pk for change in changes],
        state=ExceptionState.OPEN,
    )
