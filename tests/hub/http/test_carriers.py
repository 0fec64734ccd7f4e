"""Both carriers are one thing to whoever calls, and each call takes the one that suits it."""

import gzip
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.http import NotSentError, Transport, WireAnswer, WireRequest
from hub.http.session import SessionTransport
from hub.http.transport import LostAnswerError, TransportError
from hub.http.wire import WireTransport
from tests.hub.http.calls import client_of
from tests.hub.http.wires import Wire, always, serving

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = gzip.compress(b"x" * 5000)
ANSWERS: dict[str, bytes] = {
    "sized": OK + b"Content-Length: 2\r\n\r\n{}",
    "open": OK + b"\r\n[1]",
    "old": b"HTTP/1.0 200 OK\r\n\r\n[1]",
    "chunked, with trailers": CHUNKED + b"3;a=b\r\n[1,\r\n2\r\n2]\r\n0\r\nX: y\r\n\r\n",
    "chunked and sized": OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "packed": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}"),
    "empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
    "after a go-ahead": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 2\r\n\r\n{}",
    "repeated headers": OK + b"Link: <a>\r\nLink: <b>\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" + EMPTY,
    "folded headers": OK + b"X-A: one\r\n two\r\n\t three\r\n" + EMPTY,
    "headers that are no text": OK + b"X-A: \xff\xe4\r\n" + EMPTY,
    "a header without a colon": OK + b"Nonsense\r\n" + EMPTY,
    "a length in words": OK + b"Content-Length: two\r\n\r\n{}",
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "a status in words": b"HTTP/1.1 fine\r\n" + EMPTY,
    "a header without end": OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
    "headers without end": OK + b"X: y\r\n" * 150 + b"\r\n",
    "short": OK + b"Content-Length: 100\r\n\r\n{",
    "a chunk of no size": CHUNKED + b"zz\r\n[1,\r\n",
    "a short chunk": CHUNKED + b"20\r\n[1,",
    "no last chunk": CHUNKED + b"3\r\n[1,\r\n",
    "too large": OK + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000,
    "too large unpacked": OK + b"Content-Encoding: gzip\r\n\r\n" + PACKED,
    "packed and short": OK + b"Content-Encoding: gzip\r\n\r\n" + PACKED[:12],
    "packed badly": OK + b"Content-Encoding: gzip\r\n\r\nhello",
    "packed otherwise": OK + b"Content-Encoding: br\r\n\r\nhello",
}


class TestCarriers:
    """What either carrier does, the other does too."""

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    @pytest.mark.parametrize("said", ANSWERS.values(), ids=ANSWERS)
    def test_understand_an_answer_alike(self, said: bytes, method: str) -> None:
        def script(wire: Wire) -> None:
            wire.read()
            wire.say(said)

        with serving(script) as server:
            wire, session = (outcome(kind, wanted(server.url, method)) for kind in (WireTransport, SessionTransport))

        assert session == wire

    @pytest.mark.parametrize("body", [None, b"", b"{}"])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE"])
    def test_ask_alike(self, method: str, body: bytes | None) -> None:
        with serving(always()) as server:
            request = wanted(server.url, method, body=body, target="/a/../b%2fc?x=100%&y[z]=1")
            for kind in (WireTransport, SessionTransport):
                outcome(kind, request)

        wire, session = server.asked
        assert session.splitlines()[0] == f"{method} /a/../b%2fc?x=100%&y[z]=1 HTTP/1.1".encode()
        assert lines(session) == lines(wire)

    @pytest.mark.parametrize("target", ["/a b", "/ä", "/a\r\nX-Evil: 1"])
    @pytest.mark.parametrize("kind", [WireTransport, SessionTransport])
    def test_send_nothing_of_what_cannot_be_written(self, kind: Callable[[], Transport], target: str) -> None:
        with serving(always()) as server, pytest.raises(NotSentError) as caught:
            kind().send(wanted(server.url, "GET", target=target))

        assert caught.value.settled
        assert server.asked == []

    @pytest.mark.parametrize("kind", [WireTransport, SessionTransport])
    def test_do_not_keep_a_connection_whose_answer_was_lost(self, kind: Callable[[], Transport]) -> None:
        def script(wire: Wire) -> None:
            while asked := wire.read():
                wire.answer(b"x" * (2000 if b"/large" in asked else 2))

        carrier = kind()
        with serving(script) as server:
            for target in ("/large", "/small", "/small"):
                outcome(lambda: carrier, wanted(server.url, "GET", target=target), close=False)
            carrier.close()

        assert server.connections == 2

    @pytest.mark.parametrize("kind", [WireTransport, SessionTransport])
    def test_can_be_used_again_after_they_were_closed(self, kind: Callable[[], Transport]) -> None:
        carrier = kind()
        with serving(always()) as server:
            for _ in range(2):
                assert carrier.send(wanted(server.url, "GET")).status == 200
                carrier.close()

        assert server.connections == 2

    @pytest.mark.parametrize("kind", [WireTransport, SessionTransport])
    def test_send_a_body_that_the_other_side_takes_slowly(self, kind: Callable[[], Transport]) -> None:
        def script(wire: Wire) -> None:
            time.sleep(0.1)  # until then no more leaves than the buffers on the way hold
            while wire.read():
                wire.answer()

        carrier = kind()
        with serving(script) as server:
            for _ in range(2):
                request = replace(wanted(server.url, "POST"), body=b"x" * 8_000_000)
                assert carrier.send(request).status == 200
            carrier.close()

        assert [len(asked.partition(b"\r\n\r\n")[2]) for asked in server.asked] == [8_000_000] * 2
        assert server.connections == 1

    @pytest.mark.parametrize("kind", [WireTransport, SessionTransport])
    def test_end_at_the_deadline_where_the_other_side_takes_nothing(self, kind: Callable[[], Transport]) -> None:
        carrier = kind()
        with serving(lambda wire: time.sleep(1)) as server:
            request = replace(wanted(server.url, "POST"), body=b"x" * 8_000_000, timeout=0.2)
            started = time.monotonic()
            with pytest.raises(LostAnswerError):
                carrier.send(request)
            assert time.monotonic() - started < 0.8
            carrier.close()


class TestChoice:
    """Which carrier a call takes."""

    @pytest.mark.parametrize(
        ("method", "sending", "carrier"),
        [
            ("GET", {}, SessionTransport),
            ("HEAD", {}, SessionTransport),
            ("POST", {"safe": True}, SessionTransport),
            ("POST", {}, WireTransport),
            ("PATCH", {}, WireTransport),
            ("DELETE", {}, WireTransport),
            ("GET", {"safe": False}, WireTransport),
        ],
    )
    def test_depends_on_whether_it_only_asks(
        self, monkeypatch: pytest.MonkeyPatch, method: str, sending: dict[str, Any], carrier: type
    ) -> None:
        taken: list[type] = []
        for kind in (SessionTransport, WireTransport):
            monkeypatch.setattr(kind, "send", noting(kind, taken))

        with serving(always()) as server:
            client = client_of(server)
            client.call(method, "/things", **sending)
            client.close()

        assert taken == [carrier]

    def test_stays_the_same_through_a_redirect(self) -> None:
        def script(wire: Wire) -> None:
            while asked := wire.read():
                wire.answer(b"", "Location: /new", status="302 Found" if b"/old" in asked else "200 OK")

        with serving(script) as server:
            client = client_of(server)
            assert client.call("GET", "/old").ok
            client.close()

        assert server.connections == 1


def wanted(origin: str, method: str, *, body: bytes | None = None, target: str = "/things") -> WireRequest:
    """A request that takes at most 1,000 bytes for an answer."""
    headers = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "hub", "x-key": "k1"}
    return WireRequest(method, origin, target, headers, body, timeout=5.0, max_bytes=1000)


def outcome(
    kind: Callable[[], Transport], request: WireRequest, *, close: bool = True
) -> WireAnswer | tuple[type, str]:
    """The answer, or the error and its words."""
    carrier = kind()
    try:
        return carrier.send(request)
    except TransportError as error:
        return type(error), str(error)
    finally:
        if close:
            carrier.close()


def lines(asked: bytes) -> list[bytes]:
    """The lines of a request in an order of their own."""
    return sorted(asked.lower().splitlines())


def noting(kind: type[Transport], taken: list[type]) -> Callable[[Transport, WireRequest], WireAnswer]:
    """The carrier's own `send`, which also notes that it was taken."""
    send = kind.send

    def noted(self: Transport, request: WireRequest) -> WireAnswer:
        taken.append(kind)
        return send(self, request)

    return noted
