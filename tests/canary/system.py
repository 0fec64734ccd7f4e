"""A system that repeats whatever it is told, in every way in which systems do that."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import urlsplit

NUMBERS = count(100)
GIVEN: dict[str, str] = {}
"""What is given to whoever asks for a token."""
LATE = 4.0  # seconds; longer than the deadline of the connections


class Parrot(BaseHTTPRequestHandler):
    """The first part of the path says how it behaves."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _meet(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        sent = self.rfile.read(length).decode("utf-8", "replace")
        way = urlsplit(self.path).path.strip("/").partition("/")[0]
        told: Mapping[str, object] = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers),
            "body": sent,
        }
        getattr(self, f"_{way}", self._fine)(told)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _meet  # noqa: N815  the names that the library looks for

    def _answer(self, status: int, body: str, kind: str = "application/json", **headers: str) -> None:
        raw = body.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def _fine(self, told: Mapping[str, object]) -> None:
        number = next(NUMBERS) if self.command == "POST" else 1
        item = {"id": str(number), "name": "One", "v": 1}
        self._answer(200, json.dumps({"data": [item] if self.command == "GET" else item}))

    def _refuses(self, told: Mapping[str, object]) -> None:
        status = 200 if self.command == "GET" else 422
        self._answer(status, json.dumps({"data": [], "error": {"message": f"I was told {told}", "told": told}}))

    def _forbids(self, told: Mapping[str, object]) -> None:
        self._answer(401, json.dumps({"error": {"message": f"Wrong: {told}"}}), X_Told=self._authorization())

    def _breaks(self, told: Mapping[str, object]) -> None:
        self._answer(500, f"<h1>Trace</h1><pre>{told}</pre>", "text/html")

    def _wanders(self, told: Mapping[str, object]) -> None:
        self._answer(302, "", Location=f"http://127.0.0.1:9/there?told={self._authorization()}")

    def _mumbles(self, told: Mapping[str, object]) -> None:
        self._answer(200, f"{{{told}", "application/json")

    def _limits(self, told: Mapping[str, object]) -> None:
        self._answer(429, json.dumps({"error": {"message": str(told)}}), Retry_After="1")

    def _sleeps(self, told: Mapping[str, object]) -> None:
        time.sleep(LATE)
        self._fine(told)

    def _token(self, told: Mapping[str, object]) -> None:
        self._answer(200, json.dumps({**GIVEN, "token_type": "Bearer", "expires_in": 300}))

    def _no_token(self, told: Mapping[str, object]) -> None:
        self._answer(400, json.dumps({"error": "invalid_client", "error_description": f"I was told {told}"}))

    def _hangs_up(self, told: Mapping[str, object]) -> None:
        self.wfile.write(f"HTTP/1.1 200 OK\r\nX-Told: {self._authorization()}\r\nContent-Length: 900\r\n\r\n".encode())
        self.wfile.write(str(told).encode())
        self.close_connection = True

    def _authorization(self) -> str:
        return self.headers.get("authorization") or self.headers.get("x-api-key") or urlsplit(self.path).query


WAYS = ("fine", "refuses", "forbids", "breaks", "wanders", "mumbles", "limits", "sleeps", "hangs_up")


@contextmanager
def parrot() -> Iterator[str]:
    """The address of one that runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
