"""Reads a stream page by page, and records by their keys."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from connectors.rest.manifest import Item, Listing, Manifest, Many, Pagination, Search, StreamPlan
from connectors.rest.messages import message_of
from connectors.rest.progress import Progress, advance, asked, finish, resume
from connectors.rest.streams import record_of, records_of, told_of
from connectors.rest.template import Path, dig, fill_path, fill_text, key_values, path_of, text_of
from hub.http import HttpClient, PageWalk, Poison, Response, poison_in
from hub.sdk import ConfigError, Cursor, FatalError, Page, Record, RecordError, UnreadableError


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page as the system served it, for `asked` records; it may hold more."""

    asked: int
    items: Sequence[Any]
    response: Response
    body: Any
    is_poisoned: bool = False


@dataclass(slots=True)
class Reader:
    """Reads from one connection."""

    client: HttpClient
    manifest: Manifest
    _walks: dict[str, PageWalk] = field(default_factory=dict)
    _shelf: dict[str, tuple[Progress, Sheet]] = field(default_factory=dict)

    def read(self, plan: StreamPlan, cursor: Cursor | None, limit: int) -> Page:
        """One page of at most `limit` records."""
        listing = _listing(plan)
        here = _sized(listing.pagination, resume(cursor), limit)
        sheet = self._sheet(plan, listing, here, limit)
        first = _first(plan, sheet.items, here.after)
        last = min(first + limit, len(sheet.items))
        where = f"{plan.name} at {listing.path}"
        taken = sheet.items[first:last]
        records, faults = records_of(plan, taken, where, first, is_poisoned=sheet.is_poisoned)
        seen = advance(listing, here, records, sheet.response, sheet.body)
        is_turned = last == len(sheet.items)
        there = _turn(listing, seen, sheet) if is_turned else replace(seen, after=_mark(plan, sheet.items, last))
        if there is None:
            self._shelf.pop(plan.name, None)
            return Page(records, finish(listing, _at_end(listing, seen, sheet)).cursor(), done=True, faults=faults)
        self._walks.setdefault(plan.name, PageWalk()).step(cursor, there.cursor())
        return Page(records, there.cursor(), done=False, faults=faults)

    def fetch(self, plan: StreamPlan, keys: Sequence[str]) -> Iterator[Record]:
        """These records as they are now; missing ones are left out."""
        item = _item(plan)
        if item.many is None or plan.version.header or len(keys) == 1:
            yield from self._fetch_each(plan, item, keys)
            return
        waiting = iter(keys)
        while some := list(islice(waiting, item.many.most)):
            found = {record.key: record for record in self._fetch_many(plan, item.many, some)}
            yield from found.values()
            # Whatever a list leaves out may only have been cut off: absence is believed of one answer alone.
            yield from self._fetch_each(plan, item, [key for key in some if key not in found])

    def find(self, plan: StreamPlan, search: Search, external_id: str) -> Iterator[Record]:
        """The records that carry this reference. Raises FatalError when the API ignored the question."""
        values = {"external_id": external_id}
        params = {name: fill_text(value, values) for name, value in search.params.items()}
        response = self._get(fill_path(search.path, values), params, f"{plan.name}.external_id.search")
        items = _items(response.json(), search.records, f"{plan.name}.external_id.search.records")
        reference = path_of(plan.reference.field if plan.reference else "")
        found = [item for item in items if text_of(dig(item, reference)) == external_id]
        if items and not found and search.exact:
            raise FatalError(
                f"The search for {plan.label} by {'.'.join(reference)} answered with others only, so it cannot be"
                " trusted to find any. Correct external_id.search, or set “exact” to false if it searches loosely."
            )
        yield from (record for item in found if (record := record_of(plan, item)) and not record.deleted)

    def _sheet(self, plan: StreamPlan, listing: Listing, here: Progress, limit: int) -> Sheet:
        """The served page at a position, from the shelf when only a part of it was taken before."""
        place = replace(here, after=None, high=None, began=None, covered=None)
        shelved = self._shelf.pop(plan.name, None)
        if here.after is not None and shelved is not None and shelved[0] == place:
            sheet = shelved[1]
        else:
            sheet = self._ask(plan, listing, here, limit)
            _check_turned(shelved, place, sheet)
        self._shelf[plan.name] = (place, sheet)
        return sheet

    def _ask(self, plan: StreamPlan, listing: Listing, here: Progress, limit: int) -> Sheet:
        pages = listing.pagination
        place, size = f"{plan.name}.list.path", _size(pages, here, limit)
        if pages.kind == "link" and here.at is not None:
            response = self._get(str(here.at), None, place)
        else:
            params = {**listing.params, **asked(listing, here), **_position(pages, here)}
            if pages.size_param:
                params[pages.size_param] = size
            response = self._get(listing.path, params, place)
        body, is_poisoned = response.readable()
        items = _items(body, listing.records, f"{plan.name}.list.records")
        return Sheet(size, items, response, body, is_poisoned)

    def _get(self, target: str, params: dict[str, Any] | None, place: str) -> Response:
        response = self.client.call("GET", target, params=params or {})
        if not response.ok:
            said = message_of(self.manifest, response)
            raise ConfigError(f"{target.partition('?')[0]} answered {response.status}: {said} Correct streams.{place}.")
        return response

    def _fetch_each(self, plan: StreamPlan, item: Item, keys: Sequence[str]) -> Iterator[Record]:
        for key in keys:
            response = self.client.call("GET", fill_path(item.path, key_values(key, plan.key)))
            if response.status in {404, 410}:
                continue
            if not response.ok:
                said = message_of(self.manifest, response)
                raise RecordError(f"{plan.label} {key} answered {response.status}: {said}", code="fetch")
            etag = response.header(plan.version.header) if plan.version.header else None
            body, is_poisoned = response.readable()
            poison = poison_in(body) if is_poisoned else None
            if poison:
                raise RecordError(f"{plan.label} {key}: {told_of(*poison)}", code="fetch")
            record = record_of(plan, dig(body, item.record), etag)
            if record is None:
                raise ConfigError(f"{plan.label} {key} came without its key. Correct streams.{plan.name}.item.record.")
            yield record

    def _fetch_many(self, plan: StreamPlan, many: Many, keys: Sequence[str]) -> Iterable[Record]:
        listing = _listing(plan)
        params = {**listing.params, many.param: many.separator.join(keys)}
        if listing.pagination.size_param:
            params[listing.pagination.size_param] = len(keys)
        response = self._get(listing.path, params, f"{plan.name}.item.many")
        body, is_poisoned = response.readable()
        items = _items(body, listing.records, f"{plan.name}.list.records")
        records, _ = records_of(plan, items, plan.name, is_poisoned=is_poisoned)
        wanted = set(keys)
        return [record for record in records if record.key in wanted]


def _listing(plan: StreamPlan) -> Listing:
    if plan.listing is None:
        raise ConfigError(f"{plan.label} cannot be read: streams.{plan.name}.list is not described in the manifest.")
    return plan.listing


def _item(plan: StreamPlan) -> Item:
    if plan.item is None:
        raise ConfigError(f"{plan.label} cannot be fetched by key: describe streams.{plan.name}.item in the manifest.")
    return plan.item


def _items(body: Any, path: Path, place: str) -> Sequence[Any]:
    found = dig(body, path)
    if isinstance(found, list):
        return found
    if isinstance(found, Poison):
        raise UnreadableError(f"The list of records at {'.'.join(path)} cannot be read: {found.reason}.")
    where = f"at {'.'.join(path)}" if path else "as a whole"
    raise ConfigError(f"The answer {where} is not a list of records. Correct streams.{place}.")


def _keys(plan: StreamPlan, items: Sequence[Any]) -> list[str | None]:
    return [record.key if (record := record_of(plan, item)) else None for item in items]


def _first(plan: StreamPlan, items: Sequence[Any], after: Sequence[Any] | None) -> int:
    """Where on a page to go on behind a mark.

    When the marked record is gone the page is taken from its start: twice is harmless, never is not.
    """
    if after is None:
        return 0
    key, beyond = after
    if key is None:
        return int(beyond)
    keys = _keys(plan, items)
    return keys.index(key) + 1 + int(beyond) if key in keys else 0


def _mark(plan: StreamPlan, items: Sequence[Any], end: int) -> list[Any]:
    """A mark behind item `end`: the last key before it, and how many items without one stand between."""
    keys = _keys(plan, items[:end])
    place = next((number for number in range(end - 1, -1, -1) if keys[number] is not None), -1)
    return [keys[place] if place >= 0 else None, end - place - 1]


def _sized(pages: Pagination, here: Progress, limit: int) -> Progress:
    """Pages that are counted must all be counted in the same size, so the first one settles it."""
    return replace(here, size=min(limit, pages.size_max)) if pages.kind == "page" and here.size is None else here


def _size(pages: Pagination, here: Progress, limit: int) -> int:
    return here.size or max(1, min(limit, pages.size_max))


def _position(pages: Pagination, here: Progress) -> dict[str, Any]:
    """The parameters that ask for this page."""
    if pages.kind in {"page", "offset"}:
        return {pages.param: pages.start if here.at is None else here.at}
    if pages.kind in {"cursor", "keyset"} and here.at is not None:
        return {pages.param: here.at}
    return {}


def _turn(listing: Listing, here: Progress, sheet: Sheet) -> Progress | None:
    """Where the next page is; None when there is none."""
    pages = listing.pagination
    more = pages.more.find(sheet.response, sheet.body) if pages.more else None
    if pages.kind == "none" or (pages.more and (more in {None, False} or str(more).lower() == "false")):
        return None
    if pages.next is not None:
        return _follow(pages, here, sheet)
    if not sheet.items or (pages.stop == "short" and len(sheet.items) < sheet.asked):
        return None
    return _onward(listing, here, sheet)


def _follow(pages: Pagination, here: Progress, sheet: Sheet) -> Progress | None:
    """The next page as the system names it."""
    token = pages.next.find(sheet.response, sheet.body) if pages.next else None
    if not token:
        return None
    at = sheet.response.onward(str(token)) if pages.kind == "link" else token
    return replace(here, at=at, after=None)


def _onward(listing: Listing, here: Progress, sheet: Sheet) -> Progress:
    """The next page by counting, or behind the last record."""
    pages, changes = listing.pagination, listing.incremental
    if pages.kind == "keyset":
        last = _last_value(sheet.items, pages.field)
        if changes and changes.field == pages.field:
            return replace(here, since=last, after=None)
        return replace(here, at=last, after=None)
    at = pages.start if here.at is None else int(here.at)
    if pages.kind == "offset":
        return replace(here, at=at + len(sheet.items), after=None)
    return replace(here, at=at + 1, after=None)


def _at_end(listing: Listing, here: Progress, sheet: Sheet) -> Progress:
    """The progress with the last page counted in, for a sequence."""
    changes = listing.incremental
    if changes is None or changes.field != listing.pagination.field or not sheet.items:
        return here
    return replace(here, since=_last_value(sheet.items, changes.field))


def _last_value(items: Sequence[Any], name: str) -> Any:
    """The value a keyset goes on behind. Raises FatalError when the page is not in its order."""
    values = [dig(item, path_of(name)) for item in items]
    last = values[-1]
    if text_of(last) is None:
        raise FatalError(f"The last record of a page has no {name}, so nobody knows where to go on.")
    if isinstance(last, int) and any(isinstance(value, int) and value > last for value in values):
        raise FatalError(f"A page is not in the order of {name}, so records would be missed. Add its sort parameter.")
    return last


def _check_turned(before: tuple[Progress, Sheet] | None, place: Progress, sheet: Sheet) -> None:
    """Refuse the same page twice under two positions: the system ignores how we ask for the next one."""
    if before is None or before[0] == place or not sheet.items or before[1].items != sheet.items:
        return
    raise FatalError("The system answered the next page with the same records; correct the pagination parameters.")
