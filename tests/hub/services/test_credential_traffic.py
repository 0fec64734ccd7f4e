"""Rotation under traffic: a system that takes the new secret besides the old one refuses not a single call."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connections as databases
from django.utils import timezone

from hub.models import CheckState, Connection, Credential
from hub.sdk import HubError
from hub.services import connection as connections
from hub.services import credential as service
from tests.factories import ConnectionFactory, CredentialFactory

CALLERS = 6
ROUNDS = 3

pytestmark = pytest.mark.django_db(transaction=True)


class System:
    """A JSON API that takes these tokens, and counts what came with which."""

    def __init__(self) -> None:
        self.tokens = {"token-0"}
        self.answers: Counter[int] = Counter()
        self.seen: Counter[str] = Counter()
        self.address = ""


@pytest.fixture
def system() -> Iterator[System]:
    one, lock = System(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status = 200 if token in one.tokens else 401
            with lock:
                one.answers[status] += 1
                one.seen[token] += 1
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    one.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def used(system: System) -> Connection:
    """A connection to it, with its first token."""
    made: Credential = CredentialFactory(name="api", kind="bearer", origins=[])
    service.set_values(credential=made, values={"token": "token-0"}, by=None, origins=[system.address])
    manifest = {"check": "/me", "streams": {"things": {"key": "id", "list": {"path": "/things", "records": ""}}}}
    config = {"base_url": system.address, "auth": "bearer", "manifest": manifest}
    found: Connection = ConnectionFactory(connector="rest", config=config, credential=made)
    return found


class Traffic:
    """Threads that open the connection and call it, one time after the other."""

    def __init__(self, connection: Connection) -> None:
        self.calls, self.failures = 0, list[str]()
        self.ended: Counter[int] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=[connection.pk]) for _ in range(CALLERS)]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, calls: int) -> None:
        """Wait until so many more calls were made."""
        until, limit = self.calls + calls, time.monotonic() + 60
        while self.calls < until and time.monotonic() < limit:
            time.sleep(0.01)
        assert self.calls >= until, self.failures[:3]

    def open_anew(self) -> None:
        """Wait until nothing is in use any more that was opened before."""
        before, limit = self.ended.copy(), time.monotonic() + 60
        names = [thread.ident or 0 for thread in self._threads]
        while any(self.ended[name] == before[name] for name in names) and time.monotonic() < limit:
            time.sleep(0.01)

    def _call(self, pk: int) -> None:
        while not self._stop.is_set():
            try:
                with connections.opened(Connection.objects.get(pk=pk)) as conversation:
                    for _ in range(3):  # what is open goes on with what it was opened with
                        conversation.check()
                        self.calls += 1
            except HubError as error:
                self.failures.append(str(error))
            self.ended[threading.get_ident()] += 1
        databases.close_all()


def test_no_call_fails_while_a_secret_is_rotated(system: System, used: Connection) -> None:
    row = used.credential
    assert row is not None
    with Traffic(used) as traffic:
        traffic.go_on(30)
        for number in range(1, ROUNDS + 1):
            new = f"token-{number}"
            system.tokens.add(new)  # made at the other system, which takes both for a while
            service.stage(credential=row, values={"token": new}, by=None)
            traffic.go_on(20)
            connections.request_checks(of=row, by=None)
            check = used.checks.latest("pk")
            connections.run_check(check_id=check.pk)
            check.refresh_from_db()
            assert check.state == CheckState.REACHABLE, check.message
            service.activate(credential=row, by=None, overlap=timedelta(hours=1))
            traffic.open_anew()
            system.tokens.discard(f"token-{number - 1}")
            service.end_overlaps(timezone.now() + timedelta(hours=2))
            traffic.go_on(30)

    assert traffic.failures == []
    assert set(system.answers) == {200}
    assert system.seen["token-0"]
    assert system.seen[f"token-{ROUNDS}"]


def test_a_wrong_secret_is_found_by_the_test_and_never_used(system: System, used: Connection) -> None:
    row = used.credential
    assert row is not None
    service.stage(credential=row, values={"token": "mistyped"}, by=None)
    connections.request_checks(of=row, by=None)
    connections.run_check(check_id=used.checks.latest("pk").pk)

    assert used.checks.latest("pk").state == CheckState.UNAUTHORISED
    with pytest.raises(HubError, match="Test it first"):
        service.activate(credential=row, by=None)


def test_replacing_at_once_is_never_seen_half_done(system: System, used: Connection) -> None:
    row = used.credential
    assert row is not None
    with Traffic(used) as traffic:
        traffic.go_on(20)
        for number in range(1, 4):
            new = f"token-{number}"
            system.tokens.add(new)
            service.set_values(credential=row, values={"token": new}, by=None)
            traffic.go_on(30)

    assert traffic.failures == []
