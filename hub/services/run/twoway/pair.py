"""Puts the records of both sides together: what was read on one side, and its counterpart as it is now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub.models import KnownLink, Link, LinkState, destination_key_of, provisional
from hub.sdk import Record, RecordError
from hub.services.run.flow import Flow


@dataclass(frozen=True, slots=True)
class Pair:
    """One record on both sides; None where it is not there. `key` is the link's: the source's, or a provisional one."""

    key: str
    link: KnownLink | None
    source: Record | None
    destination: Record | None

    def record(self, side: str) -> Record | None:
        """The record at one side."""
        return self.source if side == "source" else self.destination


@dataclass(frozen=True, slots=True)
class Paired:
    """The pairs of a page. `broken` are keys of which one side cannot be read now."""

    pairs: list[Pair]
    broken: frozenset[str] = frozenset()


def of_source(flow: Flow, records: Collection[Record], links: Mapping[str, KnownLink]) -> Paired:
    """Records read at the source with their counterparts."""
    here, broken = _confirmed(flow, "source", records, links)
    there, lost = fetched(flow, "destination", _destination_keys(links.values()))
    return _paired([(key, links.get(key)) for key in here], here, there, broken | _keys_of(lost, links.values()))


def of_destination(flow: Flow, records: Collection[Record], links: Mapping[str, KnownLink]) -> Paired:
    """Records read at the destination with their counterparts; `links` are by the destination's key."""
    there, broken = _confirmed(flow, "destination", records, links)
    known = [link for key, link in links.items() if key in there]
    here, lost = fetched(flow, "source", [link.source_key for link in known if not destination_key_of(link.source_key)])
    named = [(links[key].source_key if key in links else provisional(key), links.get(key)) for key in there]
    unread = {links[key].source_key if key in links else provisional(key) for key in broken}
    new = {provisional(key): record for key, record in there.items() if key not in links}
    return _paired(named, here, {**there, **new}, frozenset(unread | lost))


def of_keys(flow: Flow, keys: Collection[str]) -> Paired:
    """Records by the keys of their links, read afresh on both sides. A provisional key names a destination's record."""
    links = Link.objects.for_page(flow.mapping.pk, list(keys))
    strays = {key: name for key in keys if key not in links and (name := destination_key_of(key))}
    by_there = Link.objects.by_destination(flow.mapping.pk, list(strays.values())) if strays else {}
    links |= {link.source_key: link for link in by_there.values()}
    lone = {key: name for key, name in strays.items() if name not in by_there}
    named = dict.fromkeys([*(key for key in keys if key not in strays), *(by.source_key for by in by_there.values())])
    here, lost_here = fetched(flow, "source", [key for key in named if not destination_key_of(key)])
    there, lost_there = fetched(flow, "destination", [*_destination_keys(links.values()), *lone.values()])
    there |= {key: there[name] for key, name in lone.items() if name in there}
    unread = lost_here | _keys_of(lost_there, links.values()) | {k for k, name in lone.items() if name in lost_there}
    # A link may have been named by its destination's record.
    unread |= {key for key, name in strays.items() if name in by_there and by_there[name].source_key in unread}
    return _paired([(key, links.get(key)) for key in [*named, *lone]], here, there, frozenset(unread))


def fetched(flow: Flow, side: str, keys: Iterable[str]) -> tuple[dict[str, Record], frozenset[str]]:
    """(records of one side by key, keys that cannot be read now); what is deleted is left out."""
    wanted = list(dict.fromkeys(keys))
    end = flow.end(side)
    if not wanted:
        return {}, frozenset()
    try:
        found = list(end.system.fetch(end.stream, wanted))
    except RecordError:
        return _one_by_one(flow, side, wanted)
    return {record.key: record for record in found if not record.deleted}, frozenset()


def _one_by_one(flow: Flow, side: str, keys: Sequence[str]) -> tuple[dict[str, Record], frozenset[str]]:
    """A broken record does not hide the others."""
    end = flow.end(side)
    found: dict[str, Record] = {}
    broken: set[str] = set()
    for key in keys:
        try:
            found |= {record.key: record for record in end.system.fetch(end.stream, [key]) if not record.deleted}
        except RecordError:
            broken.add(key)
    return found, frozenset(broken)


def _confirmed(
    flow: Flow, side: str, records: Collection[Record], links: Mapping[str, KnownLink]
) -> tuple[dict[str, Record | None], frozenset[str]]:
    """Records by key; one told to be deleted, or deleted before, is looked for: the news may be old."""
    buried = {key for key, link in links.items() if link.state == LinkState.DELETED}
    doubted = {record.key for record in records if record.deleted or record.key in buried}
    found, broken = fetched(flow, side, doubted)
    here = {record.key: found.get(record.key) if record.key in doubted else record for record in records}
    return {key: record for key, record in here.items() if key not in broken}, broken


def _destination_keys(links: Iterable[KnownLink]) -> list[str]:
    return [link.destination_key for link in links if link.destination_key]


def _keys_of(lost: Collection[str], links: Iterable[KnownLink]) -> frozenset[str]:
    return frozenset(link.source_key for link in links if link.destination_key in lost)


def _paired(
    named: Sequence[tuple[str, KnownLink | None]],
    here: Mapping[str, Record | None],
    there: Mapping[str, Record | None],
    broken: frozenset[str],
) -> Paired:
    """Each key with what both sides have: the destination by the link's key, or by the provisional one."""
    pairs = [
        Pair(key, link, here.get(key), there.get((link.destination_key if link else None) or key))
        for key, link in named
        if key not in broken
    ]
    return Paired(pairs, broken)
