"""Webhooks through the real web server, on a database of its own."""

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hub.engine import signature
from hub.supervisor import web
from tests.ports import free_port
from tests.processes import is_there, until

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(b"the secret of the tests").decode()
HOW = signature.scheme("standard", {})
PREPARED = f"""
import django; django.setup()
from django.core.management import call_command
call_command("migrate", "--no-input", verbosity=0)
from hub.models import Connection, Webhook
from hub.services import webhook
there = Connection.objects.create(name="shop", title="Shop", connector="files")
hook = Webhook.objects.create(name="shop", title="Shop", connection=there)
webhook.set_secret(webhook=hook, secret={SECRET!r}, by=None)
"""
SERVED = """
import os, hub.wsgi
from hub.services.delivery import slow
slow.BODY_SECONDS = 1.0
from hub.supervisor import web
web.main()
"""
SLOW_TO_START = """
import time, hub.wsgi
from hub.supervisor import web
begin = web.application
def slowly(target, *, server):
    time.sleep(2)
    return begin(target, server=server)
web.application = slowly
web.main()
"""
STORED = """
import django; django.setup()
from hub.models import Delivery
print(*Delivery.objects.values_list("delivery_id", flat=True))
"""


def told(id_: str) -> bytes:
    """A signed delivery as bytes on the wire."""
    body = json.dumps({"type": "order.paid", "id": id_, "note": "x" * 400}).encode()
    key = signature.key_of(HOW, SECRET)
    signed = signature.sign(HOW, key, body, id_=id_, timestamp=int(time.time()))
    headers = {"Host": "hub", "Content-Type": "application/json", "Content-Length": str(len(body)), **signed}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /hooks/shop HTTP/1.1\r\n{lines}\r\n".encode() + body


def answer(line: socket.socket) -> str:
    """The status of the answer; empty when the connection ended."""
    found = b""
    while b"\r\n\r\n" not in found or not found.endswith((b"stored", b"slowly")):
        try:
            more = line.recv(4096)
        except ConnectionError:
            return ""
        if not more:
            return ""
        found += more
    return found[9:12].decode()


@dataclass
class Server:
    """The web server, with a webhook."""

    environment: dict[str, str]
    port: int
    process: "subprocess.Popen[bytes]"
    answered: list[str] = field(default_factory=list)

    def line(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), 20)

    def stored(self) -> list[str]:
        """The deliveries in the database."""
        return run(STORED, self.environment).split()

    def send_many(self, name: str, until: Callable[[], bool]) -> None:
        """One after the other over a kept connection, made anew when it ends."""
        line, number = self.line(), 0
        while not until():
            number += 1
            id_ = f"{name}-{number}"
            with contextlib.suppress(OSError):
                line.sendall(told(id_))
                if answer(line) == "202":
                    self.answered.append(id_)
                    continue
            line.close()
            with contextlib.suppress(OSError):
                line = self.line()
        line.close()


def run(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    made = {
        **kept, "DJANGO_SETTINGS_MODULE": "hub.settings", "HUB_STATE": str(tmp_path), "HUB_PORT": str(free_port()),
        "HUB_BIND": "127.0.0.1",
    }  # fmt: skip
    run(PREPARED, made)
    return made


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, "-c", SERVED], cwd=ROOT, env=environment)
    made = Server(environment, int(environment["HUB_PORT"]), process)
    until(lambda: _answers(made))
    yield made
    process.terminate()
    process.wait(30)


def _answers(server: Server) -> bool:
    with contextlib.suppress(OSError):
        server.line().close()
        return True
    return False


@pytest.fixture
def lines() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as kept:
        yield kept


def begun(server: Server, lines: contextlib.ExitStack, count: int) -> list[socket.socket]:
    """So many deliveries that never end."""
    found = [lines.enter_context(server.line()) for _ in range(count)]
    for number, line in enumerate(found):
        line.sendall(told(f"slow-{number}")[:-100])
    return found


def test_a_body_that_trickles_is_answered_in_time_and_its_thread_is_free_again(
    server: Server, lines: contextlib.ExitStack
) -> None:
    for line in begun(server, lines, 6):
        assert answer(line) == "408"
        line.close()
    with server.line() as line:
        line.sendall(told("m1"))
        assert answer(line) == "202"

    assert server.stored() == ["m1"]


def test_bodies_that_never_end_leave_threads_for_the_pages(server: Server, lines: contextlib.ExitStack) -> None:
    more_than_threads = 80
    begun(server, lines, more_than_threads)
    time.sleep(3)

    with server.line() as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert b" 200 " in line.recv(200)


def test_what_was_answered_is_stored_also_when_a_process_is_killed(server: Server) -> None:
    stop = threading.Event()
    threads = [threading.Thread(target=server.send_many, args=[f"c{number}", stop.is_set]) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(1)
        for child in children(server.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            break
    time.sleep(2)
    stop.set()
    for thread in threads:
        thread.join(30)

    assert len(server.answered) > 20
    assert set(server.answered) <= set(server.stored())


@pytest.mark.parametrize("code", [SERVED, SLOW_TO_START], ids=["serving", "just starting"])
def test_no_process_outlives_a_server_that_is_killed(environment: dict[str, str], code: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment)
    until(lambda: len(children(process.pid)) == web.PROCESSES)
    serving = children(process.pid)
    if code == SERVED:
        time.sleep(2)  # they have come to the server by now; the others have not

    process.kill()
    process.wait(30)

    deadline = time.monotonic() + 20
    while any(map(is_there, serving)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [pid for pid in serving if is_there(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def children(pid: int) -> list[int]:
    """The processes it started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
