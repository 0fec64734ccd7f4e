"""Where a connection may lead, and that its certificate is checked."""

from pathlib import Path
from typing import Any

import pytest

from hub.http import HttpClient
from hub.sdk import (
    ConfigError,
    TransientError,
)
from tests.hub.http.calls import client_of, drip
from tests.hub.http.certificates import certificate
from tests.hub.http.wires import Wire, always, serving

pytestmark = pytest.mark.usefixtures("carrier")


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

        assert asked == ["hub.localhost"]
        assert f"host: hub.localhost:{port}".encode() in server.asked[0].lower()

    def test_may_name_an_address_of_the_newer_kind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = resolves_to(monkeypatch, "127.0.0.1")

        with serving(always()) as server:
            port = server.url.rpartition(":")[2]
            client = client_of(f"http://[::1]:{port}")
            client.call("GET", "/")
            client.close()

        assert asked == ["::1"]
        assert f"host: [::1]:{port}".encode() in server.asked[0].lower()

    @pytest.mark.parametrize("host", ["un der.localhost", "a%zz.localhost", ".localhost", "a..localhost"])
    def test_that_no_name_server_could_know_are_not_called(self, host: str) -> None:
        with pytest.raises((TransientError, ConfigError)):
            client_of(f"http://{host}:1").call("GET", "/")


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

    def test_gives_up_a_handshake_that_never_ends(self) -> None:
        def silent(wire: Wire) -> None:
            wire.read()

        with serving(silent) as server, pytest.raises(TransientError, match="was not sent"):
            client_of(server.url.replace("http:", "https:"), timeout=0.3).call("POST", "/", json={})

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


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """A name server that gives these addresses for every name; returns the names it was asked for."""
    asked: list[str] = []

    def answer(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("socket.getaddrinfo", answer)
    return asked
