"""A record store with Kinto's rules: one rising time for all writes, tombstones, real preconditions, batches."""

import re
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from tests.connectors.rest.listener import Asked, Told, basic

ROOT = "/v1/buckets/hub/collections/customers/records"
USER, PASSWORD = "hub", "kinto-pässword/1"


@dataclass
class KintoStore:
    """Records of one collection, in memory."""

    page: int = 1000
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    graves: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: int = 1_795_344_800_000
    lock: RLock = field(default_factory=RLock)
    batches: int = 0

    def answer(self, asked: Asked) -> Told:
        """Answer one request."""
        if asked.headers.get("authorization") != basic(USER, PASSWORD):
            return Told(401, {"code": 401, "errno": 104, "message": "Please authenticate yourself."})
        with self.lock:
            if asked.path == "/v1/batch":
                return self._batch(asked)
            if asked.path == ROOT and asked.method == "GET":
                return self._list(asked)
            if asked.path.startswith(f"{ROOT}/"):
                return self._one(asked, asked.path.removeprefix(f"{ROOT}/"))
        return Told(404, {"code": 404, "message": "The resource you are looking for could not be found."})

    def put(self, key: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Write a record as somebody else would."""
        with self.lock:
            self.clock += 1
            self.graves.pop(key, None)
            self.rows[key] = {**fields, "id": key, "last_modified": self.clock}
            return self.rows[key]

    def _list(self, asked: Asked) -> Told:
        since = int(asked.query.get("_since", "0").strip('"'))
        found = [row for row in self.rows.values() if row["last_modified"] > since]
        if "_since" in asked.query:
            found += [row for row in self.graves.values() if row["last_modified"] > since]
        if "in_id" in asked.query:
            found = [row for row in found if row["id"] in asked.query["in_id"].split(",")]
        found.sort(key=lambda row: row["last_modified"], reverse=asked.query.get("_sort") != "last_modified")
        most = min(int(asked.query.get("_limit", self.page)), self.page)
        more = {"Next-Page": f"{ROOT}?_token=x"} if len(found) > most else {}
        return Told(200, {"data": found[:most]}, more)

    def _one(self, asked: Asked, key: str) -> Told:
        row = self.rows.get(key)
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]*", key):
            return Told(400, {"code": 400, "message": "Invalid object id"})
        if self._unmet(asked, row):
            details = {"existing": row}
            return Told(412, {"code": 412, "errno": 114, "message": "Resource was modified", "details": details})
        if row is None and asked.method != "PUT":
            return Told(404, {"code": 404, "message": "not found"})
        return getattr(self, f"_{asked.method.lower()}")(asked, key, row)  # type: ignore[no-any-return]

    def _unmet(self, asked: Asked, row: dict[str, Any] | None) -> bool:
        if asked.headers.get("if-none-match") == "*":
            return row is not None
        wanted = asked.headers.get("if-match")
        return wanted is not None and row is not None and wanted != f'"{row["last_modified"]}"'

    def _get(self, asked: Asked, key: str, row: dict[str, Any]) -> Told:
        return Told(200, {"data": row}, {"ETag": f'"{row["last_modified"]}"'})

    def _put(self, asked: Asked, key: str, row: dict[str, Any] | None) -> Told:
        return self._refused(asked) or Told(200 if row else 201, {"data": self.put(key, asked.body["data"])})

    def _patch(self, asked: Asked, key: str, row: dict[str, Any]) -> Told:
        return self._refused(asked) or Told(200, {"data": self.put(key, {**row, **asked.body["data"]})})

    def _delete(self, asked: Asked, key: str, row: dict[str, Any]) -> Told:
        self.clock += 1
        del self.rows[key]
        self.graves[key] = {"id": key, "last_modified": self.clock, "deleted": True}
        return Told(200, {"data": self.graves[key]})

    def _refused(self, asked: Asked) -> Told | None:
        if asked.body["data"].get("name") == "":
            return Told(400, {"code": 400, "errno": 107, "message": "name in body: Should not be empty"})
        return None

    def _batch(self, asked: Asked) -> Told:
        self.batches += 1
        if len(asked.body["requests"]) > 25:
            return Told(400, {"code": 400, "message": "Number of requests is limited to 25"})
        answers = []
        for part in asked.body["requests"]:
            headers = {name.lower(): value for name, value in part.get("headers", {}).items()}
            one = Asked(part["method"], part["path"], {}, {**asked.headers, **headers}, part.get("body"))
            told = self.answer(one)
            answers.append({"status": told.status, "headers": dict(told.headers), "body": told.body, "path": one.path})
        return Told(200, {"responses": answers})
