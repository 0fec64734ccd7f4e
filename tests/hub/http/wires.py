"""Real sockets for tests of the HTTP door: each test says byte by byte what the other side does."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

Script = Callable[["Wire"], None]


@dataclass
class Wire:
    """One accepted connection."""

    sock: socket.socket
    asked: list[bytes]

    def read(self) -> bytes:
        """One whole request, remembered; empty when the other side has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.sock.recv(65_536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
        while len(body) < int(length.partition(b":")[2]):
            body += self.sock.recv(65_536)
        self.asked.append(head + b"\r\n\r\n" + body)
        return self.asked[-1]

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def answer(self, body: bytes = b"{}", *headers: str, status: str = "200 OK") -> None:
        """Send a whole answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self) -> None:
        """Break the connection off."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@dataclass
class Server:
    """A server on this machine, and everything it was asked."""

    url: str
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0


@contextmanager
def serving(script: Script, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Follow `script` on every connection, each in a thread of its own; over TLS with a context."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}")

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            Thread(target=follow, args=(plain,), daemon=True).start()

    def follow(plain: socket.socket) -> None:
        with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) if context else plain as sock:
            script(Wire(sock, server.asked))

    thread = Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def always(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> Script:
    """A script that answers every request of a connection alike."""

    def script(wire: Wire) -> None:
        while wire.read():
            wire.answer(body, *headers, status=status)

    return script
