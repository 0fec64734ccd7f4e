"""TRANSITION: every step of a record is a change of its own, behind the steps before it, and none is left out.

A refused step, or one that met a conflict, holds the record's later steps (HELD) until a person releases or skips it.
So does one that cannot be mapped: it is kept as it was read (`kept`), and mapped when its turn comes (`filled`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.db.models import OuterRef, Subquery

from hub import clock, failpoint
from hub.engine import plan
from hub.engine.intent import State
from hub.models import Change, KnownLink, Link, LinkState, RunState, Semantics
from hub.sdk import Operation, Record
from hub.services.run import books, rebase
from hub.services.run.flow import Flow
from hub.services.run.pick import TO_SEND
from hub.services.run.piles import OpenChanges, Sorted, Surroundings

WAITS = "Waits behind an earlier step of this record that was refused, met a conflict or cannot be mapped."
REMOVED = "removed"  # the digest of a step that removes the record


def is_kept(flow: Flow) -> bool:
    """Whether this mapping keeps every step."""
    return flow.mapping.semantics == Semantics.TRANSITION


def rounds(records: Sequence[Record]) -> list[dict[str, Record]]:
    """The first step of each record of a page, then the second of those that have one, and so on."""
    found: list[dict[str, Record]] = []
    seen: Counter[str] = Counter()
    for record in records:
        number = seen[record.key]
        seen[record.key] += 1
        if number == len(found):
            found.append({})
        found[number][record.key] = record
    return found or [{}]


def begin(flow: Flow, waiting: OpenChanges, found: Sorted) -> None:
    """Where every step counts, note where the queue of each record ends; a preview keeps nothing in it."""
    if is_kept(flow):
        found.steps = queued(waiting)
        found.kept = None if flow.run.is_preview else []


def told(flow: Flow, links: dict[str, KnownLink]) -> dict[str, str]:
    """The version of the last step that was told of each of these records, for a read that tells steps again.

    Empty where versions do not say which step came first. What was withdrawn with its cancelled run was not told.
    """
    if not (is_kept(flow) and flow.reads_everything and flow.source_offers.versions_rise and links):
        return {}
    steps = Change.objects.filter(
        mapping_id=OuterRef("mapping_id"), source_key=OuterRef("source_key"), source_version__isnull=False
    )
    steps = steps.exclude(state=State.PLANNED).exclude(state=State.CANCELLED, run__state=RunState.CANCELLED)
    last = Subquery(steps.order_by("-id").values("source_version")[:1])
    found = Link.objects.filter(pk__in=[link.id for link in links.values()]).annotate(last=last)
    versions = found.values_list("source_key", "source_version", "last")
    return {key: _later(acknowledged, queued) for key, acknowledged, queued in versions if acknowledged or queued}


def untold(steps: dict[str, Record], last: dict[str, str], found: Sorted) -> dict[str, Record]:
    """These without steps of the past, which count as unchanged: nobody is driven through them again."""
    if not last:
        return steps
    new = {key: step for key, step in steps.items() if not plan.is_past(step.version, last.get(key))}
    found.unchanged += len(steps) - len(new)
    return new


def _later(acknowledged: str | None, queued: str | None) -> str:
    return (queued if plan.is_past(acknowledged, queued) else acknowledged) or queued or ""


def not_stuck(links: dict[str, KnownLink]) -> dict[str, KnownLink]:
    """Those of records that are where they were last acknowledged, with nothing refused since."""
    return {key: link for key, link in links.items() if not link.refused_digest}


def queued(waiting: OpenChanges) -> dict[str, plan.Step]:
    """The last open step of each of these records: the next one starts from it."""
    changes = Change.objects.filter(pk__in=[id_ for id_, _ in waiting.values()]) if waiting else ()
    return {change.source_key: _step(rebase.planned(change)) for change in changes}


def take(wanted: plan.Wanted, link: KnownLink | None, known: Surroundings, found: Sorted) -> None:
    """One step of a record: nothing when it is where the record stands, otherwise a change at the end of its queue."""
    last = found.steps.get(wanted.source_key)
    acknowledged = known.images.get(link.id) if link and link.state != LinkState.PENDING else None
    if last is None:
        planned = plan.plan_write(wanted, rebase.known(link), acknowledged)
        if _is_there(wanted, link, planned, found):
            return
        if link is not None and wanted.digest == link.refused_digest and wanted.source_key in known.open_refusals:
            found.still_refused.append(wanted.source_key)
            return
    elif last.digest == wanted.digest:
        found.unchanged += 1
        return
    else:
        planned = plan.step_behind(wanted, rebase.known(link), last)
    _queue(planned, link, found)


def remove(planned: plan.Planned, link: KnownLink | None, found: Sorted) -> None:
    """The step that removes a record."""
    last = found.steps.get(planned.source_key)
    if last is not None:
        planned = replace(planned, before=last.image, ack_seq=last.ack_seq + 1, precondition=None, waits=True)
    _queue(replace(planned, digest=REMOVED), link, found)


def hold_behind(flow: Flow) -> None:
    """Hold the steps behind those that a person must see; the pick leaves them alone meanwhile."""
    if not is_kept(flow):
        return
    stuck = Change.objects.filter(mapping=flow.mapping, state__in=TO_SEND, link__refused_digest__gt="")
    if not stuck.exists():
        return
    with transaction.atomic():
        flow.lane.hold()
        rows = dict(stuck.order_by("id").select_for_update(of=("self",)).values_list("id", "run_id"))
        Change.objects.filter(pk__in=rows).update(state=State.HELD.value, due_at=None, code=books.BEHIND, message=WAITS)
        for run_id, number in sorted(Counter(rows.values()).items()):
            books.add(run_id, in_flight=-number, held=number)
        books.reopen(set(rows.values()), clock.now())
        failpoint.reach("behind.before_commit")
    failpoint.reach("behind.committed")


def free(head: Change) -> list[int]:
    """Let what waits behind a settled step go on; returns the run of each."""
    behind = Change.objects.filter(
        mapping_id=head.mapping_id, source_key=head.source_key, pk__gt=head.pk, state=State.HELD, code=books.BEHIND
    )
    # Locked first: another one may hold, free or withdraw some of them at the same moment, and counts them then.
    rows = dict(behind.order_by("id").select_for_update().values_list("id", "run_id"))
    Change.objects.filter(pk__in=rows).update(state=State.READY.value, code="", message="")
    for run_id, number in sorted(Counter(rows.values()).items()):
        books.add(run_id, held=-number, in_flight=number)
    return sorted(rows.values())


def _is_there(wanted: plan.Wanted, link: KnownLink | None, planned: plan.Planned, found: Sorted) -> bool:
    """Whether the record stands where this step leads."""
    if link is None or link.refused_digest:  # then it stands before a step that may still be taken
        return False
    if link.state != LinkState.LINKED or not (link.digest == wanted.digest or not planned.fields):
        return False
    found.unchanged += 1
    found.agreed.append(wanted.source_key)
    found.touched.append((link.id, wanted.source_digest, wanted.source_version, wanted.digest))
    return True


def _queue(planned: plan.Planned, link: KnownLink | None, found: Sorted) -> None:
    """Behind a step that a person must see it is held; otherwise it is sent when its turn comes."""
    is_stuck = link is not None and bool(link.refused_digest)
    (found.stuck if is_stuck else found.planned).append(planned)
    found.steps[planned.source_key] = _step(planned)


def _step(planned: plan.Planned) -> plan.Step:
    is_removal = planned.is_archive or planned.operation is Operation.DELETE
    return plan.Step(None if is_removal else planned.image, planned.digest, planned.ack_seq)
