"""One process of the hub: started, watched, restarted when it dies, stopped."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hub.management.bond import tied_to_me

DEATHS, WITHIN_SECONDS = 5, 60.0
FIRST_DELAY, LONGEST_DELAY = 0.5, 8.0
LARGEST_LOG = 20_000_000
LINES_SHOWN = 12

logger = logging.getLogger(__name__)


class GaveUpError(Exception):
    """A process does not stay alive; the text names it and how it ended."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `stage`: those started later are stopped earlier. `settings`: environment variables."""

    name: str
    command: Sequence[str | Path]
    stage: int
    settings: Mapping[str, str] = field(default_factory=dict)
    goes_on: bool = True
    speaks_to_terminal: bool = False
    orphaned_by: signal.Signals = signal.SIGKILL  # what the kernel sends it when the supervisor is killed


def manage(name: str, *words: str, stage: int) -> Program:
    """A program that is one of the hub's own commands."""
    return Program(name, [sys.executable, "manage.py", *words], stage, {"HUB_DB_POOL": "0"})


def once(program: Program, *, speaks_to_terminal: bool = False) -> Program:
    """A program that ends by itself."""
    return replace(program, goes_on=False, speaks_to_terminal=speaks_to_terminal)


class Child:
    """A program and the process that is running it now."""

    def __init__(self, program: Program, folder: Path, logs: Path) -> None:
        """Start it in `folder`; what it says goes to a file of its name in `logs`."""
        self.program = program
        self.log = logs / f"{program.name}.log"
        self._folder = folder
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._again_at: float | None = None
        self._process = self._start()

    @property
    def is_running(self) -> bool:
        """Whether a process is there."""
        return self._process.poll() is None

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended, and well."""
        return self._process.poll() == 0

    def keep_alive(self) -> None:
        """Start it again, after a growing pause, when it has died. Raises GaveUpError at the fifth death a minute."""
        now = time.monotonic()
        if self._again_at is not None:
            if now >= self._again_at:
                self._again_at, self._process = None, self._start()
        elif not self.is_running and self.program.goes_on:
            self._plan_restart(now)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and never start it again."""
        self._again_at = float("inf")
        if self.is_running:
            self._process.terminate()

    def kill(self) -> None:
        """Leave it no choice."""
        if self.is_running:
            self._process.kill()
            self._process.wait()

    def ending(self) -> str:
        """How it ended, with the last lines it said."""
        code = self._process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with code {code}"
        if self.program.speaks_to_terminal or not self.log.exists():
            return f"{self.program.name} {how}"
        lines = self.log.read_text(errors="replace").splitlines()[-LINES_SHOWN:]
        return "\n    ".join([f"{self.program.name} {how}; {self.log} ends:", *lines])

    def _plan_restart(self, now: float) -> None:
        self._deaths.append(now)
        if len(self._deaths) == DEATHS and now - self._deaths[0] < WITHIN_SECONDS:
            raise GaveUpError(f"{DEATHS} deaths within a minute: {self.ending()}")
        recent = sum(now - death < WITHIN_SECONDS for death in self._deaths)
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (recent - 1))
        self._again_at = now + delay
        logger.warning("%s Starting it again in %.1f s.", self.ending(), delay)

    def _start(self) -> subprocess.Popen[bytes]:
        """In a session of its own, so that Ctrl-C reaches only the supervisor and the order of stopping stays ours."""
        output = None if self.program.speaks_to_terminal else self._open_log()
        try:
            return subprocess.Popen(  # noqa: S603  our own command lines
                [str(word) for word in self.program.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=None if output is None else subprocess.STDOUT,
                cwd=self._folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.settings},
                start_new_session=True,
                preexec_fn=tied_to_me(self.program.orphaned_by),  # noqa: PLW1509  the supervisor has no threads
            )
        finally:
            if output is not None:
                os.close(output)

    def _open_log(self) -> int:
        """The log, after putting a large one aside."""
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
