"""Whole hubs for the tests: `manage.py up` with a state folder and ports of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import psycopg
import pytest
import requests
from psycopg import sql
from redis import Redis

from tests.doorbell import forget_own_keys, own_redis
from tests.ports import free_ports
from tests.processes import LONGEST, born, family, is_there, until

ROOT = Path(__file__).resolve().parent.parent
SERVER = os.environ.get("DATABASE_URL", "")
PORTS = ("HUB_PORT", "HUB_DEMO_KINTO_PORT", "HUB_DEMO_TRYTON_PORT", "HUB_DEMO_POSTGRES_PORT")


class Hub:
    """A `manage.py up` with a state folder and a port of its own."""

    def __init__(self, state: Path, **settings: str) -> None:
        self.state = state
        ports = {name: str(port) for name, port in free_ports(*PORTS).items()}
        self.settings = {**os.environ, "HUB_STATE": str(state), "HUB_WORKERS": "1", **ports, **settings}
        self.process: subprocess.Popen[str] | None = None
        self.members: dict[int, str] = {}
        self._births: dict[int, str] = {}

    @property
    def output(self) -> Path:
        return self.state / "terminal.txt"

    def start(self, *options: str) -> "subprocess.Popen[str]":
        self.state.mkdir(exist_ok=True)
        with self.output.open("a") as output:
            self.process = self.open(*options, output=output)
        return self.process

    def open(self, *options: str, output: IO[str] | int) -> "subprocess.Popen[str]":
        command = [sys.executable, "manage.py", "up", *options]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.settings, stdout=output, stderr=subprocess.STDOUT, text=True
        )

    def refused(self, *options: str) -> str:
        """What a start that cannot go well says; its exit code must tell as well."""
        process = self.open(*options, output=subprocess.PIPE)
        said = process.communicate(timeout=LONGEST)[0]
        assert process.returncode == 1, said
        return said

    def get(self, path: str) -> int:
        try:
            return requests.get(f"http://127.0.0.1:{self.settings['HUB_PORT']}{path}", timeout=10).status_code
        except requests.RequestException:
            return 0

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def is_ready(self) -> bool:
        assert not self.has_ended(), self.output.read_text()
        return self.get("/readyz") == 200

    def started(self, *options: str) -> "Hub":
        """Start, and wait until it is ready."""
        self.start(*options)
        until(self.is_ready)
        self.note_family()
        return self

    def family(self) -> dict[int, str]:
        assert self.process is not None
        return family(self.process.pid)

    def note_family(self) -> None:
        """Remember the processes of now as members, whose end is waited for."""
        for pid, command in self.family().items():
            self.members[pid], self._births[pid] = command, born(pid)

    def pid_of(self, words: str) -> int:
        """The process whose command line contains `words`; 0 when there is none."""
        return next((pid for pid, command in self.family().items() if words in command), 0)

    def redis(self) -> "Redis":
        """The Redis that this hub uses."""
        given = self.settings.get("REDIS_URL")
        if given:
            return Redis.from_url(given)
        served = next(command for command in self.family().values() if "valkey-server" in command)
        return Redis(unix_socket_path=served.partition("unixsocket:")[2])

    def send(self, signum: signal.Signals) -> int:
        """Send a signal to the supervisor and wait for its end."""
        assert self.process is not None
        self.note_family()
        self.process.send_signal(signum)
        return self.process.wait(LONGEST)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.send(signal.SIGKILL)
        until(lambda: not self.left(), lambda: f"these are still there: {self.left()}")

    def left(self) -> dict[int, str]:
        """The processes seen of this hub that run on: number and command line."""
        return {
            pid: command for pid, command in self.members.items() if is_there(pid) and born(pid) == self._births[pid]
        }


@contextmanager
def own_servers(number: int) -> Iterator[dict[str, str]]:
    """What a hub stands on: nothing is named when all is embedded; otherwise a database and a Redis of its own.

    `number`, from 1 to 4, keeps apart the hubs that one test process runs at the same time.
    """
    with ExitStack() as stack:
        given = {}
        if os.environ.get("REDIS_URL"):
            given["REDIS_URL"] = own_redis(number)
            stack.callback(forget_own_keys, given["REDIS_URL"])
        if SERVER:
            given["DATABASE_URL"] = stack.enter_context(_own_database(f"hub_{os.getpid()}_{number}"))
        yield given


@contextmanager
def _own_database(name: str) -> Iterator[str]:
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"{SERVER.rpartition('/')[0]}/{name}"
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub that has not been started."""
    with own_servers(1) as servers:
        made = Hub(tmp_path / "state", **servers)
        yield made
        made.end()
