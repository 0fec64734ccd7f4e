"""One call to one scripted server."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from hub.http import HttpClient, Response, Transport
from hub.http.session import SessionTransport
from hub.http.wire import WireTransport
from tests.hub.http.wires import Script, Server, Wire, serving

Carrier = Callable[[str], Transport]
CARRIERS: dict[str, Carrier] = {"wire": WireTransport, "session": SessionTransport}
_carrier: ContextVar[Carrier | None] = ContextVar("carrier", default=None)


@contextmanager
def carried_by(carrier: Carrier) -> Iterator[None]:
    """Let one carrier carry every call, whatever the client would have chosen."""
    token = _carrier.set(carrier)
    try:
        yield
    finally:
        _carrier.reset(token)


def client_of(server: Server | str, **options: Any) -> HttpClient:
    """A client that may call this server and nothing else."""
    url, carrier = server if isinstance(server, str) else server.url, _carrier.get()
    verify = options.get("verify", True)
    transport = carrier("" if verify is True else verify) if carrier else None
    return HttpClient(base_url=url, **{"origins": [url], "timeout": 5.0, "transport": transport, **options})


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
