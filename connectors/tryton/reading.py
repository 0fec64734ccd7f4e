"""Reads records in the order of their ids, all of them or those changed since, and finds them again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.tryton.client import Client, Reply
from connectors.tryton.directory import EVERYTHING, Directory
from connectors.tryton.schema import Schema
from connectors.tryton.values import mark_time, plain
from hub.sdk import Cursor, Page, Record

_BY_ID = [["id", "ASC"]]
_FETCHED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one stream. `overlap` is how long before its commit a transaction of Tryton may have begun."""

    client: Client
    schema: Schema
    directory: Directory
    overlap: timedelta

    def page(self, cursor: Cursor | None, limit: int) -> Page:
        """One page of a read.

        The cursor holds `since` (changed at or after; empty means everything), `after` (the last id of this
        read), `start` (Tryton's clock when this read began) and `seen` (the latest change met). Ids never
        change, so no edit can move a record past the reader, as it could if pages were ordered by time.
        """
        here = {"since": "", "after": 0, "start": "", "seen": "", **(cursor or {})}
        reply = self._search([*self.schema.plan.domain, *_domain(here)], limit)
        rows = reply.result
        start = here["start"] or (reply.at.isoformat() if reply.at else "")
        seen = max([here["seen"], *(_changed(row) for row in rows)])
        records = self._records(rows)
        if len(rows) < limit:
            since = self._watermark(start, seen) or here["since"]
            return Page(records=records, cursor={"since": since}, done=True)
        onward = {"since": here["since"], "after": rows[-1]["id"], "start": start, "seen": seen}
        return Page(records=records, cursor=onward, done=False)

    def fetch(self, keys: Sequence[str]) -> Iterator[Record]:
        """These records as they are now, archived ones too; missing ones are left out."""
        numbers = sorted({int(key) for key in keys if key.isascii() and key.isdecimal()})
        for start in range(0, len(numbers), _FETCHED_AT_ONCE):
            # A read by id is refused as a whole when one record is missing; a search leaves it out.
            part = numbers[start : start + _FETCHED_AT_ONCE]
            yield from self._records(self._search([["id", "in", part]], len(part)).result)

    def find(self, external_ids: Sequence[str]) -> Iterator[tuple[str, Record]]:
        """Records by the reference stored in or behind them; Tryton trims it, so that is compared trimmed."""
        plan = self.schema.plan
        name = plan.external_id or plan.found_by
        wanted = {reference.strip(): reference for reference in external_ids if reference.strip()}
        texts = sorted(wanted)
        for start in range(0, len(texts) if name else 0, _FETCHED_AT_ONCE):
            having = [name, "in", texts[start : start + _FETCHED_AT_ONCE]]
            rows = self._search([*plan.domain, having], None, name).result
            for row, record in zip(rows, self._records(rows), strict=True):
                reference = _behind(row, name)
                if reference in wanted:
                    yield wanted[reference], record

    def _search(self, domain: list[Any], limit: int | None, *also: str) -> Reply:
        method = f"model.{self.schema.plan.model}.search_read"
        columns = list(dict.fromkeys([*self.schema.columns, *also]))
        return self.client.call(method, domain, 0, limit, _BY_ID, columns, context=EVERYTHING)

    def _records(self, rows: Iterable[Mapping[str, Any]]) -> list[Record]:
        rows = list(rows)
        for name, look in self.schema.linked.items():
            self.directory.learn_texts(look, {row[name] for row in rows if row[name] is not None})
        return [self.schema.record(row, self.directory) for row in rows]

    def _watermark(self, start: str, seen: str) -> str:
        """Where the next incremental read starts; empty when nothing was met.

        Times are those of a transaction's begin, so one that was open when this read began may still show
        changes up to `overlap` old. The latest change met bounds it too, whatever the web server's clock says.
        """
        if not seen or not start:
            return seen and (datetime.fromisoformat(seen) - self.overlap).isoformat()
        return min((datetime.fromisoformat(start) - self.overlap).isoformat(timespec="microseconds"), seen)


def _domain(here: Cursor) -> list[Any]:
    """Tryton's condition for what this page may hold. `write_date` is empty until the first edit."""
    after = [["id", ">", here["after"]]]
    if not here["since"]:
        return after
    since = mark_time(datetime.fromisoformat(here["since"]))
    created = [["write_date", "=", None], ["create_date", ">=", since]]
    return [*after, ["OR", ["write_date", ">=", since], created]]


def _behind(row: Mapping[str, Any], name: str) -> Any:
    """A field's value, also that of `party.code`, which Tryton answers as {"party.": {"code": …}}."""
    link, dot, field = name.partition(".")
    return (row.get(f"{link}.") or {}).get(field) if dot else row[name]


def _changed(row: Mapping[str, Any]) -> str:
    """When a row was last changed, in a form that sorts as text."""
    moment = plain(row["write_date"] or row["create_date"])
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else ""
