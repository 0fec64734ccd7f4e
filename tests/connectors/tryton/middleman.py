"""Stands between the connector and a real Tryton, and loses or replaces answers when told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Middleman:
    """Passes everything on. `lose` names a method whose answer is dropped after Tryton has done it; `answer`
    maps a method to a status and body given in Tryton's place, without asking it. Each happens once."""

    behind: int
    lose: str = ""
    answer: dict[str, tuple[int, str]] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    url: str = ""

    def count(self, method: str) -> int:
        """How many calls of this method came by."""
        return sum(f'"{method}"' in body for body in self.passed)


@contextmanager
def middleman(behind: int) -> Iterator[Middleman]:
    """A middleman in front of a port."""
    man = Middleman(behind)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(man))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    man.url = f"http://127.0.0.1:{server.server_port}"
    thread.start()
    try:
        yield man
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(man: Middleman) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            man.passed.append(body.decode())
            for method in [method for method in man.answer if f'"{method}"'.encode() in body]:
                status, text = man.answer.pop(method)
                self._give(status, "text/html", text.encode())
                return
            status, kind, answer = self._ask(body)
            if man.lose and f'"{man.lose}"'.encode() in body:
                man.lose = ""
                self.connection.close()
                return
            self._give(status, kind, answer)

        def _ask(self, body: bytes) -> tuple[int, str, bytes]:
            connection = HTTPConnection("127.0.0.1", man.behind, timeout=60)
            kept = ("Authorization", "Content-Type")
            headers = {name: self.headers[name] for name in kept if name in self.headers}
            try:
                connection.request("POST", self.path, body, headers | {"Accept-Encoding": "identity"})
                answer = connection.getresponse()
                return answer.status, answer.headers["Content-Type"], answer.read()
            finally:
                connection.close()

        def _give(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
            """Say nothing."""

    return Handler
