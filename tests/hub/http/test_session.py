"""What a session of `requests` would do by itself, and does not do here."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.http import Bearer
from hub.http.session import SessionTransport
from hub.sdk import ConfigError, RateLimitedError, Secret, TransientError
from tests.hub.http.calls import call, carried_by, client_of, drip
from tests.hub.http.certificates import certificate
from tests.hub.http.wires import Wire, always, serving


@pytest.fixture(autouse=True)
def _session() -> Iterator[None]:
    with carried_by(SessionTransport):
        yield


class TestSurroundings:
    """What lies about on the machine."""

    def test_lend_no_password(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login eve password stolen\n")
        monkeypatch.setenv("NETRC", str(netrc))

        with serving(always()) as server:
            for auth in (None, Bearer(Secret("t0"))):
                client = client_of(server, auth=auth)
                client.call("GET", "/things")
                client.close()

        plain, proven = (asked.lower() for asked in server.asked)
        assert b"authorization" not in plain
        assert b"authorization: bearer t0" in proven

    @pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
    def test_lead_over_no_proxy(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        with serving(always()) as proxy:
            monkeypatch.setenv(name, proxy.url)
            assert call(always()).ok

        assert proxy.connections == 0

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_name_no_authority(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
        context, authority = certificate(tmp_path, "127.0.0.1")
        monkeypatch.setenv(name, str(authority))

        with serving(always(), context) as server, pytest.raises(ConfigError, match="certificate"):
            client_of(server).call("GET", "/")

        assert server.asked == []

    def test_must_hold_the_named_authority(self, tmp_path: Path) -> None:
        context, _ = certificate(tmp_path, "127.0.0.1")

        for missing in (tmp_path / "missing.pem", tmp_path):
            with serving(always(), context) as server, pytest.raises(TransientError, match="not sent"):
                client_of(server, verify=str(missing)).call("GET", "/")


class TestSession:
    """One request is one request."""

    def test_keeps_no_cookies(self) -> None:
        carrier = SessionTransport()
        with serving(always(b"{}", "Set-Cookie: session=eve; Path=/")) as server:
            client = client_of(server, transport=carrier)
            client.call("GET", "/things")
            client.call("GET", "/things")
            client.close()

        assert not any(b"cookie" in asked.lower() for asked in server.asked)
        assert list(carrier._session.cookies) == []

    def test_adds_no_headers(self) -> None:
        with serving(always()) as server:
            client = client_of(server)
            client.call("GET", "/things")
            client.close()

        names = {line.partition(b":")[0].lower() for line in server.asked[0].splitlines()[1:] if line}
        assert names == {b"host", b"accept", b"accept-encoding", b"user-agent"}

    def test_does_not_ask_again_where_it_was_told_to_wait(self) -> None:
        with serving(always(b"", "Retry-After: 0", status="503 x")) as server:
            client = client_of(server)
            with pytest.raises(RateLimitedError):
                client.call("GET", "/things")
            client.close()

        assert len(server.asked) == 1

    def test_does_not_ask_again_where_no_answer_came(self) -> None:
        def script(wire: Wire) -> None:
            wire.read()
            wire.reset()

        with serving(script) as server, pytest.raises(TransientError):
            client_of(server).call("GET", "/things")

        assert server.connections == 1

    def test_does_not_swallow_whatever_comes_with_a_redirect(self) -> None:
        head = b"HTTP/1.1 302 Found\r\nLocation: /new\r\nTransfer-Encoding: chunked\r\n\r\n"

        with pytest.raises(ConfigError, match="larger than 1000"):
            call(drip(head, b"400\r\n" + b"x" * 1024 + b"\r\n"), max_bytes=1000)

    def test_writes_nothing_into_the_log_that_might_be_secret(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)

        def script(wire: Wire) -> None:
            wire.read()
            wire.say(b"HTTP/1.1 200 OK\r\nNonsense geheim\r\n\r\n")

        call(script, path="/things?key=geheim", auth=Bearer(Secret("geheim")))

        assert caplog.records  # the libraries do log
        assert "geheim" not in caplog.text
