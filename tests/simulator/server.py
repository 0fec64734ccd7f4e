"""The simulated third party behind real sockets: `python -m tests.simulator.server PORT FOLDER SEED`.

It serves a shop to read from and one destination for each kind of promise. People work there through `/people`, the
storm through `/storm`. Ledgers are kept in FOLDER, a file for each system.
"""

import json
import random
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hub.sdk import Answer, Operation
from tests.simulator.fault import HAPPENED, Fault, Faults, Order
from tests.simulator.ledger import Ledger
from tests.simulator.profile import PROFILES
from tests.simulator.store import Asked, Reply, Row, Store

LANDING = 6  # seconds: longer than a request is waited for, and than the latest copy of one lands
LATEST = 4.0
DRIP_SECONDS = 0.5
SYSTEMS = ("shop", "conditional", "unique", "key", "marker")
STATUS = {
    Answer.APPLIED: 200,
    Answer.UNCHANGED: 200,
    Answer.CONFLICT: 412,
    Answer.MISSING: 404,
    Answer.REFUSED: 422,
    Answer.RETRY: 429,
}
Answered = tuple[int, dict[str, str], Any]


class System:
    """One store with the faults of its door."""

    def __init__(self, name: str, folder: Path, seed: int) -> None:
        profile = PROFILES["unique" if name == "shop" else name]
        self.lock = threading.Lock()
        self.store = Store(replace(profile, name=name), time.time, Ledger(folder / f"{name}.jsonl"))
        self.faults = Faults(chance=random.Random(f"{seed}/{name}"), longest=LATEST)

    def write(self, asked: Asked) -> tuple[Reply, Order | None]:
        """One write with what goes wrong with it: the reply, and the fault its answer has to suffer."""
        with self.lock:
            self.store.land()
            order = self.faults.next(asked.reference)
            if order and order.fault is Fault.TWICE and not self.store.profile.absorbs(asked.operation):
                order = None
            if order is None or order.fault in HAPPENED or order.fault is Fault.TWICE:
                reply = self.store.take(asked)
            else:
                reply = Reply(Answer.REFUSED, code="validation", message="A fault.")
            if order and order.fault in (Fault.LATE, Fault.TWICE):
                self.store.later(asked, order.delay)
            return reply, order


class Door(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive, and every way of breaking it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    systems: dict[str, System] = {}

    def do_GET(self) -> None:
        """Read a page, a record, or by reference."""
        place, query = self._place()
        system = self.systems[place[0]]
        with system.lock:
            system.store.land()
            self._answer(*_read(system.store, place[2:], query))

    def do_POST(self) -> None:
        """Create a record, edit as a person, or set the weather."""
        place, _ = self._place()
        body = self._body()
        if place[0] == "people":
            self._answer(*self._people(body))
        elif place[0] == "storm":
            self._answer(*self._storm(body))
        else:
            self._write(place, Operation.CREATE, body)

    def do_PATCH(self) -> None:
        """Update a record."""
        place, _ = self._place()
        self._write(place, Operation.UPDATE, self._body())

    def do_DELETE(self) -> None:
        """Delete a record."""
        place, _ = self._place()
        self._write(place, Operation.DELETE, {})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _people(self, body: dict[str, Any]) -> Answered:
        system = self.systems[body["system"]]
        with system.lock:
            if body.get("drop"):
                if body["key"] in system.store.rows:
                    system.store.drop(body["key"])
            else:
                kept = system.store.rows.get(body["key"])
                rev = int(kept.data["rev"]) + 1 if kept else int(body["rev"])
                system.store.put(body["key"], {**body["fields"], "rev": str(rev)})
        return 200, {}, {}

    def _storm(self, body: dict[str, Any]) -> Answered:
        for system in self.systems.values():
            with system.lock:
                system.faults.rate = float(body["rate"])
                if not body["rate"]:
                    system.faults.clear()
        return 200, {}, {name: len(system.faults.happened) for name, system in self.systems.items()}

    def _write(self, place: list[str], operation: Operation, body: dict[str, Any]) -> None:
        system = self.systems[place[0]]
        key = place[2] if len(place) > 2 else None
        row = system.store.rows.get(key or "")
        version = self.headers.get("If-Match")
        asked = Asked(
            operation,
            body.get("reference") or (row.reference if row else ""),
            body.get("record", {}),
            key,
            version.strip('"') if version else None,
            self.headers.get("Idempotency-Key", ""),
        )
        reply, order = system.write(asked)
        if order:
            self._suffer(system, order, reply)
        else:
            self._answer(*_written(system, operation, reply))

    def _suffer(self, system: System, order: Order, reply: Reply) -> None:
        """The answer, as the fault lets it through."""
        fault = order.fault
        if fault in (Fault.DROP_REQUEST, Fault.DROP_ANSWER, Fault.LATE, Fault.PARTIAL):
            self.close_connection = True
        elif fault in (Fault.ERROR_BEFORE, Fault.ERROR_AFTER):
            self._answer(500, {}, {"error": {"message": "Oops."}})
        elif fault is Fault.TOO_MANY:
            self._answer(429, {"Retry-After": "1"}, {"error": {"message": "Too many."}})
        elif fault is Fault.FAULT_IN_200:
            self._answer(200, {}, {"errors": ["The period is closed."]})
        elif fault is Fault.HTML:
            self._raw(b"<html><body>Proxy</body></html>", "text/html")
        elif fault is Fault.TWICE:
            self._answer(*_written(system, Operation.UPDATE, reply))
        else:
            self._broken(json.dumps(_written(system, Operation.UPDATE, reply)[2]).encode(), drips=fault is Fault.DRIP)

    def _broken(self, text: bytes, *, drips: bool) -> None:
        """Half of a body, or one that comes a byte at a time."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.close_connection = True
        if not drips:
            self.wfile.write(text[: len(text) // 2])
            return
        for place in range(min(len(text) - 1, 10)):
            self.wfile.write(text[place : place + 1])
            self.wfile.flush()
            time.sleep(DRIP_SECONDS)

    def _place(self) -> tuple[list[str], dict[str, str]]:
        parts = urlsplit(self.path)
        return [unquote(word) for word in parts.path.split("/") if word], {
            name: found[-1] for name, found in parse_qs(parts.query).items()
        }

    def _body(self) -> dict[str, Any]:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return dict(json.loads(text)) if text else {}

    def _answer(self, status: int, headers: dict[str, str], body: Any) -> None:
        self._raw(json.dumps(body).encode(), "application/json", status, headers)

    def _raw(self, text: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": kind, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)


def _read(store: Store, place: list[str], query: dict[str, str]) -> Answered:
    if place:
        row = store.rows.get(place[0])
        return (200, {}, _shown(place[0], row)) if row else (404, {}, {"error": {"message": "Not there."}})
    if "reference" in query:
        found = [_shown(key, store.rows[key]) for key in store.found(query["reference"])]
        return 200, {}, {"items": found}
    since, limit = int(query.get("since", 0)), int(query.get("limit", 100))
    live = [_shown(key, row) for key, row in store.rows.items() if row.changed > since]
    dead = [{"id": key, "changed": at, "deleted": True} for key, (at, _) in store.gone.items() if at > since]
    return 200, {}, {"items": sorted(live + dead, key=lambda item: item["changed"])[:limit]}


def _written(system: System, operation: Operation, reply: Reply) -> Answered:
    with system.lock:
        row = system.store.rows.get(reply.key or "")
        shown = _shown(reply.key or "", row) if row else {}
    if reply.code == "exists":
        return 409, {}, {"error": {"message": reply.message}}
    if reply.answer in (Answer.APPLIED, Answer.UNCHANGED):
        return 201 if operation is Operation.CREATE else 200, {}, shown
    return STATUS[reply.answer], {}, {"error": {"message": reply.message or str(reply.answer)}}


def _shown(key: str, row: Row) -> dict[str, Any]:
    return {**row.data, "id": key, "reference": row.reference, "version": row.version, "changed": row.changed}


def manifest(name: str) -> dict[str, Any]:
    """How the rest connector speaks to system `name`."""
    profile = PROFILES["unique" if name == "shop" else name]
    can = profile.write
    write: dict[str, Any] = {"record": "", "errors": "errors"}
    if can.key:
        write["idempotency"] = {"header": "Idempotency-Key", "ttl": can.key.ttl}
    change: dict[str, Any] = {"if_match": {"header": "If-Match", "format": '"{version}"'}} if can.conditional else {}
    item = f"/{name}/things/{{key}}"
    stream: dict[str, Any] = {
        "label": "Things",
        "key": "id",
        "version": {"field": "version"},
        "deleted": {"field": "deleted", "value": True},
        "landing": LANDING,
        "list": {
            "path": f"/{name}/things",
            "records": "items",
            "pagination": {"kind": "keyset", "param": "since", "field": "changed", "size_param": "limit"},
            "incremental": {"kind": "sequence", "param": "since", "field": "changed"},
        },
        "item": {"path": item, "record": ""},
        "create": {
            "path": f"/{name}/things",
            "body": {"record": "$record", "reference": "$external_id"},
            "exists": [409],
            **write,
        },
        "update": {"path": item, "body": {"record": "$record"}, **write, **change},
        "delete": {"path": item, **{key: value for key, value in {**write, **change}.items() if key != "record"}},
    }
    if can.external_id:
        search = {"path": f"/{name}/things", "params": {"reference": "{external_id}"}, "records": "items"}
        lag = can.read_back.search_lag and 1
        stream["external_id"] = {
            "field": "reference", "unique": can.external_id.unique, "search": {**search, "lag": lag}
        }  # fmt: skip
    return {"check": f"/{name}/things", "streams": {"things": stream}}


def main(port: str, folder: str, seed: str) -> None:
    """Serve until the end."""
    for name in SYSTEMS:
        Door.systems[name] = System(name, Path(folder), int(seed))
    marker = Door.systems["marker"].store
    short = replace(marker.profile.write.read_back, search_lag=1)
    marker.profile = replace(marker.profile, write=replace(marker.profile.write, read_back=short))
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Door)
    server.daemon_threads = True
    threading.Thread(target=_land, daemon=True).start()
    server.serve_forever()


def _land() -> None:
    """Late requests arrive although nobody asks."""
    while True:
        time.sleep(0.2)
        for system in Door.systems.values():
            with system.lock:
                system.store.land()


if __name__ == "__main__":
    main(*sys.argv[1:])
