"""One call to one scripted server."""

import time
from typing import Any

from hub.http import HttpClient, Response
from tests.hub.http.wires import Script, Server, Wire, serving


def client_of(server: Server | str, **options: Any) -> HttpClient:
    """A client that may call this server and nothing else."""
    url = server if isinstance(server, str) else server.url
    return HttpClient(base_url=url, **{"origins": [url], "timeout": 5.0, **options})


def call(script: Script, method: str = "GET", path: str = "/things", **sending: Any) -> Response:
    """One call to a server that follows this script."""
    options = {name: sending.pop(name) for name in ("auth", "max_bytes", "timeout") if name in sending}
    with serving(script) as server:
        client = client_of(server, **options)
        try:
            return client.call(method, path, **sending)
        finally:
            client.close()


def drip(head: bytes, every: bytes) -> Script:
    """A script that starts an answer and then sends a little again and again, for a long time."""

    def script(wire: Wire) -> None:
        wire.read()
        wire.say(head)
        for _ in range(200):
            wire.say(every)
            time.sleep(0.02)

    return script
