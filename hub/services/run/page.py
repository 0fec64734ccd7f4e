"""Sorts one page of records: what agrees, what is left out, what must be written, and what a person must see."""

from collections.abc import Sequence
from dataclasses import replace

from hub.engine import canonical, plan
from hub.engine.intent import UNRESOLVED
from hub.engine.mapping import Excluded, Mapped, Rejected
from hub.models import (
    DeletePolicy,
    ExceptionState,
    KnownLink,
    Link,
    LinkImage,
    LinkState,
    ReconciliationException,
    Semantics,
)
from hub.sdk import Fault, Fields, Record
from hub.services.hint import UNSETTLED
from hub.services.run import counted, edited, fact, kept, named, raised, rebase, reference, transition
from hub.services.run.flow import Flow
from hub.services.run.piles import UNLINKED, OpenChanges, Sorted, Surroundings
from hub.services.run.waiting import open_changes, open_now


def sort(flow: Flow, records: Sequence[Record], faults: Sequence[Fault] = (), *, by_hint: bool = False) -> Sorted:
    """Decide for every record of a page. Reads the database, writes nothing.

    A page comes again after a crash; a record that was pointed at once more comes `by_hint`, and counts once more.
    """
    found = Sorted()
    newest, *later = _rounds(flow, records, found)
    keys = [*newest, *(fault.key for fault in faults if fault.key)]
    waiting = open_changes(flow, keys)
    links = Link.objects.for_page(flow.mapping.pk, keys)
    if transition.is_kept(flow):  # a person may just have let go on what a record is stuck at
        waiting |= open_now(flow, keys)
    if flow.run.keys:  # to replay a record is to try again what was refused
        links = {key: kept.refused_no_more(link) for key, link in links.items()}
    found.seen = [link.id for link in links.values()]
    transition.begin(flow, waiting, found)
    kept.take_faults(flow, faults, links, found)
    told = None if by_hint else transition.told(flow, links)
    fresh = _to_sort(flow, newest, told, found)
    settled = links if found.kept is None else transition.not_stuck(links)
    rest = _without_unchanged(flow, fresh, settled, (found, waiting))
    for some in (rest, *(list(_to_sort(flow, steps, told, found).values()) for steps in later)):
        if some:
            _sort_rest(flow, some, links, (found, waiting))
    return found


def _to_sort(flow: Flow, records: dict[str, Record], told: dict[str, str] | None, found: Sorted) -> dict[str, Record]:
    """Those that are not accounted for yet; `told` is None for records that count once more."""
    return records if told is None else transition.untold(counted.not_yet(flow, records), told, found)


def _rounds(flow: Flow, records: Sequence[Record], found: Sorted) -> list[dict[str, Record]]:
    """The page as one record for each key; where every step counts, followed by their further steps."""
    return transition.rounds(records) if transition.is_kept(flow) else [_newest_of_each(records, found)]


def _newest_of_each(records: Sequence[Record], found: Sorted) -> dict[str, Record]:
    """The last occurrence of each key; an earlier one in the same page is superseded by it."""
    by_key = {record.key: record for record in records}
    found.excluded += len(records) - len(by_key)
    return by_key


def _without_unchanged(
    flow: Flow, records: dict[str, Record], links: dict[str, KnownLink], into: tuple[Sorted, OpenChanges]
) -> list[Record]:
    """The records that differ from what was last acknowledged. This loop is the hub's hot path."""
    found, waiting = into
    rest: list[Record] = []
    digest, salt, agreed = canonical.raw_digest, flow.salt, found.agreed
    for key, record in records.items():
        link = links.get(key)
        if (
            link is not None
            and link.state == "linked"
            and not record.deleted
            and link.source_digest == digest(record.data, salt)
            and key not in waiting
        ):
            agreed.append(key)
        else:
            rest.append(record)
    found.unchanged += len(agreed)
    return rest


def _sort_rest(
    flow: Flow, records: list[Record], links: dict[str, KnownLink], into: tuple[Sorted, OpenChanges]
) -> None:
    found, waiting = into
    mapped = [(record, None if record.deleted else flow.compiled.map_record(record)) for record in records]
    if fact.is_appended(flow):
        mapped, links, waiting = named.facts(flow, mapped, links, into)
    known = _surroundings(flow, mapped, links, waiting)
    for record, result in mapped:
        link = links.get(record.key)
        if kept.is_behind(record.key, link, found):
            kept.queue(flow, record, link, found)
        elif isinstance(result, Mapped):
            _sort_mapped(flow, record, result, link, (known, found))
        elif isinstance(result, Rejected):
            kept.set_aside(flow, record, raised.rejected(record, result), link, found)
        else:
            _sort_removed(flow, record, link, (known, found))


def _surroundings(
    flow: Flow,
    mapped: Sequence[tuple[Record, Mapped | Excluded | Rejected | None]],
    links: dict[str, KnownLink],
    waiting: OpenChanges,
) -> Surroundings:
    """Images, open changes, open refusals and references of these records."""
    keys = [record.key for record, _ in mapped]
    link_ids = [links[key].id for key in keys if key in links]
    images = LinkImage.objects.filter(link_id__in=link_ids).values_list("link_id", "sent") if link_ids else ()
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
        open_changes=waiting,
        open_refusals=frozenset(refusals),
        references=reference.resolve(flow, wanted),
        frozen=edited.left_alone(flow, keys),
    )


def _sort_mapped(
    flow: Flow, record: Record, mapped: Mapped, link: KnownLink | None, into: tuple[Surroundings, Sorted]
) -> None:
    known, found = into
    missing = [name for name, pair in mapped.references.items() if pair not in known.references]
    if missing:
        asked = replace(record, key=found.origins.get(record.key, record.key))
        kept.set_aside(flow, record, raised.unlinked(asked, mapped, missing), link, found)
        if not transition.is_kept(flow):
            found.hints[asked.key] = UNLINKED
        return
    keys = {name: known.references[pair] for name, pair in mapped.references.items()}
    image: Fields = canonical.to_json({**mapped.image, **keys})
    if flow.compiled.withheld:
        image = {name: value for name, value in image.items() if name not in flow.compiled.withheld}
    if link is not None and link.state == LinkState.GONE and flow.mapping.delete_policy == DeletePolicy.ARCHIVE:
        image = plan.restored(image, flow.mapping.archive_fields)
    if link is not None and record.key in known.frozen:
        image = edited.frozen(image, known.images.get(link.id), known.frozen[record.key])
    wanted = plan.Wanted(
        source_key=record.key,
        image=image,
        digest=canonical.digest(image),
        source_digest=canonical.raw_digest(record.data, flow.salt),
        source_version=record.version,
    )
    SORTED_BY[Semantics(flow.mapping.semantics)](wanted, link, known, found)


def _sort_wanted(wanted: plan.Wanted, link: KnownLink | None, known: Surroundings, found: Sorted) -> None:
    key = wanted.source_key
    if link is not None and wanted.digest == link.refused_digest and key in known.open_refusals:
        found.still_refused.append(key)
        return
    if link is not None and wanted.digest == link.refused_digest and wanted.source_digest == link.source_digest:
        found.excluded += 1  # a person has skipped it
        return
    acknowledged = known.images.get(link.id) if link and link.state != LinkState.PENDING else None
    planned = plan.plan_write(wanted, rebase.known(link), acknowledged)
    is_same = (
        link is not None and link.state == LinkState.LINKED and (link.digest == wanted.digest or not planned.fields)
    )
    if link is not None and is_same:
        if not _clears_way(key, known, found):
            return
        found.unchanged += 1
        found.agreed.append(key)
        if key not in known.open_changes:
            found.touched.append((link.id, wanted.source_digest, wanted.source_version, wanted.digest))
        return
    _queue(planned, known, found)


def _queue(planned: plan.Planned, known: Surroundings, found: Sorted) -> None:
    """Plan a write, unless an earlier one of the same record is unresolved; one not yet sent gives way."""
    if _clears_way(planned.source_key, known, found):
        found.planned.append(planned)


def _clears_way(key: str, known: Surroundings, found: Sorted) -> bool:
    """Whether this state of a record may take effect: a change not yet sent gives way, an unresolved one does not."""
    waiting = known.open_changes.get(key)
    if waiting and waiting[1] in UNRESOLVED:
        found.held += 1
        found.hints[key] = UNSETTLED
        return False
    if waiting:
        found.superseded[key] = waiting[0]
    return True


def _sort_removed(flow: Flow, record: Record, link: KnownLink | None, into: tuple[Surroundings, Sorted]) -> None:
    """A record that is gone at the source, or that the filter leaves out now."""
    known, found = into
    key, policy = record.key, flow.mapping.delete_policy
    last = found.steps.get(key)
    is_linked = link is not None and (link.state == LinkState.LINKED or bool(link.step))
    is_there = last.image is not None if last else is_linked
    if is_there and _may_remove(flow):
        archive = flow.mapping.archive_fields if policy == DeletePolicy.ARCHIVE else None
        digest = "" if record.deleted else canonical.raw_digest(record.data, flow.salt)
        acknowledged = known.images.get(link.id) if link else None
        planned = plan.plan_removal(key, rebase.known(link), acknowledged, archive, digest)
        if transition.is_kept(flow):
            transition.remove(replace(planned, source_version=record.version), link, found)
        else:
            _queue(planned, known, found)
    elif not transition.is_kept(flow) and not _clears_way(key, known, found):
        return
    elif link is not None and is_linked and policy != DeletePolicy.IGNORE and not fact.is_appended(flow):
        found.raised.append(raised.deletion(flow.mapping, key, link.destination_key))
    else:
        found.excluded += 1
        found.agreed.append(key)
        if link is not None and is_linked and not fact.is_appended(flow):
            found.forgotten.append(link.id)


def _may_remove(flow: Flow) -> bool:
    """Whether a removal at the source is written at the destination."""
    policy = flow.mapping.delete_policy
    if fact.is_appended(flow):
        return False
    return policy == DeletePolicy.ARCHIVE or (policy == DeletePolicy.DELETE and flow.offers.delete is not None)


def at_turn(flow: Flow, records: Sequence[Record]) -> Sorted:
    """Sort kept steps whose turn has come, one of each record, upon what is acknowledged by now."""
    found = Sorted()
    links = Link.objects.for_page(flow.mapping.pk, [record.key for record in records])
    if records:
        _sort_rest(flow, list(records), links, (found, {}))
    return found


def removals(flow: Flow, keys: Sequence[str]) -> Sorted:
    """Sort records that a complete read did not contain, as if each had been reported deleted."""
    found = Sorted()
    gone = counted.not_yet(flow, {key: Record(key, {}, deleted=True) for key in keys})
    waiting = open_changes(flow, gone)
    links = Link.objects.for_page(flow.mapping.pk, list(gone))
    transition.begin(flow, waiting, found)
    if gone:
        _sort_rest(flow, list(gone.values()), links, (found, waiting))
    return found


SORTED_BY = {Semantics.STATE: _sort_wanted, Semantics.TRANSITION: transition.take, Semantics.FACT: fact.take}
