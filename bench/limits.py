"""What this machine and Python can do without a hub: `python bench/limits.py CASE ADDRESS RECORDS CONNECTIONS`.

Each is the same outside work as its case, by the barest loop: nothing is mapped, counted, intended or remembered
beyond what the case cannot do without. Prints seconds.
"""

import hashlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.source import FIELDS, PAGE, record


def unchanged(address: str, count: int, connections: int) -> float:
    """Fetch, parse, digest, and look up each page's links by one statement."""
    import psycopg

    salt = b"bench"
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        database.execute("create temp table known (key text primary key, digest text, state text)")
        with database.cursor().copy("copy known from stdin") as copy:
            for number in range(count):
                row = record(number)
                copy.write_row((row["id"], _digest(row, salt), "linked"))
        database.commit()
        look_up = "select key, digest, state from known where key = any(%s)"
        database.execute("analyze known")
        line, same = Line(address), 0
        started = time.perf_counter()
        for rows in pages(line):
            known = {key: digest for key, digest, _ in database.execute(look_up, [[row["id"] for row in rows]])}
            same += sum(known[row["id"]] == _digest(row, salt) for row in rows)
        assert same >= count * 0.98  # one in a hundred may have changed
    return time.perf_counter() - started


def first(address: str, count: int, connections: int) -> float:
    """Fetch, parse, and COPY into an empty table with its key, a transaction a page."""
    import psycopg

    names = list(FIELDS)
    columns = ", ".join(f'"{name}" text' for name in names)
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        database.execute(f"create temp table copied (code text primary key, {columns})")
        line = Line(address)
        started = time.perf_counter()
        for rows in pages(line):
            with database.cursor().copy("copy copied from stdin") as copy:
                for row in rows:
                    copy.write_row(tuple(row.values()))
            database.commit()
    return time.perf_counter() - started


def single(address: str, count: int, connections: int) -> float:
    """Fetch, parse, and one POST for each record over so many plain sockets, each in its thread."""
    waiting = iter([(row["id"], orjson.dumps(row)) for rows in pages(Line(address)) for row in rows])
    turn = threading.Lock()

    def post() -> None:
        line = Line(address)
        while True:
            with turn:
                found = next(waiting, None)
            if found is None:
                return
            line.ask("POST", "/customers", found[1], f"Idempotency-Key: {found[0]}\r\n")

    threads = [threading.Thread(target=post) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def batch(address: str, count: int, connections: int) -> float:
    """Fetch, parse, and one POST for each 500 records."""
    line = Line(address)
    started = time.perf_counter()
    for rows in pages(line):
        line.ask("POST", "/bulk", orjson.dumps(rows))
    return time.perf_counter() - started


def pages(line: "Line") -> Any:
    """Every page of the API."""
    after: str | None = "0"
    while after is not None:
        answer = orjson.loads(line.ask("GET", f"/customers?limit={PAGE}&after={after}"))
        after = answer["next"]
        yield answer["data"]


class Line:
    """One kept connection and the least HTTP there is."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._sock = socket.create_connection((parts.hostname, parts.port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, target: str, body: bytes = b"", headers: str = "") -> bytes:
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self._sock.sendall(head.encode() + body)
        heard = self._sock.recv(1 << 20)
        while (end := heard.find(b"\r\n\r\n")) < 0:
            heard += self._sock.recv(1 << 20)
        at = heard.index(b"Content-Length: ") + 16
        length = int(heard[at : heard.index(b"\r\n", at)])
        parts, got = [heard[end + 4 :]], len(heard) - end - 4
        while got < length:
            parts.append(self._sock.recv(1 << 20))
            got += len(parts[-1])
        return b"".join(parts)


def _digest(row: dict[str, Any], salt: bytes) -> str:
    return hashlib.blake2b(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=16, salt=salt).hexdigest()


LIMITS: dict[str, Callable[[str, int, int], float]] = {
    "unchanged": unchanged, "first": first, "single": single, "batch": batch,
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps({"seconds": LIMITS[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))}))
