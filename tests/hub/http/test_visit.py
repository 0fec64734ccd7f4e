"""The session for libraries that insist on one of `requests`: it keeps to the hub's rules."""

from collections.abc import Iterator

import pytest
from requests import ConnectionError as NoConnection
from requests.exceptions import ContentDecodingError

from hub.http.visit import VisitSession
from tests.hub.http.wires import Wire, always, serving


@pytest.fixture
def session() -> Iterator[VisitSession]:
    with VisitSession(timeout=2, max_bytes=1000) as session:
        yield session


def long(wire: Wire) -> None:
    wire.read()
    wire.answer(b"x" * 1001)


def elsewhere(wire: Wire) -> None:
    wire.read()
    wire.answer(b"", "Location: http://192.0.2.1/", status="302 Found")


class TestTheSession:
    def test_asks_and_answers_like_any_other(self, session: VisitSession) -> None:
        with serving(always()) as server:
            answer = session.post(f"{server.url}/token?a=b", data={"code": "c"}, headers={"accept": "application/json"})

        assert answer.ok
        assert server.asked[0].startswith(b"POST /token?a=b HTTP/1.1\r\n")
        assert server.asked[0].endswith(b"code=c")
        assert b":path" not in server.asked[0]

    @pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0", "224.0.0.1"])
    def test_reaches_no_address_that_may_not_be_reached(self, session: VisitSession, host: str) -> None:
        with pytest.raises(NoConnection, match="may not be reached"):
            session.get(f"http://{host}/latest/meta-data/")

    def test_follows_nothing(self, session: VisitSession) -> None:
        with serving(elsewhere) as server:
            assert session.get(server.url).status_code == 302

    def test_reads_no_more_than_it_may(self, session: VisitSession) -> None:
        with serving(long) as server, pytest.raises(ContentDecodingError, match="larger than 1000 bytes"):
            session.get(server.url)

    def test_uses_no_proxy_of_the_surroundings(self, session: VisitSession, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(always()) as server, serving(always()) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("http_proxy", proxy.url)
            session.get(server.url)

        assert proxy.connections == 0
