"""Real trouble on a real line: a go-between that loses what it should pass on, and a server that refuses."""

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum


class Fault(StrEnum):
    """What happens to the message in which the sign stands."""

    BEFORE = "before"  # the line breaks before the server hears it
    AFTER = "after"  # the server hears it, and the line breaks before its answer
    HOLE = "hole"  # nobody hears anything any more, and nobody hangs up


class GoBetween:
    """Passes bytes between clients and one server until a client says `sign`; then it is normal again."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self.sign = b""
        self.fault = Fault.BEFORE

    def carry(self, client: socket.socket) -> None:
        """Pass on what one client and the server say."""
        with socket.create_connection(self._server) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                speaker, listener = (client, server) if client in ready else (server, client)
                data = speaker.recv(65_536)
                if self.sign and self.sign in data:
                    self._lose(data, client, server)
                    return
                if not data:
                    return
                listener.sendall(data)

    def _lose(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        self.sign = b""
        if self.fault is Fault.AFTER:
            server.sendall(data)
            server.recv(65_536)
        while self.fault is Fault.HOLE and client.recv(65_536):
            pass


def echo_the_password(client: socket.socket) -> None:
    """A server that asks for the password in plain, and repeats it in its refusal."""
    client.recv(65_536)
    client.sendall(b"R" + struct.pack("!II", 8, 3))
    password = client.recv(65_536)[5:-1]
    fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed: " + password + b"\0\0"
    client.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)


@contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each client with `handle`; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_serve, args=(door, handle), daemon=True).start()
        yield door.getsockname()[1]
        door.shutdown(socket.SHUT_RDWR)


def _serve(door: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            threading.Thread(target=_attend, args=(client, handle), daemon=True).start()


def _attend(client: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    with suppress(OSError), client:
        handle(client)
