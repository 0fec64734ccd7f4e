"""Files on a server reached over SSH: listed, looked at and read, each within a deadline."""

import io
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import IO, Any

from paramiko import SFTPAttributes, SFTPClient, SSHException, Transport
from paramiko.sftp import CMD_DATA, CMD_READ, CMD_STATUS, int64

from hub.http import zone
from hub.http.ssh import PORT, SshAccount, connect, translated
from hub.sdk import ConfigError, TransientError

WINDOW = 1 << 20  # bytes that are asked for at once: one after the other, each would wait for the way there and back
PIECE = 1 << 15  # bytes of one request, what every server gives


class SftpFiles:
    """The files of one account. It connects when it is first used, and again after the connection was lost.

    `timeout` is how many seconds connecting, a look, a listing, or the next megabyte of a file may take. Raises
    ConfigError, AuthError and TransientError, and OSError for what the server says of a file.
    """

    def __init__(self, host: str, port: int, account: SshAccount, pinned: Collection[str], timeout: float) -> None:
        self._host, self._port, self._account = host, port or PORT, account
        self._pinned, self._timeout = frozenset(pinned), timeout
        self._lock = Lock()
        self._open: tuple[Transport, SFTPClient, _TimedChannel] | None = None
        self._number = -1  # of the zones by which it was dialled

    def ls(self, path: str, *, detail: bool = True) -> list[Any]:
        """What lies in a folder: entries with name (the whole path), type, size and mtime, or only names."""
        with self._asking() as client:
            found = [one for one in client.listdir_attr(path) if "/" not in one.filename]
            paths = [f"{path.rstrip('/')}/{one.filename}" for one in found]
            if not detail:
                return paths
            return [self._followed(client, at, one) for at, one in zip(paths, found, strict=True)]

    def info(self, path: str) -> dict[str, Any]:
        """One file as it is now."""
        with self._asking() as client:
            return _entry(path, client.stat(path))

    def open(self, path: str, _: str = "rb") -> IO[bytes]:
        """The bytes of a file."""
        with self._asking() as client:
            file = client.open(path, "rb")
            size = file.stat().st_size
        if size is None:
            file.close()
            raise ConfigError("The server does not say how large its files are, so nobody could tell a whole one.")
        return io.BufferedReader(_Remote(file, size, self), WINDOW)

    def read(self, file: Any, at: int, most: int) -> bytes:
        """So many bytes of an open file, or those up to its end."""
        with self._asking() as client:
            if file.sftp is not client:
                raise TransientError("The connection was lost while the file was being read; it will be read again.")
            return _window(client, file.handle, at, most)

    def leave(self, file: Any) -> None:
        """Close an open file; where the connection has ended, so has the file."""
        with self._lock:
            if self._open is not None and file.sftp is self._open[1] and self._open[0].is_active():
                self._open[2].until = time.monotonic() + self._timeout
                file.close()

    def close(self) -> None:
        """End the connection. It may be used again."""
        with self._lock:
            self._leave()

    def _leave(self) -> None:
        if self._open is not None:
            self._open[0].close()
            self._open = None

    def _followed(self, client: SFTPClient, path: str, found: SFTPAttributes) -> dict[str, Any]:
        if stat.S_ISLNK(found.st_mode or 0):
            try:
                return _entry(path, client.stat(path))
            except OSError:
                return {"name": path, "type": "other"}
        return _entry(path, found)

    @contextmanager
    def _asking(self) -> Iterator[SFTPClient]:
        """The connection, for one thing to be done within the deadline."""
        place = f"{self._host}:{self._port}"
        with self._lock:
            number = zone.current().number
            if self._open is None or self._number != number or not self._open[0].is_active():
                self._leave()
                self._open, self._number = self._connected(place), number
            transport, client, channel = self._open
            channel.until = time.monotonic() + self._timeout
            is_in_step = False
            try:
                with translated(place, self._account.scrub):
                    yield client
                is_in_step = True
            except OSError:
                is_in_step = not channel.is_closed  # the server's word on a file; the line itself is well
                raise
            finally:
                if not is_in_step:
                    transport.close()

    def _connected(self, place: str) -> "tuple[Transport, SFTPClient, _TimedChannel]":
        transport = connect(self._host, self._port, self._account, self._pinned, self._timeout)
        try:
            with translated(place, self._account.scrub):
                channel = transport.open_session(timeout=self._timeout)
                channel.settimeout(self._timeout)
                channel.invoke_subsystem("sftp")
                timed = _TimedChannel(channel, time.monotonic() + self._timeout)
                return transport, SFTPClient(timed), timed  # type: ignore[arg-type]  # it is used like one
        except BaseException:
            transport.close()
            raise


class _TimedChannel:
    """A channel on which everything together takes until one moment, however slowly it drips."""

    def __init__(self, channel: Any, until: float) -> None:
        self._channel, self.until = channel, until

    def recv(self, most: int) -> bytes:
        """What has come."""
        self._channel.settimeout(self._left())
        told: bytes = self._channel.recv(most)
        return told

    def send(self, data: bytes) -> int:
        """Send a part of it."""
        self._channel.settimeout(self._left())
        return int(self._channel.send(data))

    @property
    def is_closed(self) -> bool:
        """Whether either side has ended it."""
        return bool(self._channel.closed)

    def get_name(self) -> str:
        """For the library's log."""
        return str(self._channel.get_name())

    def close(self) -> None:
        """End it."""
        self._channel.close()

    def _left(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class _Remote(io.RawIOBase):
    """A file over there, read from its beginning to the end it had when it was opened."""

    def __init__(self, file: Any, size: int, files: SftpFiles) -> None:
        self._file, self._size, self._files, self._at = file, size, files, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next part of it. Raises EOFError when there is less than there was."""
        most = min(len(buffer), WINDOW, self._size - self._at)
        if most <= 0:
            return 0
        data = self._files.read(self._file, self._at, most)
        if len(data) != most:
            raise EOFError("the file is shorter than it was")
        buffer[:most] = data
        self._at += most
        return most

    def close(self) -> None:
        """Leave the file."""
        if not self.closed:
            super().close()
            self._files.leave(self._file)


class _Answers:
    """Keeps the answers that come before they are waited for."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[int, Any]] = {}

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        self.kept[number] = (kind, message)


def _window(client: Any, handle: bytes, at: int, most: int) -> bytes:
    """Bytes of a file, in as many requests at once as they take.

    The library's own way to do so begins a thread for it, which fails by itself where the line is lost.
    """
    answers, parts = _Answers(), []
    wanted = [(start, min(PIECE, at + most - start)) for start in range(at, at + most, PIECE)]
    asked = [client._async_request(answers, CMD_READ, handle, int64(start), size) for start, size in wanted]  # noqa: SLF001
    for number, (start, size) in zip(asked, wanted, strict=True):
        part = _data(client, answers, number)
        while 0 < len(part) < size:  # a server may give less than it was asked for
            more = client._async_request(answers, CMD_READ, handle, int64(start + len(part)), size - len(part))  # noqa: SLF001
            rest = _data(client, answers, more)
            if not rest:
                break
            part += rest
        parts.append(part)
    return b"".join(parts)


def _data(client: Any, answers: _Answers, number: int) -> bytes:
    """What the request of this number gave; nothing at the end of the file."""
    try:
        if number not in answers.kept:
            kind, message = client._read_response(number)  # noqa: SLF001
        else:
            kind, message = answers.kept.pop(number)
            if kind == CMD_STATUS:
                client._convert_status(message)  # noqa: SLF001
    except EOFError:
        return b""
    if kind != CMD_DATA:
        raise SSHException("it answered something else than data")
    told: bytes = message.get_string()
    return told


def _entry(path: str, found: SFTPAttributes) -> dict[str, Any]:
    kind = "file" if stat.S_ISREG(found.st_mode or 0) else "other"
    return {"name": path, "type": kind, "size": found.st_size, "mtime": found.st_mtime}
