"""Starts the demo's third-party systems once for all tests of this folder."""

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
import requests

from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "demo" / "systems.py"
_COLD_START = 180  # seconds; some 25 on a quiet machine
_ENDING = 20


@dataclass
class DemoSystems:
    """The running systems, with what the tests may do to them."""

    python: Path
    state: Path
    ports: dict[str, int]
    addresses: dict[str, Any] = field(default_factory=dict)
    _serve: subprocess.Popen[bytes] | None = None
    _output: IO[bytes] | None = None

    def start(self) -> None:
        """Start all; `addresses` afterwards holds what systems.json says."""
        announced = self.state / "systems.json"
        announced.unlink(missing_ok=True)  # a killed predecessor could not take it away
        self._output = self.state.with_suffix(".log").open("ab")
        self._serve = subprocess.Popen(
            [str(word) for word in (*self.command("serve"), *self.port_options())],
            stdout=self._output,
            stderr=self._output,
        )
        limit = time.monotonic() + _COLD_START
        while not announced.exists():
            if self._serve.poll() is not None or time.monotonic() > limit:
                self.stop()
                pytest.fail(self.state.with_suffix(".log").read_text())
            time.sleep(0.1)
        self.addresses = json.loads(announced.read_text())

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Stop all; the code with which `serve` ended."""
        if self._serve is None:
            return 0
        self._serve.send_signal(signum)
        code = self._serve.wait(timeout=60)
        self._serve = None
        if self._output is not None:
            self._output.close()
        return code

    def processes(self) -> dict[int, str]:
        """Every process of the systems, with the time at which it was born."""
        return _family(self._serve.pid) if self._serve is not None else {}

    def await_end(self, family: dict[int, str]) -> list[int]:
        """Wait until these processes have ended; the ones that would not."""
        limit = time.monotonic() + _ENDING
        while left := [pid for pid, born in family.items() if _birth(pid) == born]:
            if time.monotonic() > limit:
                return left
            time.sleep(0.1)
        return []

    def edit(self, number: int) -> list[str]:
        """Make the edits of a round; the lines told, one per edit."""
        command = self.command("edit", "--round", number)
        told = subprocess.run(command, check=True, capture_output=True, text=True)
        return told.stdout.splitlines()

    def command(self, verb: str, *options: object) -> list[str]:
        """The command line of a verb of systems.py."""
        return [str(w) for w in (self.python, SCRIPT, verb, "--state", self.state, *options)]

    def port_options(self) -> list[str]:
        """The options that put each system on its port."""
        return [f"--{name}-port={port}" for name, port in self.ports.items()]


class Kinto:
    """The customer store, as its user."""

    def __init__(self, address: dict[str, str]) -> None:
        self.url = address["url"]
        self.session = requests.Session()
        self.session.auth = (address["user"], address["password"])

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=30, **arguments)

    def customers(self, **parameters: str) -> dict[str, dict[str, Any]]:
        """All customers by id; with `_since`, tombstones too."""
        url = f"{self.url}/buckets/hub/collections/customers/records"
        found: dict[str, dict[str, Any]] = {}
        while url:
            answer = self.session.get(url, params=parameters, timeout=30)
            found |= {customer["id"]: customer for customer in answer.json()["data"]}
            url, parameters = answer.headers.get("Next-Page", ""), {}
        return found


class Tryton:
    """The ERP over JSON-RPC, as its administrator."""

    def __init__(self, address: dict[str, str]) -> None:
        self.url = f"{address['url']}/{address['database']}/rpc/"
        self.session = requests.Session()
        password = {"password": address["password"]}
        user, key, _ = self.call("common.db.login", address["user"], password, "en")["result"]
        token = base64.b64encode(f"{address['user']}:{user}:{key}".encode()).decode()
        self.session.headers["Authorization"] = f"Session {token}"

    def call(self, method: str, *parameters: Any) -> dict[str, Any]:
        body = {"id": 1, "method": method, "params": parameters}
        answer: dict[str, Any] = self.session.post(self.url, json=body, timeout=60).json()
        return answer

    def create(self, *parties: dict[str, Any]) -> dict[str, Any]:
        return self.call("model.party.party.create", parties, {})

    def find(self, code: str) -> list[int]:
        everyone = {"active_test": False}
        found: list[int] = self.call("model.party.party.search", [["code", "like", code]], 0, None, None, everyone)[
            "result"
        ]
        return found

    def remove(self, code: str) -> None:
        self.call("model.party.party.delete", self.find(code), {})


@pytest.fixture(scope="session")
def demo_systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSystems]:
    """Kinto, Tryton, PostgreSQL and the airports' file, seeded, on free ports."""
    python = Path(os.environ.get("HUB_DEMO_PYTHON", ROOT / ".venv-demo" / "bin" / "python"))
    if not python.exists():
        pytest.skip(f"no {python}: make it from deploy/demo/requirements.txt, or set HUB_DEMO_PYTHON")
    state = tmp_path_factory.mktemp("demo") / "state"
    systems = DemoSystems(python, state, free_ports("kinto", "tryton", "postgres"))
    systems.start()
    yield systems
    family = systems.processes()
    systems.stop()
    left = systems.await_end(family)
    subprocess.run(systems.command("reset"), check=True, capture_output=True)
    assert not left, f"still running: {left}"


@pytest.fixture(scope="module")
def kinto(demo_systems: DemoSystems) -> Iterator[Kinto]:
    """The customer store; what a test puts into the collection `scratch` does not stay."""
    store = Kinto(demo_systems.addresses["kinto"])
    store.call("PUT", "/buckets/hub/collections/scratch")
    yield store
    store.call("DELETE", "/buckets/hub/collections/scratch")
    store.session.close()


@pytest.fixture
def tryton(demo_systems: DemoSystems) -> Iterator[Tryton]:
    """The ERP; parties whose code begins with TEST- do not stay."""
    erp = Tryton(demo_systems.addresses["tryton"])
    yield erp
    erp.remove("TEST-%")
    erp.session.close()


def _family(pid: int) -> dict[int, str]:
    known = {int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    members, grew = {pid}, True
    while grew:
        found = {each for each, stat in known.items() if stat and int(stat[1]) in members}
        grew = not found <= members
        members |= found
    return {each: born for each in members if (born := _birth(each))}


def _birth(pid: int) -> str:
    """When the process began, in the kernel's count; empty when it has ended."""
    stat = _stat(pid)
    return stat[19] if stat and stat[0] not in "ZX" else ""


def _stat(pid: int) -> list[str]:
    """The kernel's line about a process from its state on: state, parent, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
