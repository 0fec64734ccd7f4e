"""Steps that cannot be mapped when they are read: kept as read, in their place in the queue of their record.

Such a step is mapped when its turn comes (see `filled`). Behind it every later step of the record is kept too, so that
each is planned upon what the one before it has brought about. None is left out, and none overtakes another.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from hub import failpoint
from hub.engine import canonical, plan, verbatim
from hub.engine.intent import State
from hub.models import Change, KnownLink, Link, LinkState
from hub.sdk import Fault, Operation, Record
from hub.services.run import books, counted, raised, rows, write
from hub.services.run.flow import Flow
from hub.services.run.piles import Kept, Sorted

MARK = "unmapped:"  # begins the digest of a kept step, and with it what a link says its record is stuck at
UNREADABLE = "\0unreadable"  # the one field of a step of which only the key could be read


def is_mark(digest: str) -> bool:
    """Whether this digest, also as one that was refused, is that of a kept step."""
    return digest.startswith(MARK)


def refused_no_more(link: KnownLink) -> KnownLink:
    """As if nothing of this record had been refused by the destination; a kept step keeps its place all the same."""
    return link if is_mark(link.refused_digest) else link._replace(refused_digest="")


def is_behind(key: str, link: KnownLink | None, found: Sorted) -> bool:
    """Whether a step of this record would come behind a kept one, and so must be kept itself."""
    if found.kept is None:
        return False
    last = found.steps.get(key)
    return is_mark(last.digest) if last else link is not None and is_mark(link.refused_digest)


def set_aside(flow: Flow, record: Record, why: raised.Raised, link: KnownLink | None, found: Sorted) -> None:
    """A record that cannot be mapped: a person must see it; where every step counts, it is kept in its place first."""
    if found.kept is None:
        found.raised.append(why)
    else:
        queue(flow, record, link, found)


def take_faults(flow: Flow, faults: Sequence[Fault], links: dict[str, KnownLink], found: Sorted) -> None:
    """What could not be read: a step of a known record has its place before those that came with it.

    To replay a record is no step of it.
    """
    for fault in faults:
        if fault.key is None or found.kept is None or flow.run.keys:
            found.raised.append(raised.unreadable(fault, fault.key))
        elif counted.not_yet(flow, {fault.key: (step := unread(fault))}):
            queue(flow, step, links.get(fault.key), found)


def unread(fault: Fault) -> Record:
    """What stands for a step that could not be read."""
    return Record(fault.key or "", {UNREADABLE: f"{fault.where}: {fault.message}"})


def is_unread(change: Change) -> bool:
    """Whether nothing but the key of this step could be read: no mapping will ever take it."""
    return change.kept is not None and bool(reason_unread(verbatim.read(change.kept)))


def reason_unread(record: Record) -> str:
    """Why it could not be read; empty when it could."""
    return str(record.data.get(UNREADABLE, ""))


def queue(flow: Flow, record: Record, link: KnownLink | None, found: Sorted) -> None:
    """Keep a step at the end of its record's queue, unless it says what the last one there says."""
    digest, last = _digest(record), found.steps.get(record.key)
    if last is None and link is not None and link.refused_digest == digest:
        found.still_refused.append(record.key)
    elif last is not None and last.digest == digest:
        found.unchanged += 1
    elif found.kept is not None:
        found.kept.append(Kept(_planned(flow, record, link, digest), verbatim.written(record)))
        found.steps[record.key] = plan.Step({}, digest, 0)


def store(flow: Flow, steps: Sequence[Kept]) -> list[Change]:
    """Commit kept steps, ready to be mapped when their turn comes."""
    if not steps:
        return []
    with transaction.atomic():
        flow.lane.hold()
        changes = write.made(flow, _linked(flow, [step.planned for step in steps]), State.READY)
        for step, change in zip(steps, changes, strict=True):
            change.kept = step.text
        rows.insert(changes)
        flow.newest = changes[-1].pk
        books.add(flow.run.pk, received=len(changes), in_flight=len(changes))
        failpoint.reach("keep.before_commit")
    failpoint.reach("keep.committed")
    flow.has_open = True
    return changes


def _linked(flow: Flow, planned: Sequence[plan.Planned]) -> list[plan.Planned]:
    """These with the links that an earlier step of the same page has made: another lane may be at work on them."""
    links = Link.objects.for_page(flow.mapping.pk, [one.source_key for one in planned if one.link_id is None])
    return [replace(one, link_id=links[one.source_key].id) if one.source_key in links else one for one in planned]


def _digest(record: Record) -> str:
    """Of what a step says, whatever mapping version is in use."""
    told = "unreadable" if reason_unread(record) else f"{record.deleted}{canonical.raw_digest(record.data)}"
    return MARK + hashlib.blake2b(told.encode(), digest_size=11).hexdigest()


def _planned(flow: Flow, record: Record, link: KnownLink | None, digest: str) -> plan.Planned:
    """A place in the queue: what has to be sent is found out when its turn comes."""
    is_there = link is not None and link.state == LinkState.LINKED
    operation = Operation.UPDATE if is_there else Operation.CREATE
    return plan.Planned(
        source_key=record.key,
        operation=Operation.DELETE if record.deleted else operation,
        image={},
        fields={},
        before=None,
        digest=digest,
        source_digest="" if record.deleted else canonical.raw_digest(record.data, flow.salt),
        source_version=record.version,
        link_id=link.id if link else None,
        destination_key=link.destination_key if link else None,
        precondition=None,
        ack_seq=link.ack_seq if link else 0,
        waits=True,
    )
