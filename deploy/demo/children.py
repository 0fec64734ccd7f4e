"""The processes of the demo systems: started, watched, stopped, never left behind."""

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from state import DemoError, State

HOST = "127.0.0.1"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_LOG_LINES_SHOWN = 15


@dataclass(frozen=True)
class Program:
    """What to run and how it wishes to end."""

    name: str
    command: Sequence[str | Path]
    settings: Mapping[str, str] = field(default_factory=dict)  # environment variables
    account: str | None = None  # the user to run as; None is this one
    stop_with: signal.Signals = signal.SIGTERM
    orphaned_with: signal.Signals = signal.SIGKILL  # sent by the kernel when we are killed


@dataclass(frozen=True)
class Child:
    """A running program."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path

    def explain(self) -> str:
        """How it ended, with the last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:]
        ended = f"{self.program.name} ended with code {self.process.returncode}; {self.log} ends:"
        return "\n  ".join([ended, *lines])


class Children:
    """All processes that belong to one `serve`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._running: list[Child] = []

    def start(self, program: Program) -> Child:
        """Start a program that goes on until `stop`.

        It gets a session of its own, so that Ctrl-C reaches only us and the order of
        stopping stays ours, and a bond to this process, so that even `kill -9` of it
        leaves nothing running.
        """
        log = self._state.path("log", f"{program.name}.log")
        user, group, groups = _identity(program.account)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(word) for word in program.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=self._environment(program),
                start_new_session=True,
                preexec_fn=_bond(program.orphaned_with),  # noqa: PLW1509 - we use no threads
                user=user,
                group=group,
                extra_groups=groups,
            )
        child = Child(program, process, log)
        self._running.append(child)
        return child

    def finish(self, child: Child) -> None:
        """Wait until a program that ends by itself has ended well."""
        child.process.wait()
        self._running.remove(child)
        if child.process.returncode != 0:
            raise DemoError(child.explain())

    def run(self, program: Program) -> None:
        """Run a program to its end."""
        self.finish(self.start(program))

    def await_answer(self, child: Child, asks: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait until the program answers; complain when it ends or stays silent."""
        limit = time.monotonic() + seconds
        while not asks():
            if child.process.poll() is not None:
                raise DemoError(child.explain())
            if time.monotonic() > limit:
                raise DemoError(f"{child.program.name} did not answer in {seconds} s: see {child.log}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise when a program that should go on has ended."""
        for child in self._running:
            if child.process.poll() is not None:
                raise DemoError(child.explain())

    def stop(self) -> None:
        """Stop all, the last one started first; those that will not go are killed."""
        while self._running:
            child = self._running.pop()
            if child.process.poll() is None:
                child.process.send_signal(child.program.stop_with)
            try:
                child.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def _environment(self, program: Program) -> dict[str, str]:
        # Only what is named here: these systems read KINTO_*, TRYTOND_* and PG* by
        # themselves, and our caller's secrets are none of their business.
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        home = {"HOME": str(self._state.folder), "USER": "demo", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return kept | home | dict(program.settings)


def _bond(orphaned_with: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def in_child() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(orphaned_with), 0, 0, 0)
        if os.getppid() != parent:  # it was killed before the bond was made
            os._exit(1)

    return in_child


def _identity(account: str | None) -> tuple[int | None, int | None, list[int] | None]:
    if account is None:
        return None, None, None
    entry = pwd.getpwnam(account)
    return entry.pw_uid, entry.pw_gid, []


def claim_port(port: int, *, option: str, patience: float = 3) -> None:
    """Make sure that a port is free; one that we just gave up may need a moment."""
    limit = time.monotonic() + patience
    while not _is_free(port):
        if time.monotonic() > limit:
            variable = "HUB_DEMO_" + option.lstrip("-").replace("-", "_").upper()
            raise DemoError(
                f"port {port} on {HOST} is in use by another program: "
                f"choose another with {option} PORT or {variable}=PORT"
            )
        time.sleep(0.1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
