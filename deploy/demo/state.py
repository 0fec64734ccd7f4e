"""The folder in which the demo systems keep everything: passwords, settings, logs, data."""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

LOGINS = (
    "postgres",  # superuser of the cluster
    "logistics",  # owner of the hub's destination database
    "kinto",  # the account the hub uses in Kinto
    "kinto_database",
    "tryton",  # the administrator of Tryton, whom the hub logs in as
    "tryton_database",
)


class DemoError(Exception):
    """Something the person at the keyboard can put right; its text says what and how."""


@dataclass(frozen=True)
class Ports:
    """Where the systems listen, on 127.0.0.1."""

    kinto: int
    tryton: int
    postgres: int


class State:
    """One folder, readable only by its owner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def path(self, *parts: str) -> Path:
        """A path inside the folder; its parent exists afterwards."""
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def addresses(self) -> Path:
        """The file that exists exactly while everything answers."""
        return self.folder / "systems.json"

    def create(self) -> None:
        """Make the folder, closed to other people of this machine."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def passwords(self) -> dict[str, str]:
        """The passwords, one for each of LOGINS; made up at the first start."""
        file = self.folder / "passwords.json"
        if not file.exists():
            write_private(file, json.dumps({name: secrets.token_hex(16) for name in LOGINS}))
        known: dict[str, str] = json.loads(file.read_text())
        return known

    def is_done(self, step: str) -> bool:
        """Whether a first-start step went through to its end."""
        return self.path("done", step).exists()

    def mark_done(self, step: str) -> None:
        """Remember that a first-start step went through to its end."""
        self.path("done", step).touch()

    def forget(self) -> None:
        """Forget the first-start steps, since what they made is gone."""
        shutil.rmtree(self.folder / "done", ignore_errors=True)

    def lock(self) -> IO[str]:
        """Take the folder for this process until the returned file is closed."""
        file = self.path("serve.lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise DemoError(f"{self.folder} is already being served by another process") from None
        return file

    def read_addresses(self) -> dict[str, Any]:
        """What `serve` announced."""
        if not self.addresses.exists():
            raise DemoError(f"nothing runs for {self.folder}: start it with `systems.py serve`")
        announced: dict[str, Any] = json.loads(self.addresses.read_text())
        return announced

    def postgres_home(self) -> Path:
        """Where the cluster lives.

        PostgreSQL refuses to run as root. Root therefore hands it to an account without
        rights, which may not be able to look into this folder: the cluster then stands
        under /var/tmp, found again by this folder's name.
        """
        if os.geteuid() != 0:
            return self.folder / "postgres"
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path("/var/tmp") / f"hub-demo-{name}"

    def reset(self) -> None:
        """Remove every trace; the next start begins anew."""
        if not self.folder.exists():
            return
        if not (self.folder / "serve.lock").exists() and any(self.folder.iterdir()):
            raise DemoError(f"{self.folder} does not look like a folder of the demo: not removed")
        self.lock().close()
        shutil.rmtree(self.postgres_home(), ignore_errors=True)
        shutil.rmtree(self.folder)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all at once or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
