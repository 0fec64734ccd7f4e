"""The one door out: what is sent, what comes back, and what ends a call."""

import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hub.http import Basic, Bearer, HeaderKey
from hub.sdk import (
    ConfigError,
    RecordError,
    Secret,
    SilenceError,
    TransientError,
)
from tests.hub.http.calls import call, client_of, drip
from tests.hub.http.wires import Script, Wire, always, serving

pytestmark = pytest.mark.usefixtures("carrier")


class TestCall:
    """What is sent, and what comes back."""

    def test_sends_json_and_reads_json_without_rounding(self) -> None:
        with serving(always(b'{"price": 12.50, "big": 9007199254740993}')) as server:
            client = client_of(server)
            response = client.call("POST", "/things", json={"price": Decimal("0.10"), "day": date(2026, 1, 2)})
            client.close()

        assert server.asked[0].endswith(b'{"price":0.10,"day":"2026-01-02"}')
        assert response.json() == {"price": Decimal("12.50"), "big": 9007199254740993}
        assert str(response.json()["price"]) == "12.50"

    def test_puts_the_base_before_a_path_and_adds_parameters(self) -> None:
        with serving(always()) as server:
            client = client_of(server)
            client.base_url += "/api/v1/"
            client.call("GET", "/things", params={"q": "ä b", "page": 2})
            client.close()

        assert server.asked[0].startswith(b"GET /api/v1/things?q=%C3%A4+b&page=2 HTTP/1.1")

    def test_keeps_one_connection_for_many_calls(self) -> None:
        with serving(always()) as server:
            client = client_of(server)
            for _ in range(20):
                client.call("GET", "/things")
            client.close()

        assert server.connections == 1

    def test_opens_another_connection_when_the_kept_one_was_closed(self) -> None:
        def once(wire: Wire) -> None:
            wire.read()
            wire.answer()

        with serving(once) as server:
            client = client_of(server)
            client.call("POST", "/things")
            time.sleep(0.05)
            client.call("POST", "/things")
            client.close()

        assert server.connections == 2

    def test_may_be_shared_between_threads(self) -> None:
        def echo(wire: Wire) -> None:
            while asked := wire.read():
                wire.answer(asked.split()[1])

        with serving(echo) as server, ThreadPoolExecutor(8) as pool:
            client = client_of(server)
            paths = [f"/{number}" for number in range(200)]
            answers = list(pool.map(lambda path: client.call("GET", path).text, paths))
            client.close()

        assert answers == paths

    def test_unpacks_gzip(self) -> None:
        assert call(always(gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip")).json() == {"a": 1}

    def test_reads_a_body_in_chunks(self) -> None:
        def script(wire: Wire) -> None:
            wire.read()
            wire.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")

        assert call(script).json() == [1, 2]

    def test_reads_nothing_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

        assert call(always()).ok

    @pytest.mark.parametrize(
        ("auth", "header"),
        [
            (Basic("hub", Secret("pä")), b"authorization: Basic aHViOnDDpA=="),
            (Bearer(Secret("t0")), b"authorization: Bearer t0"),
            (HeaderKey("X-Api-Key", Secret("k1")), b"x-api-key: k1"),
        ],
    )
    def test_proves_who_is_calling(self, auth: Any, header: bytes) -> None:
        with serving(always()) as server:
            client = client_of(server, auth=auth)
            client.call("GET", "/things", headers={"Authorization": "forged", "X-API-KEY": "forged"})
            client.close()

        assert header.lower() in server.asked[0].lower()
        assert server.asked[0].lower().count(header.partition(b":")[0]) == 1

    def test_leaves_a_refusal_to_the_connector(self) -> None:
        response = call(always(b'{"message": "no"}', status="422 No"), "POST")

        assert response.refused
        assert not response.ok
        assert response.json() == {"message": "no"}

    def test_refuses_a_header_with_a_line_break_before_anything_is_sent(self) -> None:
        with serving(always()) as server:
            client = client_of(server)
            with pytest.raises(ConfigError):
                client.call("POST", "/things", headers={"Idempotency-Key": "a\r\nX-Evil: 1"})
            client.close()

        assert server.asked == []

    def test_refuses_what_json_cannot_say(self) -> None:
        with pytest.raises(RecordError):
            call(always(), "POST", json={"price": float("nan")})


class TestDeadline:
    """One deadline for everything."""

    @pytest.mark.parametrize(
        ("head", "every"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
            (b"HTTP/1.1 200", b" "),
        ],
        ids=["sized", "chunked", "open", "headers", "status"],
    )
    def test_ends_an_answer_that_drips(self, head: bytes, every: bytes) -> None:
        with pytest.raises(TransientError, match=r"within 0\.2 seconds"):
            call(drip(head, every), timeout=0.2)

    def test_leaves_a_write_without_an_answer_in_doubt(self) -> None:
        with pytest.raises(SilenceError, match="may have taken effect"):
            call(drip(b"", b""), "POST", timeout=0.2)

    def test_counts_redirects_in(self) -> None:
        def slow(wire: Wire) -> None:
            while wire.read():
                time.sleep(0.15)
                wire.answer(b"", "Location: /again", status="302 Found")

        with pytest.raises(TransientError):
            call(slow, timeout=0.3)


class TestSize:
    """An answer has a largest size."""

    @pytest.mark.parametrize(
        "script",
        [
            always(b"x" * 2000),
            always(gzip.compress(b"x" * 2000), "Content-Encoding: gzip"),
            drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"),
        ],
        ids=["sized", "packed", "chunked"],
    )
    def test_stops_a_read_and_says_what_to_do(self, script: Script) -> None:
        with pytest.raises(ConfigError, match=r"larger than 1000|more than 1000"):
            call(script, max_bytes=1000)

    def test_leaves_a_write_in_doubt(self) -> None:
        with pytest.raises(SilenceError):
            call(always(b"x" * 2000), "POST", max_bytes=1000)


class TestRedirect:
    """Where a call may be sent on to."""

    def test_is_followed_for_a_read_at_the_same_origin(self) -> None:
        def script(wire: Wire) -> None:
            while asked := wire.read():
                if asked.startswith(b"GET /old"):
                    wire.answer(b"", "Location: /new?x=1", status="301 Moved")
                else:
                    wire.answer(asked.split()[1])

        assert call(script, path="/old").text == "/new?x=1"

    def test_is_never_followed_to_another_origin(self) -> None:
        with serving(always()) as other:
            script = always(b"", f"Location: {other.url}/new", status="302 Found")

            with pytest.raises(ConfigError, match="redirects to another origin"):
                call(script, auth=Bearer(Secret("t0ken")))

        assert other.connections == 0

    @pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
    def test_is_never_followed_for_a_write(self, status: str) -> None:
        with serving(always(b"", "Location: /new", status=status)) as server:
            client = client_of(server)
            with pytest.raises(ConfigError, match="redirected"):
                client.call("POST", "/things", json={})
            client.close()

        assert len(server.asked) == 1

    def test_ends_when_it_goes_in_circles(self) -> None:
        with pytest.raises(ConfigError, match="redirected"):
            call(always(b"", "Location: /again", status="302 Found"))
