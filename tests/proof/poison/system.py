"""The system that sends them: three pages of records over real sockets, the second of which is poisoned."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.hub.http.wires import Server, Wire, serving
from tests.proof.poison.answers import PAGES, Poison, page, plain

MANIFEST = {
    "streams": {
        "things": {
            "key": "id",
            "list": {
                "path": "/things",
                "records": "data",
                "pagination": {"kind": "page", "param": "page", "stop": "empty"},
            },
        }
    }
}


def config(server: Server) -> dict[str, Any]:
    """How the hub reads it."""
    return {"base_url": server.url, "auth": "none", "timeout": 1, "manifest": MANIFEST}


@contextmanager
def poisoned(poison: Poison | None) -> Iterator[Server]:
    """Serve; without a poison all pages are good."""

    def script(wire: Wire) -> None:
        while request := wire.read():
            query = parse_qs(urlsplit(request.split()[1].decode()).query)
            number = int(query.get("page", ["1"])[0])
            if number == 2 and poison is not None:
                poison.say(wire)
            else:
                wire.say(plain(page([json.dumps(one).encode() for one in PAGES.get(number, [])])))

    with serving(script) as server:
        yield server
