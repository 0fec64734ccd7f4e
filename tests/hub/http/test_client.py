"""The one door out, against real sockets."""

import gzip
import json
import ssl
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import escape
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.http import Basic, Bearer, HeaderKey, HttpClient, Response, exchange_of
from hub.sdk import (
    AuthError,
    ConfigError,
    HubError,
    RateLimitedError,
    RecordError,
    Secret,
    SilenceError,
    TransientError,
)
from tests.hub.http.wires import Script, Server, Wire, always, serving

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def client_of(server: Server | str, **options: Any) -> HttpClient:
    """A client that may call this server and nothing else."""
    url = server if isinstance(server, str) else server.url
    return HttpClient(base_url=url, **{"origins": [url], "timeout": 5.0, **options})


def call(script: Script, method: str = "GET", path: str = "/things", **sending: Any) -> Response:
    """One call to a server that follows this script."""
    options = {name: sending.pop(name) for name in ("auth", "max_bytes", "timeout") if name in sending}
    with serving(script) as server:
        client = client_of(server, **options)
        try:
            return client.call(method, path, **sending)
        finally:
            client.close()


def drip(head: bytes, every: bytes) -> Script:
    """A script that starts an answer and then sends a little again and again, for a long time."""

    def script(wire: Wire) -> None:
        wire.read()
        wire.say(head)
        for _ in range(200):
            wire.say(every)
            time.sleep(0.02)

    return script


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
            ("403 x", AuthError, AuthError),
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


class TestSecrets:
    """A secret that a server sends back goes no further."""

    SECRET = 'tö/ken "42"&x'

    @pytest.mark.parametrize(
        "auth", [Bearer(Secret(SECRET)), HeaderKey("X-Key", Secret(SECRET)), Basic("hub", Secret(SECRET))]
    )
    @pytest.mark.parametrize("status", ["200 OK", "401 No", "422 No", "500 No"])
    def test_are_in_no_text(self, auth: Any, status: str) -> None:
        secret = self.SECRET
        in_json = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1].replace("/", r"\/")]
        forms = [*auth.hidden(), *in_json, escape(secret), quote_plus(secret), quote(secret, safe="")]
        body = " ".join(forms).encode()
        shown = ""
        try:
            response = call(
                always(body, f"ETag: {forms[-1]}", status=status),
                "POST",
                "/things?key=" + forms[-1],
                auth=auth,
                json={"note": self.SECRET},
            )
            shown += repr(response.exchange) + repr(response)
        except HubError as error:
            shown += traceback.format_exc() + repr(exchange_of(error)) + repr(error)

        assert "•••" in shown
        assert [form for form in forms if form in shown] == []

    def test_are_not_in_the_client(self) -> None:
        client = HttpClient(
            base_url="http://127.0.0.1:1",
            origins=["http://127.0.0.1:1"],
            auth=Basic("hub", Secret("geheim")),
            headers={"X-Key": "geheim"},
        )

        assert "geheim" not in repr(client)

    def test_are_removed_before_a_text_is_cut(self) -> None:
        body = b"x" * 1995 + b"geheim-geheim"

        exchange = call(always(body), auth=Bearer(Secret("geheim-geheim"))).exchange

        assert "gehe" not in exchange.response

    def test_exchanges_are_bounded_and_show_no_query_values(self) -> None:
        exchange = call(always(b"y" * 9000), "PUT", "/a?token=abc&x=1", data=b"z" * 9000).exchange

        assert exchange.request.startswith("PUT /a?token=…&x=…\n")
        assert len(exchange.request) < 2200
        assert len(exchange.response) < 2200


class TestOrigins:
    """Where calls may go."""

    def test_must_include_the_base(self) -> None:
        with pytest.raises(ConfigError, match=r"https://elsewhere\.example:443 is not among the origins"):
            HttpClient(base_url="https://elsewhere.example/v1", origins=["https://here.example"])

    @pytest.mark.parametrize(
        "target",
        ["http://127.0.0.2/", "https://127.0.0.1/", "http://localhost/", "http://127.0.0.1:9/", "ftp://127.0.0.1/"],
    )
    def test_refuse_every_other_place(self, target: str) -> None:
        client = client_of("http://127.0.0.1:1")

        with pytest.raises(ConfigError):
            client.call("GET", target)

    def test_refuse_an_address_with_a_password_and_do_not_repeat_it(self) -> None:
        with pytest.raises(ConfigError, match="use a credential") as caught:
            client_of("http://hub:geheim@127.0.0.1:1")

        assert "geheim" not in str(caught.value)

    @pytest.mark.parametrize(
        "host", ["169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "[::]", "[::ffff:169.254.169.254]"]
    )
    def test_never_include_metadata_or_reserved_addresses(self, host: str) -> None:
        with pytest.raises(ConfigError, match="may not be reached"):
            client_of(f"http://{host}").call("GET", "/")

    def test_do_not_let_a_name_lead_to_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        resolves_to(monkeypatch, "127.0.0.1")

        with serving(always()) as server:
            port = server.url.rpartition(":")[2]
            with pytest.raises(ConfigError, match="loopback address"):
                client_of(f"http://api.vendor.example:{port}").call("GET", "/")

        assert server.connections == 0

    def test_refuse_a_name_that_is_half_inside(self, monkeypatch: pytest.MonkeyPatch) -> None:
        resolves_to(monkeypatch, "10.0.0.1", "169.254.169.254")

        with pytest.raises(ConfigError, match="metadata"):
            client_of("http://api.vendor.example").call("GET", "/")

    def test_dial_what_was_checked_and_ask_for_the_name_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = resolves_to(monkeypatch, "127.0.0.1")

        with serving(always()) as server:
            port = server.url.rpartition(":")[2]
            client = client_of(f"http://hub.localhost:{port}")
            client.call("GET", "/")
            client.call("GET", "/")
            client.close()

        assert len(asked) == 1
        assert f"host: hub.localhost:{port}".encode() in server.asked[0].lower()


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """A name server that gives these addresses for every name; returns the names it was asked for."""
    asked: list[str] = []

    def answer(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("socket.getaddrinfo", answer)
    return asked


class TestTls:
    """Certificates are always checked."""

    def test_is_accepted_from_a_named_authority(self, tmp_path: Path) -> None:
        context, authority = certificate(tmp_path, "127.0.0.1")

        with serving(always(), context) as server:
            client = client_of(server, verify=str(authority))
            assert client.call("GET", "/").ok
            assert client.call("GET", "/").ok
            client.close()

        assert server.connections == 1

    def test_keeps_the_deadline(self, tmp_path: Path) -> None:
        context, authority = certificate(tmp_path, "127.0.0.1")
        script = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x")

        with serving(script, context) as server, pytest.raises(TransientError, match="within"):
            client_of(server, verify=str(authority), timeout=0.5).call("GET", "/")

    def test_is_refused_from_a_stranger_before_anything_is_sent(self, tmp_path: Path) -> None:
        context, _ = certificate(tmp_path, "127.0.0.1")

        with serving(always(), context) as server, pytest.raises(ConfigError, match="certificate"):
            client_of(server).call("POST", "/", json={})

        assert server.asked == []

    def test_is_refused_for_another_name(self, tmp_path: Path) -> None:
        context, authority = certificate(tmp_path, "10.1.2.3")

        with serving(always(), context) as server, pytest.raises(ConfigError, match="certificate"):
            client_of(server, verify=str(authority)).call("POST", "/", json={})

    def test_is_not_spoken_to_a_plain_server(self) -> None:
        with serving(lambda wire: wire.say(b"hello\r\n")) as server, pytest.raises(TransientError, match="not sent"):
            client_of(server.url.replace("http:", "https:")).call("POST", "/", json={})


def certificate(folder: Path, address: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate of its own making, and the file that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
