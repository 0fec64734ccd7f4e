"""A shop with the usual ways of such APIs: numbered ids, many kinds of pages, ETags, keys, references."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import RLock
from typing import Any
from urllib.parse import urlencode

from tests.connectors.rest.listener import Asked, Told

TOKEN = "shop-tök&n-42"
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class ShopStore:
    """Orders of one shop, in memory. Its clock moves one second with every write."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    answered: dict[str, Told] = field(default_factory=dict)
    last: int = 0
    now: datetime = BEGIN
    lock: RLock = field(default_factory=RLock)

    def answer(self, asked: Asked) -> Told:
        """Answer one request, with the shop's own Date."""
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Told(403, {"error": {"message": "This key may not do that."}})
        with self.lock:
            told = self._route(asked)
        return Told(told.status, told.body, {"Date": format_datetime(self.now, usegmt=True), **told.headers})

    def add(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Take an order as somebody else would."""
        with self.lock:
            self.last += 1
            return self.save(self.last, fields)

    def save(self, key: int, fields: dict[str, Any]) -> dict[str, Any]:
        """Write an order."""
        self.now += timedelta(seconds=1)
        revision = self.rows[key]["revision"] + 1 if key in self.rows else 1
        stamp = self.now.isoformat().replace("+00:00", "Z")
        self.rows[key] = {**fields, "id": key, "revision": revision, "updated_at": stamp}
        return self.rows[key]

    def _route(self, asked: Asked) -> Told:
        if asked.path == "/api/shop":
            return Told(200, {"shop": {"name": "Rad & Tat"}})
        if asked.path == "/api/orders":
            return self._list(asked) if asked.method == "GET" else self._create(asked)
        key = asked.path.removeprefix("/api/orders/")
        if not key.isdigit() or int(key) not in self.rows:
            return Told(404, {"error": {"message": "No such order."}})
        return self._one(asked, int(key))

    def _list(self, asked: Asked) -> Told:
        ask = asked.query
        found = [self.rows[key] for key in sorted(self.rows)]
        found = [row for row in found if row["updated_at"] >= ask.get("updated_since", "")]
        if "reference" in ask:
            found = [row for row in found if row.get("reference") == ask["reference"]]
        size = int(ask.get("per_page", 4))
        first = self._first(ask, found, size)
        page, after = found[first : first + size], first + size
        more = after < len(found)
        onward = urlencode({**ask, "offset": after, "per_page": size})
        link = {"Link": f'</api/orders?page=1>; rel="first", </api/orders?{onward}>; rel="next"'}
        body = {"orders": page, "has_more": more, "meta": {"next": f"c{after}" if more else None}}
        return Told(200, body, link if more else {})

    def _first(self, ask: dict[str, str] | Any, found: Sequence[Any], size: int) -> int:
        if "page" in ask:
            return (int(ask["page"]) - 1) * size
        if "cursor" in ask:
            return int(ask["cursor"].removeprefix("c"))
        if "after_id" in ask:
            return sum(row["id"] <= int(ask["after_id"]) for row in found)
        return int(ask.get("offset", 0))

    def _create(self, asked: Asked) -> Told:
        key = asked.headers.get("idempotency-key")
        if key in self.answered:
            return self.answered[key]
        order = asked.body["order"]
        refused = self._refused(order)
        if refused:
            return refused
        if any(row.get("reference") == order.get("reference") for row in self.rows.values()):
            return Told(409, {"error": {"message": "There is an order with this reference."}})
        row = self.add(order)
        told = Told(201, {"order": row}, {"Location": f"/api/orders/{row['id']}", "ETag": self._etag(row)})
        if key:
            self.answered[key] = told
        return told

    def _one(self, asked: Asked, key: int) -> Told:
        row = self.rows[key]
        if asked.headers.get("if-match", self._etag(row)) != self._etag(row):
            return Told(412, {"error": {"message": "The order has changed."}})
        if asked.method == "DELETE":
            self.now += timedelta(seconds=1)
            del self.rows[key]
            return Told(204)
        if asked.method == "PUT":
            order = asked.body["order"]
            refused = self._refused(order)
            if refused:
                return refused
            row = self.save(key, {**order, "reference": row.get("reference")})
        return Told(200, {"order": row}, {"ETag": self._etag(row)})

    def _refused(self, order: dict[str, Any]) -> Told | None:
        if order.get("quantity", 1) < 0:
            return Told(422, {"error": {"fields": {"quantity": ["must not be negative"]}}})
        return None

    def _etag(self, row: dict[str, Any]) -> str:
        return f'"{row["id"]}-{row["revision"]}"'
