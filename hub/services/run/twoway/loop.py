"""The loop of a two-way run: hints, the pages of the source, those of the destination, what is gone, what is left."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.db import transaction

from hub import clock, failpoint
from hub.models import Checkpoint, Hint, KnownLink, Link, LinkState, SeenPage, SyncRun
from hub.sdk import ConfigError, CursorKind, Fault, Page, Record, Source
from hub.services import hint
from hub.services.run import apply, limits, seen
from hub.services.run.flow import Flow
from hub.services.run.raised import Raised, unreadable
from hub.services.run.twoway import commit, pair
from hub.services.run.twoway.sort import Found, sort

ROUNDS = 3  # how often a record is looked at again within one run
OnPage = Callable[[SyncRun], None]


def go_through(flow: Flow, on_page: OnPage | None, drain: Callable[[Flow], None]) -> None:
    """All of a two-way run; `drain` sends and settles what has come due."""
    _refuse_unfit(flow)
    _follow_older(flow)
    while not flow.run.read_complete and not flow.run.is_hints_only:
        _take_page(flow)
        if on_page:
            flow.run.refresh_from_db()
            on_page(flow.run)
        _follow_due(flow)
        if time.monotonic() >= flow.next_drain:
            drain(flow)
    if not flow.run.is_hints_only:
        _sweep(flow)
    _look_again(flow)


def _refuse_unfit(flow: Flow) -> None:
    """What two-way needs of both ends. Raises ConfigError."""
    for side in ("source", "destination"):
        end = flow.end(side)
        if not isinstance(end.system, Source):
            raise ConfigError(f"“{end.connection}” cannot be read from, so the mapping cannot go both ways.")
        if not end.offers.fetch_by_key:
            raise ConfigError(
                f"“{end.stream}” of “{end.connection}” cannot be read by key, so the mapping cannot go both ways: "
                "make it one-way."
            )
    if flow.compiled.back is None:
        raise ConfigError("The active version has no “back” rules. Add them, or make the mapping one-way.")


# --- pages ------------------------------------------------------------------------------------------------


def _take_page(flow: Flow) -> None:
    """One page of the side that is being read."""
    side = flow.run.reading
    end = flow.end(side)
    if not isinstance(end.system, Source):
        raise ConfigError(f"“{end.connection}” cannot be read from.")
    found = end.system.read(end.stream, flow.run.cursor, flow.mapping.page_size)
    failpoint.reach("page.read")
    limits.refuse_standstill(flow, found)
    sorted_ = _sorted_page(flow, side, found)
    failpoint.reach("page.sorted")
    apply.apply(flow, commit.introduced(flow, sorted_))
    with transaction.atomic():
        flow.lane.hold()
        commit.account(flow, sorted_)
        _position(flow, side, found, sorted_)
        failpoint.reach("page.before_commit")
    failpoint.reach("page.committed")
    if sorted_.raised or flow.failures:
        limits.stop_on_same_failure(flow, sorted_)


def _sorted_page(flow: Flow, side: str, found: Page) -> Found:
    """The records of a page, each once, those aside that are as their version was last acknowledged."""
    records = {record.key: record for record in found.records}
    links = _links(flow, side, [*records, *(fault.key for fault in found.faults if fault.key)])
    same = [key for key, record in records.items() if _is_known(side, record, links.get(key))]
    rest = [record for key, record in records.items() if key not in set(same)]
    paired = (pair.of_source if side == "source" else pair.of_destination)(flow, rest, links)
    sorted_ = sort(flow, paired)
    sorted_.unchanged += len(same)
    sorted_.excluded += len(found.records) - len(records)
    sorted_.raised += [_unreadable(side, fault, links) for fault in found.faults]
    sorted_.seen = [link.id for link in links.values()]
    return sorted_


def _links(flow: Flow, side: str, keys: Sequence[str]) -> dict[str, KnownLink]:
    """What is known of the records of a page, by their keys on that side."""
    if side == "source":
        return Link.objects.for_page(flow.mapping.pk, keys)
    return Link.objects.by_destination(flow.mapping.pk, keys)


def _is_known(side: str, record: Record, link: KnownLink | None) -> bool:
    """Whether this is the very version that was last acknowledged: an echo, or a record read again."""
    if link is None or link.state != LinkState.LINKED or record.deleted or record.version is None:
        return False
    return record.version == (link.source_version if side == "source" else link.destination_version)


def _unreadable(side: str, fault: Fault, links: dict[str, KnownLink]) -> Raised:
    link = links.get(fault.key or "")
    return unreadable(fault, link.source_key if link and side == "destination" else fault.key)


def _position(flow: Flow, side: str, found: Page, sorted_: Found) -> None:
    """Cursor, page number, seen links and checkpoints, together with what the page brought. The source comes first."""
    run, now = flow.run, clock.now()
    reads_everything = _reads_everything(flow, "source") or _reads_everything(flow, "destination")
    if reads_everything and all(fault.key for fault in found.faults):
        SeenPage.objects.create(run=run, number=run.pages, side=side, links=seen.packed(sorted_.seen))
    checkpoint = Checkpoint.objects.filter(mapping=flow.mapping).first()
    run.cursor, run.pages = found.cursor, run.pages + 1
    if found.done and side == "source":
        run.reading = "destination"
        run.cursor = None if run.is_full or checkpoint is None else checkpoint.destination_cursor
    elif found.done:
        run.read_complete = True
    run.save(update_fields=["cursor", "pages", "reading", "read_complete"])
    if not run.is_preview and (found.done or not run.is_full):
        _keep(flow, side, found, now)


def _keep(flow: Flow, side: str, found: Page, now: datetime) -> None:
    """The checkpoint of one side; both have been read to their ends when the destination has."""
    name = "cursor" if side == "source" else "destination_cursor"
    is_complete = found.done and side == "destination" and commit.is_current(flow)
    Checkpoint.objects.update_or_create(
        mapping=flow.mapping,
        defaults={name: found.cursor, "updated_at": now, **({"complete_at": now} if is_complete else {})},
        create_defaults={"cursor": None, name: found.cursor, "updated_at": now},
    )


def _reads_everything(flow: Flow, side: str) -> bool:
    return flow.run.is_full or flow.end(side).offers.cursor is CursorKind.NONE


# --- records by key ---------------------------------------------------------------------------------------


def _take_keys(flow: Flow, keys: Collection[str], hints: Sequence[Hint] = ()) -> None:
    """Read these on both sides and treat them as a page."""
    paired = pair.of_keys(flow, keys)
    failpoint.reach("hints.read")
    sorted_ = sort(flow, paired)
    sorted_.followed = [one for one in hints if one.source_key not in paired.broken]
    sorted_.unread = [one for one in hints if one.source_key in paired.broken]
    apply.apply(flow, commit.introduced(flow, sorted_))
    with transaction.atomic():
        flow.lane.hold()
        commit.account(flow, sorted_)
        failpoint.reach("hints.before_commit")
    failpoint.reach("hints.committed")


def _follow_older(flow: Flow) -> None:
    """Look at what something pointed at before this run, and at what is due."""
    run = flow.run
    if run.is_preview:
        return
    if not run.hints_done and not run.is_hints_only:
        for some in hint.each_older(run.mapping_id, run.queued_at, flow.mapping.page_size):
            _take_keys(flow, [one.source_key for one in some], some)
    run.hints_done = True
    run.save(update_fields=["hints_done"])
    failpoint.reach("hints.done")
    _follow_due(flow)


def _follow_due(flow: Flow) -> None:
    """Look at what is due; asked for once a second."""
    if flow.run.is_preview or (time.monotonic() < flow.look_for_hints and not flow.run.is_hints_only):
        return
    flow.look_for_hints = time.monotonic() + 1
    while some := hint.due(flow.run.mapping_id, clock.now(), flow.mapping.page_size):
        _take_keys(flow, [one.source_key for one in some], some)


def _look_again(flow: Flow) -> None:
    """Take another look at records that need a second write, or that somebody edited meanwhile. Not for ever."""
    for _ in range(ROUNDS):
        keys = sorted(flow.again)
        flow.again.clear()
        if not keys or flow.run.is_preview:
            return
        for start in range(0, len(keys), flow.mapping.page_size):
            some = keys[start : start + flow.mapping.page_size]
            _take_keys(flow, some, list(Hint.objects.filter(mapping=flow.mapping, source_key__in=some)))


# --- what is gone -----------------------------------------------------------------------------------------


def _sweep(flow: Flow) -> None:
    """Records that a complete read of a side did not contain: looked for on both, then decided like any other."""
    found = [sort(flow, pair.of_keys(flow, keys)) for side in ("source", "destination") for keys in _absent(flow, side)]
    failpoint.reach("removal.found")
    flow.removals += sum(limits.is_removal(one) for sorted_ in found for one in sorted_.planned)
    for sorted_ in found:
        flow.removals -= sum(limits.is_removal(one) for one in sorted_.planned)  # counted again when written
        apply.apply(flow, commit.introduced(flow, sorted_))
        with transaction.atomic():
            flow.lane.hold()
            commit.account(flow, sorted_)
            failpoint.reach("removal.before_commit")
        failpoint.reach("removal.committed")
    SeenPage.objects.filter(run=flow.run).delete()


def _absent(flow: Flow, side: str) -> Iterator[list[str]]:
    """Keys of linked records that a complete read of this side did not contain, some hundred at a time."""
    run = flow.run
    pages = SeenPage.objects.filter(run=run)
    if not _reads_everything(flow, side) or pages.count() != run.pages or not (run.is_full or seen.has_brought(run)):
        return
    here = seen.among(flow.mapping.pk, pages.filter(side=side))
    unseen = here.unseen(flow.mapping.pk)
    while chunk := list(islice(unseen, flow.mapping.page_size)):
        yield list(Link.objects.filter(pk__in=chunk).order_by("pk").values_list("source_key", flat=True))
