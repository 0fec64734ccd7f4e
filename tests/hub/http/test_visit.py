"""The session for libraries that insist on one of `requests`: it keeps to the hub's rules."""

import pytest
from requests import ConnectionError as NoConnection
from requests.exceptions import ContentDecodingError

from hub.http.visit import VisitSession
from tests.hub.http.wires import Wire, always, serving


def visiting(*origins: str) -> VisitSession:
    return VisitSession(origins=origins, named_by="HUB_OIDC_ORIGINS", timeout=2, max_bytes=1000)


def long(wire: Wire) -> None:
    wire.read()
    wire.answer(b"x" * 1001)


def elsewhere(wire: Wire) -> None:
    wire.read()
    wire.answer(b"", "Location: http://192.0.2.1/", status="302 Found")


class TestTheSession:
    def test_asks_and_answers_like_any_other(self) -> None:
        with serving(always()) as server, visiting(server.url) as session:
            answer = session.post(f"{server.url}/token?a=b", data={"code": "c"}, headers={"accept": "application/json"})

        assert answer.ok
        assert server.asked[0].startswith(b"POST /token?a=b HTTP/1.1\r\n")
        assert server.asked[0].endswith(b"code=c")
        assert b":path" not in server.asked[0]

    @pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0", "224.0.0.1"])
    def test_reaches_no_address_that_may_not_be_reached(self, host: str) -> None:
        with visiting(f"http://{host}") as session, pytest.raises(NoConnection, match="may not be reached"):
            session.get(f"http://{host}/latest/meta-data/")

    def test_asks_nobody_who_is_not_listed_and_says_where_the_list_is(self) -> None:
        refused = pytest.raises(NoConnection, match=r"http://127\.0\.0\.1:\d+ may not be asked.*HUB_OIDC_ORIGINS")
        with serving(always()) as server, visiting("https://sso.example") as session, refused:
            session.get(server.url)

        assert server.connections == 0

    @pytest.mark.usefixtures("no_zone")
    def test_needs_a_zone_behind_the_public_addresses(self) -> None:
        refused = pytest.raises(NoConnection, match="no open egress zone")
        with serving(always()) as server, visiting(server.url) as session, refused:
            session.get(server.url)

        assert server.connections == 0

    def test_follows_nothing(self) -> None:
        with serving(elsewhere) as server, visiting(server.url) as session:
            assert session.get(server.url).status_code == 302

    def test_reads_no_more_than_it_may(self) -> None:
        refused = pytest.raises(ContentDecodingError, match="larger than 1000 bytes")
        with serving(long) as server, visiting(server.url) as session, refused:
            session.get(server.url)

    def test_uses_no_proxy_of_the_surroundings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(always()) as server, serving(always()) as proxy, visiting(server.url) as session:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("http_proxy", proxy.url)
            session.get(server.url)

        assert proxy.connections == 0
