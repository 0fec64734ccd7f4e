"""An SSH server that knows one password and no files, for what the real one cannot be made to do without an account."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

USER, PASSWORD = "drop", "what only the account knows"


class _Door(paramiko.ServerInterface):
    def __init__(self, seen: list[str]) -> None:
        self._seen = seen

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        self._seen.append(password)
        return AUTH_SUCCESSFUL if (username, password) == (USER, PASSWORD) else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


@contextmanager
def password_server(*, is_silent: bool = False) -> Iterator[tuple[int, str, list[str]]]:
    """Serve; gives the port, the fingerprint of the host key, and the passwords that were shown.

    `is_silent`: whoever has logged in is never told anything more.
    """
    host, seen = paramiko.ECDSAKey.generate(), list[str]()
    listener = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(plain)
            transports.append(transport)
            transport.add_server_key(host)
            subsystem: Any = _Silent if is_silent else paramiko.SFTPServer
            transport.set_subsystem_handler("sftp", subsystem)
            with suppress(paramiko.SSHException, EOFError):
                transport.start_server(server=_Door(seen))

    thread = Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], host.fingerprint, seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for transport in transports:
            transport.close()
        thread.join()


class _Silent(paramiko.SubsystemHandler):
    def start_subsystem(self, name: str, transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        channel.recv(1 << 30)
        while channel.recv(1 << 20):
            pass
