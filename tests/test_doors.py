"""One door out: who imports a way to the network, and who opens one."""

import ast
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests import doors
from tests.test_house import ROOT, named, sources

# What import contracts cannot tell from harmless parts of the same package; the others stand in pyproject.toml.
HIDDEN = {"urllib.request", "http.client", "http.server", "logging.handlers", "multiprocessing.connection", "imp"}
# By these a module is imported without saying so, or a program that has ways of its own is started.
LOOPHOLES = {"__import__", "import_module", "exec_module"}
ALLOWED = {
    "hub/http/": "the one door out",
    "hub/supervisor/probes.py": "asks our own web process on this machine whether it is ready",
    "hub/registry.py": "finds the folders of connectors",
    "hub/supervisor/web.py": "loads the web application before it serves it",
}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, by its whole name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(tree: ast.AST) -> Iterator[str]:
    """The last word of everything that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            yield getattr(function, "attr", "") or getattr(function, "id", "")


def ways_out(path: Path) -> list[str]:
    """The ways to the network that a file makes for itself."""
    tree = ast.parse(path.read_text())
    return sorted({*imported(tree)} & HIDDEN | {*called(tree)} & LOOPHOLES)


class TestImports:
    def test_lead_out_in_one_place_only(self) -> None:
        found = {
            named(path): ways
            for path in sources("hub", "connectors")
            if not named(path).startswith(tuple(ALLOWED)) and (ways := ways_out(path))
        }

        assert found == {}

    @pytest.mark.parametrize(
        "line", ["from urllib import request", "import urllib.request as r", "from http.client import HTTPConnection",
                 "import importlib\nimportlib.import_module('soc' 'ket')", "__import__('socket')"],
    )  # fmt: skip
    def test_of_a_hidden_way_are_found(self, line: str, tmp_path: Path) -> None:
        file = tmp_path / "sly.py"
        file.write_text(line)

        assert ways_out(file)

    def test_have_exceptions_that_are_there(self) -> None:
        assert [place for place in [*ALLOWED, *doors.ALLOWED] if not (ROOT / place).exists()] == []


class TestAConnection:
    def test_from_elsewhere_is_noticed(self) -> None:
        place = f"{doors.ROOT}connectors/sly.py"
        exec(compile("def call(sock, to):\n    sock.connect(to)\n", place, "exec"), found := {})  # type: ignore[var-annotated]
        with socket.socket() as sock, suppress(OSError):
            found["call"](sock, ("127.0.0.1", 1))

        assert doors.elsewhere == ["connectors/sly.py:2 connected to ('127.0.0.1', 1)"]
        doors.elsewhere.clear()

    def test_from_a_thread_of_its_own_is_noticed(self) -> None:
        place = f"{doors.ROOT}hub/services/sly.py"
        body = "    try:\n        socket.create_connection(('127.0.0.1', 1))\n    except OSError:\n        pass\n"
        source = f"import socket\ndef call():\n{body}"
        exec(compile(source, place, "exec"), found := {})  # type: ignore[var-annotated]
        thread = threading.Thread(target=found["call"])
        thread.start()
        thread.join()

        assert [one.partition(" ")[0] for one in doors.elsewhere] == ["hub/services/sly.py:4"]
        doors.elsewhere.clear()

    def test_of_a_test_is_nobodys_business(self) -> None:
        with socket.socket() as sock, suppress(OSError):
            sock.connect(("127.0.0.1", 1))

        assert doors.elsewhere == []
