"""A JSON API as fast as Python allows, in a process of its own: `python bench/server.py [--latency SECONDS]`.

It is not what is measured, so it does as little as an API may: pages made of one template and kept, records kept as
their version only. Each round prints what it can do by itself (`bench/limits.py`).

GET  /customers?limit=500&after=CURSOR   a page of made-up customers and the cursor of the next one
GET  /customers/KEY                      the version of a written record
POST /customers                          one record, once for each Idempotency-Key
PUT  /customers/KEY                      one record; If-Match names its version
POST /batch                              {"requests": [{method, path, headers, body}, …]}, answered one by one
POST /bulk                               a plain list of records, as a peer sends it
POST /edition?number=N&share=S           from now on one record in S is of edition N
GET  /count                              how many records were written
"""

import argparse
import heapq
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.source import page_bytes

KEEP = 400  # pages kept as bytes; more would only fill the memory
STATUS = {200: b"200 OK", 201: b"201 Created", 404: b"404 Not Found", 412: b"412 Precondition Failed"}
Answer = tuple[int, bytes]


class Api:
    """What the API knows and answers."""

    def __init__(self, count: int) -> None:
        self.count, self.edition, self.share = count, 0, 1
        self.versions: dict[str, int] = {}
        self.keys: dict[str, str] = {}
        self._pages: dict[tuple[int, int], bytes] = {}

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """The answer to one request."""
        path, _, query = target.partition("?")
        if path == "/customers":
            return self._page(query) if method == "GET" else self._create(headers, orjson.loads(body))
        if path.startswith("/customers/"):
            return self._one(method, path[11:], headers)
        if path == "/batch":
            return 200, orjson.dumps({"responses": list(self._parts(orjson.loads(body)["requests"]))})
        if path == "/bulk":
            return 200, orjson.dumps([self._put(row["id"]) for row in orjson.loads(body)])
        if path == "/edition":
            asked = parse_qs(query)
            self.edition, self.share = int(asked["number"][0]), int(asked["share"][0])
            self._pages.clear()
        return 200, orjson.dumps({"count": len(self.versions)})

    def _page(self, query: str) -> Answer:
        asked = dict(part.split("=", 1) for part in query.split("&"))
        start, limit = int(asked.get("after", 0)), int(asked.get("limit", 500))
        stop = min(start + limit, self.count)
        page = self._pages.get((start, stop))
        if page is None:
            onward = b"null" if stop >= self.count else b'"%d"' % stop
            page = b'{"next":%s,"data":%s}' % (onward, page_bytes(start, stop, self.edition, self.share))
            if len(self._pages) < KEEP:
                self._pages[start, stop] = page
        return 200, page

    def _create(self, headers: dict[str, str], row: dict[str, Any]) -> Answer:
        key = headers.get("idempotency-key")
        if key is not None and self.keys.setdefault(key, row["id"]) != row["id"]:
            return 412, b'{"message":"this key was used for another record"}'
        return 201, orjson.dumps(self._put(row["id"]))

    def _one(self, method: str, key: str, headers: dict[str, str]) -> Answer:
        version = self.versions.get(key)
        if method == "GET":
            return (404, b"{}") if version is None else (200, orjson.dumps({"id": key, "version": version}))
        wanted = headers.get("if-match")
        if wanted is not None and wanted.strip('"') != str(version):
            return 412, b'{"message":"modified"}'
        return 200, orjson.dumps(self._put(key))

    def _put(self, key: str) -> dict[str, Any]:
        self.versions[key] = version = self.versions.get(key, 0) + 1
        return {"id": key, "version": version}

    def _parts(self, parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for part in parts:
            headers = {name.lower(): value for name, value in part["headers"].items()}
            if part["path"] == "/customers":
                status, body = self._create(headers, part["body"])
            else:
                status, body = self._one(part["method"], part["path"][11:], headers)
            yield {"status": status, "body": orjson.loads(body), "headers": {}}


class Line:
    """One connection: what came of a request so far."""

    __slots__ = ("heard", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.heard = sock, b""

    def requests(self) -> Iterator[tuple[str, str, dict[str, str], bytes]]:
        """The whole requests that have come."""
        while (end := self.heard.find(b"\r\n\r\n")) >= 0:
            first, *rest = self.heard[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
            stop = end + 4 + int(headers.get("content-length", 0))
            if len(self.heard) < stop:
                return
            body, self.heard = self.heard[end + 4 : stop], self.heard[stop:]
            method, target, _ = first.split(" ", 2)
            yield method, target, headers, body


class Server:
    """Answers on one port from one thread; a latency delays each answer without blocking the others."""

    def __init__(self, api: Api, latency: float) -> None:
        self._api, self._latency = api, latency
        self._selector = selectors.DefaultSelector()
        self._waiting: list[tuple[float, int, socket.socket, bytes]] = []
        self._sent = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.port = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            for key, _ in self._selector.select(self._pause()):
                if key.data is None:
                    self._accept()
                else:
                    self._hear(key.data)
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                _, _, sock, raw = heapq.heappop(self._waiting)
                self._send(sock, raw)

    def _pause(self) -> float | None:
        return max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(sock, selectors.EVENT_READ, Line(sock))

    def _hear(self, line: Line) -> None:
        try:
            heard = line.sock.recv(1 << 20)
        except OSError:
            heard = b""
        if not heard:
            self._selector.unregister(line.sock)
            line.sock.close()
            return
        line.heard += heard
        for method, target, headers, body in line.requests():
            status, answer = self._api.answer(method, target, headers, body)
            raw = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            self._later(line.sock, raw % (STATUS[status], len(answer), answer))

    def _later(self, sock: socket.socket, raw: bytes) -> None:
        if not self._latency:
            self._send(sock, raw)
            return
        self._sent += 1
        heapq.heappush(self._waiting, (time.monotonic() + self._latency, self._sent, sock, raw))

    def _send(self, sock: socket.socket, raw: bytes) -> None:
        try:
            sock.sendall(raw)
        except OSError:
            return  # whoever asked has gone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.0)
    given = parser.parse_args()
    server = Server(Api(given.records), given.latency)
    print(f"http://127.0.0.1:{server.port}", flush=True)
    server.serve()


if __name__ == "__main__":
    main()
