"""Sorts one page of records: what agrees, what is left out, what must be written, and what a person must see."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.engine import canonical, plan
from hub.engine.intent import OPEN, UNRESOLVED
from hub.engine.mapping import Excluded, Mapped, Rejected
from hub.models import (
    Change,
    DeletePolicy,
    ExceptionKind,
    ExceptionState,
    KnownLink,
    Link,
    LinkImage,
    LinkState,
    ReconciliationException,
)
from hub.sdk import Fault, Fields, Record
from hub.services.run import reference
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised

KINDS = {"unmapped_value": ExceptionKind.UNMAPPED_VALUE}


@dataclass(slots=True)
class Sorted:
    """A page, sorted. Every record of it is in exactly one of the counted piles."""

    unchanged: int = 0
    excluded: int = 0
    held: int = 0
    raised: list[Raised] = field(default_factory=list)
    still_refused: list[str] = field(default_factory=list)
    planned: list[plan.Planned] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    touched: list[tuple[int, str, str | None, str]] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)
    hints: dict[str, str] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list)

    @property
    def excepted(self) -> int:
        """Records that ended with a person."""
        return len(self.raised) + len(self.still_refused)

    @property
    def settled(self) -> int:
        """Records of this page that are accounted for without a write."""
        return self.unchanged + self.excluded + self.held + self.excepted


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the hub knows about the records of one page, read in one statement each."""

    images: dict[int, Fields]
    open_changes: dict[str, tuple[int, str]]
    open_refusals: frozenset[str]
    references: dict[tuple[str, str], str]


def sort(flow: Flow, records: Sequence[Record], faults: Sequence[Fault] = ()) -> Sorted:
    """Decide for every record of a page. Reads the database, writes nothing."""
    found = Sorted()
    for fault in faults:
        reason = f"{fault.where}: {fault.message}"
        found.raised.append(Raised(ExceptionKind.UNREADABLE, fault.key or fault.where, reason, code="unreadable"))
    newest = _newest_of_each(records, found)
    links = Link.objects.for_page(flow.mapping.pk, [*newest, *(fault.key for fault in faults if fault.key)])
    found.seen = [link.id for link in links.values()]
    fresh = _not_counted_yet(flow, newest)
    rest = _without_unchanged(flow, fresh, links, found)
    if rest:
        _sort_rest(flow, rest, links, found)
    return found


def _newest_of_each(records: Sequence[Record], found: Sorted) -> dict[str, Record]:
    """The last occurrence of each key; an earlier one in the same page is superseded by it."""
    by_key = {record.key: record for record in records}
    found.excluded += len(records) - len(by_key)
    return by_key


def _not_counted_yet(flow: Flow, records: dict[str, Record]) -> dict[str, Record]:
    """After a crash a page comes again: leave out what this run has already made changes for."""
    if not flow.is_resumed or not records:
        return records
    counted = Change.objects.filter(run=flow.run, source_key__in=list(records)).values_list("source_key", flat=True)
    done = set(counted)
    return {key: record for key, record in records.items() if key not in done}


def _without_unchanged(
    flow: Flow, records: dict[str, Record], links: dict[str, KnownLink], found: Sorted
) -> list[Record]:
    """The records that differ from what was last acknowledged. This loop is the hub's hot path."""
    rest: list[Record] = []
    digest, salt, agreed = canonical.raw_digest, flow.salt, found.agreed
    for key, record in records.items():
        link = links.get(key)
        if (
            link is not None
            and link.state == "linked"
            and not record.deleted
            and link.source_digest == digest(record.data, salt)
        ):
            agreed.append(key)
        else:
            rest.append(record)
    found.unchanged += len(agreed)
    return rest


def _sort_rest(flow: Flow, records: list[Record], links: dict[str, KnownLink], found: Sorted) -> None:
    mapped = [(record, None if record.deleted else flow.compiled.map_record(record)) for record in records]
    known = _surroundings(flow, mapped, links)
    for record, result in mapped:
        link = links.get(record.key)
        if isinstance(result, Mapped):
            _sort_mapped(flow, record, result, link, (known, found))
        elif isinstance(result, Rejected):
            found.raised.append(_rejected(record, result))
        else:
            _sort_removed(flow, record.key, link, (known, found))


def _surroundings(
    flow: Flow, mapped: Sequence[tuple[Record, Mapped | Excluded | Rejected | None]], links: dict[str, KnownLink]
) -> Surroundings:
    """Images, open changes, open refusals and references of these records."""
    keys = [record.key for record, _ in mapped]
    link_ids = [links[key].id for key in keys if key in links]
    images = LinkImage.objects.filter(link_id__in=link_ids).values_list("link_id", "sent") if link_ids else ()
    waiting = Change.objects.filter(mapping=flow.mapping, source_key__in=keys, state__in=sorted(OPEN))
    refused = [key for key in keys if key in links and links[key].refused_digest]
    refusals = (
        ReconciliationException.objects.filter(
            mapping=flow.mapping, state=ExceptionState.OPEN, source_key__in=refused
        ).values_list("source_key", flat=True)
        if refused
        else ()
    )
    wanted = {pair for _, result in mapped if isinstance(result, Mapped) for pair in result.references.values()}
    return Surroundings(
        images=dict(images),
        open_changes={key: (id_, state) for id_, key, state in waiting.values_list("id", "source_key", "state")},
        open_refusals=frozenset(refusals),
        references=reference.resolve(flow, wanted),
    )


def _sort_mapped(
    flow: Flow, record: Record, mapped: Mapped, link: KnownLink | None, into: tuple[Surroundings, Sorted]
) -> None:
    known, found = into
    missing = [name for name, pair in mapped.references.items() if pair not in known.references]
    if missing:
        found.raised.append(_unlinked(record, mapped, missing))
        found.hints[record.key] = "its reference was not linked yet"
        return
    keys = {name: known.references[pair] for name, pair in mapped.references.items()}
    image: Fields = canonical.to_json({**mapped.image, **keys})
    if link is not None and link.state == LinkState.GONE and flow.mapping.delete_policy == DeletePolicy.ARCHIVE:
        image = plan.restored(image, flow.mapping.archive_fields)
    wanted = plan.Wanted(
        source_key=record.key,
        image=image,
        digest=canonical.digest(image),
        source_digest=canonical.raw_digest(record.data, flow.salt),
        source_version=record.version,
    )
    _sort_wanted(wanted, link, known, found)


def _sort_wanted(wanted: plan.Wanted, link: KnownLink | None, known: Surroundings, found: Sorted) -> None:
    key = wanted.source_key
    if link is not None and wanted.digest == link.refused_digest and key in known.open_refusals:
        found.still_refused.append(key)
        return
    acknowledged = known.images.get(link.id) if link and link.state != LinkState.PENDING else None
    planned = plan.plan_write(wanted, _known(link), acknowledged)
    is_same = (
        link is not None and link.state == LinkState.LINKED and (link.digest == wanted.digest or not planned.fields)
    )
    if link is not None and is_same:
        found.unchanged += 1
        found.agreed.append(key)
        found.touched.append((link.id, wanted.source_digest, wanted.source_version, wanted.digest))
        return
    _queue(planned, known, found)


def _queue(planned: plan.Planned, known: Surroundings, found: Sorted) -> None:
    """Plan a write, unless an earlier one of the same record is unresolved; one not yet sent gives way."""
    waiting = known.open_changes.get(planned.source_key)
    if waiting and waiting[1] in UNRESOLVED:
        found.held += 1
        found.hints[planned.source_key] = "an earlier change was not settled"
        return
    if waiting:
        found.superseded.append(waiting[0])
    found.planned.append(planned)


def _sort_removed(flow: Flow, key: str, link: KnownLink | None, into: tuple[Surroundings, Sorted]) -> None:
    """A record that is gone at the source, or that the filter leaves out now."""
    known, found = into
    policy = flow.mapping.delete_policy
    if link is None or link.state != LinkState.LINKED:
        found.excluded += 1
        found.agreed.append(key)
    elif policy == DeletePolicy.IGNORE:
        found.excluded += 1
        found.agreed.append(key)
        found.forgotten.append(link.id)
    elif policy == DeletePolicy.EXCEPTION or (policy == DeletePolicy.DELETE and flow.offers.delete is None):
        found.raised.append(Raised(ExceptionKind.DELETION, key, _deletion_reason(flow, link), code="deletion"))
    else:
        archive = flow.mapping.archive_fields if policy == DeletePolicy.ARCHIVE else None
        _queue(plan.plan_removal(key, _known(link), known.images.get(link.id), archive), known, found)


def removals(flow: Flow, keys: Sequence[str]) -> Sorted:
    """Sort records that a complete read did not contain, as if each had been reported deleted."""
    found = Sorted()
    gone = _not_counted_yet(flow, {key: Record(key, {}, deleted=True) for key in keys})
    links = Link.objects.for_page(flow.mapping.pk, list(gone))
    if gone:
        _sort_rest(flow, list(gone.values()), links, found)
    return found


def _known(link: KnownLink | None) -> plan.Known:
    if link is None:
        return plan.Known()
    return plan.Known(
        link_id=link.id,
        destination_key=link.destination_key,
        destination_version=link.destination_version,
        is_linked=link.state == LinkState.LINKED,
        is_gone=link.state == LinkState.GONE,
        ack_seq=link.ack_seq,
    )


def _rejected(record: Record, result: Rejected) -> Raised:
    """One exception for a record the mapping cannot take, telling all its problems."""
    first = result.problems[0]
    return Raised(
        kind=KINDS.get(first.kind, ExceptionKind.INVALID),
        source_key=record.key,
        reason="\n".join(problem.message for problem in result.problems),
        field=first.field,
        code=first.kind,
        evidence={"source": canonical.to_json(record.data)},
    )


def _unlinked(record: Record, mapped: Mapped, missing: list[str]) -> Raised:
    told = "; ".join(
        f"{name} refers to {mapped.references[name][1]} of “{mapped.references[name][0]}”" for name in missing
    )
    return Raised(
        ExceptionKind.REFERENCE,
        record.key,
        f"{told}, which is not linked yet. It is tried again in the next run.",
        field=missing[0],
        code="reference",
        evidence={"source": canonical.to_json(record.data)},
    )


def _deletion_reason(flow: Flow, link: KnownLink) -> str:
    return (
        f"The record is gone at “{flow.mapping.source}”, or the mapping leaves it out now. "
        f"At “{flow.mapping.destination}” it is still there as "
        f"{link.destination_key}. Decide what becomes of it."
    )
