"""One real Tryton for all tests of a process, and a way to look into it that is not the connector's."""

import base64
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from atexit import register
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[3]
DATABASE, USER, PASSWORD = "erp", "admin", "only-for-tests-1"
_SETTINGS = "[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n"
_VERSIONS = "import trytond, trytond.modules.party; from importlib.metadata import version as v; \
print(v('trytond'), v('trytond-party'))"


@dataclass(frozen=True)
class Erp:
    """A Tryton that answers."""

    port: int
    headers: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, *params: Any, archived: bool = True) -> Any:
        """Call a method as the administrator; what Tryton refuses fails the test."""
        said = post(self.port, method, [*params, {"active_test": not archived}], self.headers)
        assert "error" not in said, said
        return said["result"]

    def parties(self) -> dict[str, dict[str, Any]]:
        """All parties, archived ones too, as the connector should see them."""
        fields = ["name", "code", "lang", "active"]
        rows = self.call("model.party.party.search_read", [], 0, None, None, fields)
        texts = {row["id"]: row["code"] for row in self.call("model.ir.lang.search_read", [], 0, None, None, ["code"])}
        return {
            str(row["id"]): {
                "name": row["name"],
                "code": row["code"],
                "lang": texts.get(row["lang"]),
                "active": bool(row["active"]),
            }
            for row in rows
        }

    def add(self, *parties: Mapping[str, Any]) -> list[str]:
        """Enter parties in one transaction; returns their keys."""
        return [str(key) for key in self.call("model.party.party.create", list(parties))]

    def edit(self, key: str, values: Mapping[str, Any]) -> None:
        """Somebody edits a party."""
        self.call("model.party.party.write", [int(key)], values)

    def clear(self) -> None:
        """Remove all parties, and with them what belongs to them."""
        keys = self.call("model.party.party.search", [], 0, None, None)
        if keys:
            self.call("model.party.party.delete", keys)


def post(port: int, method: str, params: list[Any], headers: Mapping[str, str], path: str = f"/{DATABASE}/rpc/") -> Any:
    """One JSON-RPC call."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"id": 1, "method": method, "params": params})
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, (answer.status, text)
    return json.loads(text)


@cache
def erp() -> Erp:
    """The Tryton of this process, started at first use and stopped at the end. Skips where there is none."""
    python = _python()
    folder = Path(mkdtemp(prefix="tryton-"))
    register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copy(_template(python), folder / f"{DATABASE}.sqlite")
    port = free_port()
    settings = _write_settings(folder, port)
    command = [python, "-m", "trytond.cli", "-c", settings, "-d", DATABASE]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            env=_environment(),
            preexec_fn=_die_with_us,  # noqa: PLW1509  it makes one system call and no thread can be waited for
        )
    register(_stop, server)
    _await(server, port, folder / "log")
    number, token, _ = post(port, "common.db.login", [USER, {"password": PASSWORD}, "en"], {})["result"]
    pair = base64.b64encode(f"{USER}:{number}:{token}".encode()).decode()
    return Erp(port, {"Authorization": f"Session {pair}"})


def _python() -> str:
    """The interpreter that has Tryton; it is not the hub's."""
    python = os.environ.get("HUB_DEMO_PYTHON") or str(ROOT / ".venv-demo/bin/python")
    if not Path(python).exists():
        pytest.skip(f"{python} is not there; HUB_DEMO_PYTHON names a Python that has trytond and trytond-party.")
    return python


def _template(python: str) -> Path:
    """An empty database with the party module. Making it takes some 20 seconds, so it is kept between runs."""
    asked = subprocess.run([python, "-W", "ignore", "-c", _VERSIONS], capture_output=True, text=True, check=False)
    if asked.returncode:
        pytest.skip(f"{python} has no trytond with the party module.")
    folder = ROOT / ".pytest_cache/tryton"
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / f"{asked.stdout.strip().replace(' ', '-')}.sqlite"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            _make(python, ready)
    return ready


def _make(python: str, ready: Path) -> None:
    folder = Path(mkdtemp(prefix="tryton-making-"))
    database, password = folder / f"{DATABASE}.sqlite", folder / "password"
    database.touch()  # Tryton fills an SQLite database, but does not create its file
    password.write_text(f"{PASSWORD}\n")
    settings = _write_settings(folder, port=0)
    modules = ["--update", "ir", "res", "party", "--activate-dependencies", "--email", "admin@erp.example"]
    command = [python, "-m", "trytond.cli.admin", "-c", settings, "-d", DATABASE, *modules]
    made = subprocess.run(
        command,
        env=_environment() | {"TRYTONPASSFILE": str(password)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    shutil.move(database, ready)  # closed, so that nothing of it is left in its log
    shutil.rmtree(folder)


def _write_settings(folder: Path, port: int) -> str:
    settings = folder / "tryton.conf"
    settings.write_text(_SETTINGS.format(folder=folder, port=port))
    return str(settings)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("TRYTOND_", "PYTHON"))}


def _await(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            post(port, "common.server.version", [], {}, path="/rpc/")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Tryton did not start:\n{log.read_text()[-2000:]}")


def _die_with_us() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
