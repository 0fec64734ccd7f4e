"""What a trial over real processes stands on: servers of its own, third parties, the hub's processes, its stage."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.servers import ROOT, Postgres, Program, Redis, ThirdParties, Web, hub_program

if TYPE_CHECKING:
    from tests.chaos.sender import Sender
    from tests.chaos.stage import Stage

WORKERS, SLICES = 3, 2


@dataclass
class Ground:
    """Everything there is, and the folder with its logs."""

    folder: Path
    postgres: Postgres
    redis: Redis
    third: ThirdParties
    crew: list[Program]
    stage: "Stage"
    sender: "Sender"

    def logs(self) -> Iterator[str]:
        """The end of what each program said."""
        for log in sorted(self.folder.glob("*.log")):
            yield f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}"


@contextmanager
def ground(seed: int) -> Iterator[Ground]:
    """Build it, and take everything away at the end, also when asked to stop. Raises NotThereError."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="storm-", dir="/var/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL may run as somebody else, and has its own folder inside
        postgres = Postgres(folder)
        programs: list[Program] = []
        try:
            yield _built(folder, postgres, seed, programs)
        finally:
            for program in programs:
                program.kill()
            postgres.stop()


def _built(folder: Path, postgres: Postgres, seed: int, programs: list[Program]) -> Ground:
    redis = Redis(folder)
    programs.append(redis)
    third = ThirdParties(folder, seed)
    programs.append(third)
    settings = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "HUB_STATE": str(folder / "state")}
    os.environ |= settings | {"DJANGO_SETTINGS_MODULE": "hub.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)

    import django

    django.setup()
    from tests.chaos.sender import Sender
    from tests.chaos.stage import HOOK, furnish

    stage = furnish(third.port, folder, SLICES)
    crew = [hub_program(f"worker-{number}", "worker", folder, settings) for number in range(WORKERS)]
    crew.append(hub_program("scheduler", "scheduler", folder, settings))
    programs += crew
    web = Web(folder, settings)
    programs.append(web)
    sender = Sender(f"http://127.0.0.1:{web.port}/hooks/{HOOK}", seed)
    return Ground(folder, postgres, redis, third, [*crew, web], stage, sender)
