"""PROOF-EGR-4 and -5: no answer, and nothing around the hub, leads a request elsewhere than where it was to go."""

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from hub.http import Bearer, HttpClient, Sending, Zone
from hub.http.zone import install, networks_of
from hub.sdk import ConfigError, HubError, Secret
from tests.conftest import THIS_MACHINE
from tests.hub.http.calls import CARRIERS
from tests.hub.http.wires import Server, Wire, always, serving

SECRET = "the-token-nobody-else-may-see"
READING, WRITING = ("GET", "HEAD"), ("POST", "PUT", "PATCH", "DELETE")
# Where an answer may point; {own} is the origin that was asked, {port} its port, {other} another server's port.
ELSEWHERE = (
    "http://127.0.0.1:{other}/", "http://localhost:{port}/", "//127.0.0.1:{other}/", "https://127.0.0.1:{port}/",
    "http://127.0.0.2:{port}/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:{port}/", "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/", "http://hub:pw@127.0.0.1:{port}/", "http://127.0.0.1:{port}@127.0.0.1:{other}/",
    "http:\\\\127.0.0.1:{other}", "gopher://127.0.0.1:{other}/", "http://2130706433:{port}/", "javascript:alert(1)",
    "http://127.1:{other}/", "unix:///run/redis.sock", "\thttp://127.0.0.1:{other}/", "HTTP://127.0.0.1:{other}/",
)  # fmt: skip


def client_of(server: Server, carrier: str) -> HttpClient:
    return HttpClient(
        base_url=server.url,
        origins=[server.url],
        auth=Bearer(Secret(SECRET)),
        transport=CARRIERS[carrier](""),
        timeout=5,
    )


def asked(server: Server, carrier: str, method: str) -> list[str]:
    """The first lines of what a server was asked by one call, and it raises nothing that the hub does not know."""
    sending: Sending = {"json": {"a": 1}} if method in WRITING else {}
    with closing(client_of(server, carrier)) as client, suppress(HubError):
        client.call(method, "/start", **sending)
    return [request.partition(b"\r\n")[0].decode() for request in server.asked]


@pytest.fixture
def other() -> Iterator[Server]:
    """A server that nobody should ask anything."""
    with serving(always()) as server:
        yield server


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
class TestARedirect:
    @pytest.mark.parametrize("method", READING + WRITING)
    def test_leads_nobody_elsewhere(self, carrier: str, status: int, method: str, other: Server) -> None:
        for target in ELSEWHERE:
            with serving(lambda wire: _point(wire, status, target, other)) as server:  # noqa: B023
                assert asked(server, carrier, method) == [f"{method} /start HTTP/1.1"], target

        assert (other.connections, other.asked) == (0, [])

    @pytest.mark.parametrize("method", WRITING)
    @pytest.mark.parametrize("hops", [1, 2, 3])
    def test_of_a_write_is_never_followed(self, carrier: str, status: int, method: str, hops: int) -> None:
        with serving(_chain(status, hops)) as server:
            assert asked(server, carrier, method) == [f"{method} /start HTTP/1.1"]

    @pytest.mark.parametrize("method", READING)
    @pytest.mark.parametrize("hops", [1, 2, 3, 4, 5])
    def test_of_a_read_is_followed_three_times_at_the_same_origin(
        self, carrier: str, status: int, method: str, hops: int
    ) -> None:
        with serving(_chain(status, hops)) as server:
            lines = asked(server, carrier, method)

        followed = min(hops, 3) if status not in {300, 305} else 0
        assert lines == [f"{method} /start HTTP/1.1", *(f"{method} /{n} HTTP/1.1" for n in range(1, followed + 1))]


@pytest.mark.parametrize("carrier", CARRIERS)
class TestTheSurroundings:
    @pytest.mark.parametrize(
        "name", ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_name_no_proxy(
        self, carrier: str, name: str, method: str, other: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, other.url)
        monkeypatch.delenv("no_proxy", raising=False)

        with serving(always()) as server:
            assert len(asked(server, carrier, method)) == 1
        assert other.connections == 0

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_give_no_password(self, carrier: str, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login thief password geheim\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

        with serving(always()) as server:
            asked(server, carrier, method)

        assert f"authorization: bearer {SECRET}".encode() in server.asked[0].lower()
        assert b"Basic" not in server.asked[0]

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_name_no_authority_in_place_of_a_zones(
        self, carrier: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.hub.http.certificates import certificate

        context, authority = certificate(tmp_path, "127.0.0.1")
        (tmp_path / "other").mkdir()
        _, strange = certificate(tmp_path / "other", "127.0.0.1")
        monkeypatch.setenv(name, str(authority))
        install([Zone("own", THIS_MACHINE.networks, ca_bundle=strange.read_text())])
        refused = pytest.raises(ConfigError, match="certificate")
        with serving(always(), context) as server, closing(client_of(server, carrier)) as client, refused:
            client.call("GET", "/")

        install([Zone("own", THIS_MACHINE.networks, ca_bundle=authority.read_text())])
        with serving(always(), context) as server, closing(client_of(server, carrier)) as client:
            assert client.call("GET", "/").ok


@pytest.mark.parametrize("carrier", CARRIERS)
class TestAKeptLine:
    def test_is_used_again_while_nothing_was_closed(self, carrier: str) -> None:
        with serving(always()) as server, closing(client_of(server, carrier)) as client:
            for _ in range(3):
                client.call("GET", "/")
                install([THIS_MACHINE])  # told the same again

        assert server.connections == 1

    def test_is_not_used_once_its_zone_was_closed(self, carrier: str) -> None:
        with serving(always()) as server, closing(client_of(server, carrier)) as client:
            client.call("GET", "/")
            install([])

            with pytest.raises(ConfigError, match="no open egress zone"):
                client.call("GET", "/")

            assert len(server.asked) == 1

    def test_is_not_used_under_other_rules(self, carrier: str) -> None:
        narrow = Zone("narrow", networks_of(["127.0.0.0/8"]))
        with serving(always()) as server, closing(client_of(server, carrier)) as client:
            client.call("GET", "/")
            install([narrow])

            with pytest.raises(ConfigError, match="https only"):
                client.call("GET", "/")

    def test_is_not_opened_to_a_port_that_the_zone_leaves_out(self, carrier: str) -> None:
        with serving(always()) as server, closing(client_of(server, carrier)) as client:
            install([Zone("other-port", THIS_MACHINE.networks, frozenset({1}), allow_http=True)])
            with pytest.raises(ConfigError, match="at port"):
                client.call("GET", "/")

        assert server.connections == 0

    def test_is_not_opened_to_the_hubs_own_servers(self, carrier: str) -> None:
        with serving(always()) as server, closing(client_of(server, carrier)) as client:
            port = int(server.url.rpartition(":")[2])
            install([THIS_MACHINE], [("localhost", port)])
            with pytest.raises(ConfigError, match="keeps its own data"):
                client.call("GET", "/")

        assert server.connections == 0


def _point(wire: Wire, status: int, target: str, other: Server) -> None:
    port = wire.sock.getsockname()[1]
    shown = target.replace("{port}", str(port)).replace("{other}", other.url.rpartition(":")[2])
    while wire.read():
        wire.answer(b"", f"Location: {shown}", status=f"{status} Found")


def _chain(status: int, hops: int):  # type: ignore[no-untyped-def]
    """A server that redirects so often, then answers."""

    def script(wire: Wire) -> None:
        while request := wire.read():
            path = request.split()[1].decode()
            here = 0 if path == "/start" else int(path[1:])
            if here < hops:
                wire.answer(b"", f"Location: /{here + 1}", status=f"{status} Found")
            else:
                wire.answer(b"" if request.startswith(b"HEAD") else b"{}")

    return script


def test_no_library_that_the_hub_has_knows_a_way_by_unix_sockets() -> None:
    with pytest.raises(ConfigError):
        HttpClient(base_url="http+unix://%2Frun%2Fredis.sock/x", origins=["http+unix://%2Frun%2Fredis.sock"])
    assert socket.AF_UNIX  # there is one, and no way to it
