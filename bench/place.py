"""Where a benchmark runs: fresh databases, the API in a process of its own, the peer's environment."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / "bench/.venv"
LOCK = ROOT / "bench/requirements/peer.txt"


def install_peer() -> Path:
    """The Python of the peer's environment, made from its lock when it is not there."""
    subprocess.run([ROOT / "deploy/install.sh", PEER, LOCK], cwd=ROOT, check=True)
    return PEER / "bin/python"


@contextmanager
def api(records: int, latency: float = 0.0) -> Iterator[str]:
    """The address of a fresh API."""
    command = [sys.executable, ROOT / "bench/server.py", "--records", str(records), "--latency", str(latency)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout
        yield child.stdout.readline().strip()
    finally:
        child.terminate()
        child.wait()


def tell(address: str, path: str, method: str = "GET") -> Any:
    """Ask the API something about itself."""
    with urlopen(Request(f"{address}{path}", method=method), timeout=30) as answer:
        return json.loads(answer.read())


@contextmanager
def fresh(name: str) -> Iterator[dict[str, str]]:
    """The environment of an empty database and folder: on the server in DATABASE_URL, or an SQLite file."""
    with tempfile.TemporaryDirectory() as folder, _database(name, folder) as environment:
        yield environment


@contextmanager
def _database(name: str, folder: str) -> Iterator[dict[str, str]]:
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield {"DATABASE_URL": "", "HUB_STATE": folder}
        return
    _execute(server, f"drop database if exists {name} with (force)", f"create database {name}")
    try:
        yield {"DATABASE_URL": f"{server.rsplit('/', 1)[0]}/{name}", "HUB_STATE": folder}
    finally:
        _execute(server, f"drop database if exists {name} with (force)")


def _execute(server: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def timed(command: list[Any], environment: dict[str, str], folder: str) -> dict[str, float]:
    """What a child printed last, with the seconds of the whole process."""
    env = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0", "HUB_LOG_LEVEL": "ERROR", **environment}
    started = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command], env=env, cwd=folder, capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(str(word) for word in command)} failed:\n{done.stdout}{done.stderr}")
    told = done.stdout.strip().splitlines()
    return {**(json.loads(told[-1]) if told else {}), "wall": wall}
