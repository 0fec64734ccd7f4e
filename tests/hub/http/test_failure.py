"""One verdict for everybody: what answers and silences mean."""

import gzip
from datetime import UTC, datetime

import pytest

from hub.http import exchange_of
from hub.sdk import (
    AuthError,
    ForbiddenError,
    HubError,
    RateLimitedError,
    SilenceError,
    TransientError,
)
from tests.hub.http.calls import call, client_of
from tests.hub.http.wires import Script, Wire, always, serving

pytestmark = pytest.mark.usefixtures("carrier")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class TestSilence:
    """What is known when no answer comes."""

    @staticmethod
    def reset_at_once(wire: Wire) -> None:
        wire.read()
        wire.reset()

    @staticmethod
    def reset_in_the_answer(wire: Wire) -> None:
        wire.read()
        wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        wire.reset()

    @staticmethod
    def cut_short(wire: Wire) -> None:
        wire.read()
        wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    @staticmethod
    def cut_in_a_chunk(wire: Wire) -> None:
        wire.read()
        wire.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{")

    @staticmethod
    def cut_while_packed(wire: Wire) -> None:
        wire.read()
        wire.answer(gzip.compress(b"{}" * 100)[:20], "Content-Encoding: gzip")

    @staticmethod
    def no_http(wire: Wire) -> None:
        wire.read()
        wire.say(b"SSH-2.0-OpenSSH\r\n")

    @pytest.mark.parametrize(
        "name",
        ["reset_at_once", "reset_in_the_answer", "cut_short", "cut_in_a_chunk", "cut_while_packed", "no_http"],
    )
    def test_leaves_writes_in_doubt_and_reads_to_be_repeated(self, name: str) -> None:
        script: Script = getattr(self, name)

        with pytest.raises(TransientError):
            call(script)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(SilenceError):
                call(script, method, json={})

    def test_is_harmless_for_a_write_that_only_asks(self) -> None:
        with pytest.raises(TransientError):
            call(self.reset_at_once, "POST", json={"search": 1}, safe=True)

    def test_is_certain_where_nothing_listens(self) -> None:
        with pytest.raises(TransientError, match="was not sent"):
            client_of("http://127.0.0.1:1").call("POST", "/things", json={})

    def test_is_certain_where_no_name_leads(self) -> None:
        with pytest.raises(TransientError, match="was not sent"):
            client_of("http://nowhere.invalid").call("POST", "/things", json={})

    def test_keeps_an_account_of_the_request(self) -> None:
        with pytest.raises(SilenceError) as caught:
            call(self.reset_at_once, "POST", json={"name": "Ada"})

        exchange = exchange_of(caught.value)
        assert exchange is not None
        assert exchange.request.startswith("POST /things")
        assert '{"name":"Ada"}' in exchange.request
        assert exchange.response

    def test_includes_answers_that_are_no_json(self) -> None:
        page = always(b"<html>Please log in</html>")

        with pytest.raises(TransientError, match="without valid JSON"):
            call(page).json()
        with pytest.raises(SilenceError, match="without valid JSON"):
            call(page, "POST").json()


class TestStatus:
    """What statuses mean, once for everybody."""

    @pytest.mark.parametrize(
        ("status", "reading", "writing"),
        [
            ("401 x", AuthError, AuthError),
            ("403 x", ForbiddenError, ForbiddenError),
            ("429 x", RateLimitedError, RateLimitedError),
            ("408 x", TransientError, SilenceError),
            ("425 x", TransientError, TransientError),
            ("500 x", TransientError, SilenceError),
            ("502 x", TransientError, SilenceError),
            ("503 x", TransientError, SilenceError),
            ("504 x", TransientError, SilenceError),
        ],
    )
    def test_decides_the_error(self, status: str, reading: type, writing: type) -> None:
        script = always(b'{"message": "said so"}', status=status)

        for method, expected in (("GET", reading), ("POST", writing)):
            with pytest.raises(HubError, match="said so") as caught:
                call(script, method)
            assert type(caught.value) is expected

    @pytest.mark.parametrize("status", ["400 x", "404 x", "409 x", "410 x", "412 x", "422 x", "304 x"])
    def test_leaves_the_rest_to_the_connector(self, status: str) -> None:
        assert call(always(b"", status=status), "PUT").status == int(status[:3])

    def test_is_left_to_the_connector_where_it_asks_for_it(self) -> None:
        assert call(always(status="403 x"), "PUT", expect={403}).status == 403

    def test_knows_a_busy_server_that_names_a_time(self) -> None:
        with pytest.raises(RateLimitedError) as caught:
            call(always(b"", "Retry-After: 7", status="503 x"), "POST")

        assert caught.value.retry_after == 7.0


class TestRetryAfter:
    """Both forms of a pause."""

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            (["Retry-After: 30"], 30.0),
            (["Retry-After: Sun, 22 Nov 2026 12:01:30 GMT"], 90.0),
            (["Retry-After: Sun, 22 Nov 2026 12:01:30 GMT", "Date: Sun, 22 Nov 2026 12:01:00 GMT"], 30.0),
            (["Retry-After: Sun, 22 Nov 2026 11:00:00 GMT"], 0.0),
            (["Retry-After: soon"], None),
            (["Retry-After: -5"], None),
            ([], None),
        ],
        ids=["seconds", "date", "date by its own clock", "past", "words", "negative", "none"],
    )
    def test_is_read(self, headers: list[str], seconds: float | None) -> None:
        with serving(always(b"", *headers, status="429 x")) as server:
            client = client_of(server, clock=NOON.timestamp)
            with pytest.raises(RateLimitedError) as caught:
                client.call("GET", "/things")
            client.close()

        assert caught.value.retry_after == seconds
