"""The house: which processes make a hub, in which order they start, and how they end together."""

import fcntl
import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import FrameType

from django.conf import settings
from redis.exceptions import RedisError

from hub.env import SettingError
from hub.management import systems
from hub.services import health
from hub.supervisor import embedded, probes
from hub.supervisor.child import Child, GaveUpError, Program, manage, once
from hub.vault import Private

TICK_SECONDS = 0.1
# Within 20 seconds all has ended: a stage is asked, after 8 seconds asked again, after 4 more made to.
ASK_AGAIN_SECONDS, STAGE_SECONDS, ALL_SECONDS = 8.0, 12.0, 18.0
SERVERS, HUB, STORY = range(3)  # stages

logger = logging.getLogger("hub.supervisor")


class Stopped(BaseException):
    """Somebody asked the supervisor to stop; not an error."""


class House:
    """Everything one `manage.py up` runs."""

    def __init__(self, *, demo: bool) -> None:
        """With `demo`: also the demo's third-party systems and its story."""
        self._demo = demo
        self._state = Path(settings.HUB_STATE)
        self._logs = self._state / "log"
        self._children: list[Child] = []
        self._signals = 0
        self._is_announced = False

    def run(self) -> int:
        """Start all, stay until asked to stop, stop all. Returns the exit code."""
        self._logs.mkdir(mode=0o700, exist_ok=True)
        _log_to(self._logs / "up.log")
        with self._only_one():
            self._listen_to_signals()
            try:
                self._start_all()
                while True:
                    self._tick()
                    self._announce_once()
            except Stopped:
                logger.info("Stopping.")
                return 0
            except GaveUpError as problem:
                logger.error("%s", problem)  # noqa: TRY400  the sentence says it all
                logger.error("Stopping, because the hub cannot work without it.")  # noqa: TRY400
                return 1
            finally:
                self._stop_all()

    def _start_all(self) -> None:
        """In this order, because each needs what came before; the demo's systems take longest and go first."""
        self._probe()
        if self._demo:
            systems.addresses().unlink(missing_ok=True)  # left by a killed predecessor
            self._start(_demo_systems())
        if settings.HUB_EMBEDDED_REDIS:
            self._start_redis()
        self._run_to_end(once(manage("migrate", "migrate", "--no-input", stage=HUB)))
        self._forget_dead()
        self._start(_web())
        for number in range(1, settings.HUB_WORKERS + 1):
            self._start(manage(f"worker-{number}", "worker", stage=HUB))
        self._start(_sealing_only(manage("scheduler", "scheduler", stage=HUB)))
        if self._demo:
            self._start(once(manage("demo", "demo", stage=STORY), speaks_to_terminal=True))

    def _probe(self) -> None:
        """Raise SettingError, before anything starts, when something that the settings name is not there."""
        if self._demo:
            _refuse_earnest()
        probes.claim_port()
        probes.database()
        if not settings.HUB_EMBEDDED_REDIS:
            probes.redis(self._tick)

    def _start_redis(self) -> None:
        sock = Path(settings.HUB_REDIS_SOCKET)
        embedded.prepare(sock, self._state / "redis")
        self._start(embedded.program(sock, self._state / "redis", stage=SERVERS))
        embedded.await_answer(sock, self._tick)
        logger.debug("The embedded Redis answers.")

    def _start(self, program: Program) -> Child:
        logger.debug("Starting %s.", program.name)
        child = Child(program, Path(settings.BASE_DIR), self._logs)
        self._children.append(child)
        return child

    def _run_to_end(self, program: Program) -> None:
        """Run something that must end well before the next may start. Raises GaveUpError when it does not."""
        child = self._start(program)
        while child.is_running:
            self._tick()
        if not child.has_succeeded:
            raise GaveUpError(child.ending())
        self._children.remove(child)

    def _tick(self) -> None:
        """Wait a moment and see to the children. Raises Stopped when somebody asked for it."""
        if self._signals:
            raise Stopped
        for child in self._children:
            child.keep_alive()
        time.sleep(TICK_SECONDS)

    def _announce_once(self) -> None:
        if not self._is_announced and probes.is_ready():
            self._is_announced = True
            logger.info("The hub is ready at %s (logs: %s). Ctrl-C stops all of it.", probes.page(), self._logs)

    def _forget_dead(self) -> None:
        """A predecessor that was killed must not make this one look ready."""
        try:
            health.forget_dead()
        except RedisError as error:
            logger.warning("Redis does not answer (%s); its processes wait for it.", type(error).__name__)

    def _stop_all(self) -> None:
        """Stage by stage, the last one first; who does not go is asked again, then killed."""
        if not self._children:
            return
        began = time.monotonic()
        self._signals = 0
        staged = sorted(self._children, key=lambda child: child.program.stage, reverse=True)
        for _, stage in groupby(staged, key=lambda child: child.program.stage):
            self._stop_stage(list(stage), began + ALL_SECONDS)
        self._children.clear()
        logger.info("All stopped.")

    def _stop_stage(self, stage: list[Child], latest: float) -> None:
        now = time.monotonic()
        again_at, limit = now + ASK_AGAIN_SECONDS, min(now + STAGE_SECONDS, latest)
        for child in stage:
            child.ask_to_stop()
        while any(child.is_running for child in stage) and time.monotonic() < limit and not self._signals:
            if time.monotonic() >= again_at:
                again_at = limit
                for child in stage:
                    child.ask_to_stop()
            time.sleep(TICK_SECONDS)
        for child in stage:
            child.kill()

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Hold the state folder. Raises SettingError when another supervisor does."""
        with (self._state / "up.lock").open("a+") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SettingError(
                    f"HUB_STATE={self._state} is in use by a hub that runs already. Stop that one first, or set "
                    f"HUB_STATE to another folder (and HUB_PORT to another port)."
                ) from None
            yield

    def _listen_to_signals(self) -> None:
        def note(signum: int, frame: FrameType | None) -> None:
            self._signals += 1

        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, note)


def _web() -> Program:
    command = [sys.executable, "-m", "hub.supervisor.web"]
    return _sealing_only(Program("web", command, HUB, {"HUB_DB_POOL": "1"}))


def _sealing_only(program: Program) -> Program:
    """A program that is not given what opens secrets, where that is told apart from what seals them."""
    if not settings.HUB_SEAL_PRIVATE:
        return program
    public = settings.HUB_SEAL_PUBLIC or Private(settings.HUB_SEAL_PRIVATE).public()
    kept = {"HUB_SEAL_PUBLIC": ",".join(public), "HUB_SEAL_PRIVATE": "", "HUB_SEAL_PRIVATE_FILE": ""}
    return replace(program, settings={**program.settings, **kept})


def _refuse_earnest() -> None:
    if settings.HUB_ENVIRONMENT != "demo":
        raise SettingError(
            f"HUB_ENVIRONMENT={settings.HUB_ENVIRONMENT} is not for trying out. It must be demo for the demo. "
            f"Unset it, or start without --demo."
        )


def _demo_systems() -> Program:
    try:
        return Program("systems", systems.command("serve"), SERVERS, orphaned_by=signal.SIGTERM)
    except systems.SystemsMissingError as error:
        raise SettingError(str(error)) from None


def _log_to(file: Path) -> None:
    """What the supervisor says goes to the terminal plainly, and to a file with the time."""
    logging.getLogger("hub").setLevel(logging.DEBUG)
    logging.getLogger("hub").propagate = False
    to_terminal, to_file = logging.StreamHandler(sys.stdout), logging.FileHandler(file)
    to_terminal.setLevel(logging.INFO)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for handler in (to_terminal, to_file):
        logging.getLogger("hub").addHandler(handler)
