"""Ways a call proves who it is that need more than a header: a key in the query, and a token that is renewed."""

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.http import HttpClient, QueryKey, Renewed, exchange_of
from hub.http.redact import MOST_LATER, Scrubber
from hub.sdk import AuthError, HubError, Secret, Signal, SilenceError, TransientError
from tests.hub.http.calls import client_of
from tests.hub.http.wires import Script, Wire, always, serving

KEY = "k/1 &é"
AS_SENT = b"k%2F1+%26%C3%A9"
carried = pytest.mark.usefixtures("carrier")


class Tokens:
    """A source that counts its tokens up whenever one is refused, unless told that they are new."""

    def __init__(self, *, renews: bool = True) -> None:
        self.number, self.asked, self.renews, self.told = 1, 0, renews, list[str]()

    def current(self) -> Secret:
        self.asked += 1
        return Secret(f"token-{self.number}")

    def refused(self, token: Secret) -> bool:
        self.told.append(token.reveal())
        if self.renews:
            self.number += 1
        return self.renews


class Pacing:
    """A pace that lets everything through and keeps what it is told."""

    width = 4

    def __init__(self) -> None:
        self.told: list[Signal] = []

    def enter(self, *, write: bool, origin: str = "") -> None:
        """Come in."""

    def leave(self, signal: Signal) -> None:
        self.told.append(signal)


def only(*tokens: str) -> Script:
    """A script that answers to these tokens and repeats any other in its refusal."""

    def script(wire: Wire) -> None:
        while asked := wire.read():
            sent = asked.lower().partition(b"authorization: bearer ")[2].partition(b"\r\n")[0].decode()
            if sent in tokens:
                wire.answer(b'{"seen": "' + sent.encode() + b'"}')
            else:
                wire.answer(f"no {sent}".encode(), status="401 Unauthorized")

    return script


@carried
class TestKeyInTheQuery:
    @pytest.mark.parametrize(
        ("target", "sent"),
        [
            ("/things", b"/things?key=" + AS_SENT),
            ("/things?a=1", b"/things?a=1&key=" + AS_SENT),
            ("/things?key=old&a=1", b"/things?a=1&key=" + AS_SENT),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_is_added_to_every_address_once(self, target: str, sent: bytes, method: str) -> None:
        with serving(always()) as server:
            client = client_of(server, auth=QueryKey("key", Secret(KEY)))
            response = client.call(method, target)
            client.close()

        assert server.asked[0].split()[1] == sent
        assert AS_SENT.decode() not in response.url + response.exchange.request + repr(response)

    @pytest.mark.parametrize("status", ["401 No", "429 Later", "500 No"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_is_in_no_error(self, status: str, method: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        with serving(always(AS_SENT + b" " + KEY.encode(), status=status)) as server:
            client = client_of(server, auth=QueryKey("key", Secret(KEY)))
            with pytest.raises(HubError) as caught:
                client.call(method, "/things")
            client.close()

        told = "".join(traceback.format_exception(caught.value)) + str(exchange_of(caught.value)) + caplog.text
        assert AS_SENT.decode() not in told
        assert KEY not in told

    def test_is_taken_out_of_the_links_that_a_system_gives(self) -> None:
        with serving(always()) as server:
            client = client_of(server, auth=QueryKey("key", Secret(KEY)))
            response = client.call("GET", "/things")
            client.close()

        onward = response.onward(f"/things?page=2&key={AS_SENT.decode()}&size=5")
        assert onward == f"{server.url}/things?page=2&size=5"

    def test_stays_on_a_redirect(self) -> None:
        def script(wire: Wire) -> None:
            while asked := wire.read():
                wire.answer(b"", "Location: /new?key=x", status="302 Found" if b"/old" in asked else "200 OK")

        with serving(script) as server:
            client = client_of(server, auth=QueryKey("key", Secret(KEY)))
            client.call("GET", "/old")
            client.close()

        assert server.asked[1].split()[1] == b"/new?key=" + AS_SENT


@carried
class TestRenewedToken:
    def test_is_asked_for_before_each_call(self) -> None:
        tokens = Tokens()
        with serving(only("token-1")) as server:
            client = client_of(server, auth=Renewed(tokens))
            for _ in range(3):
                assert client.call("GET", "/").json() == {"seen": "token-1"}
            client.close()

        assert tokens.asked == 3

    def test_is_replaced_once_when_a_read_is_refused_and_nobody_is_alarmed(self) -> None:
        tokens, pace = Tokens(), Pacing()
        with serving(only("token-2")) as server:
            client = client_of(server, auth=Renewed(tokens), pace=pace)
            assert client.call("GET", "/").json() == {"seen": "token-2"}
            client.close()

        assert tokens.told == ["token-1"]
        assert len(server.asked) == 2
        assert [(signal.status, signal.is_handled) for signal in pace.told] == [(401, True), (200, False)]

    def test_that_is_refused_again_is_an_error(self) -> None:
        tokens = Tokens()
        with serving(only()) as server:
            client = client_of(server, auth=Renewed(tokens))
            with pytest.raises(AuthError):
                client.call("GET", "/")
            client.close()

        assert len(server.asked) == 2

    def test_that_was_new_is_not_tried_again(self) -> None:
        tokens, pace = Tokens(renews=False), Pacing()
        with serving(only()) as server:
            client = client_of(server, auth=Renewed(tokens), pace=pace)
            with pytest.raises(AuthError):
                client.call("GET", "/")
            client.close()

        assert len(server.asked) == 1
        assert [signal.is_handled for signal in pace.told] == [False]

    def test_does_not_repeat_a_write_and_the_next_one_has_another(self) -> None:
        tokens = Tokens()
        with serving(only("token-2")) as server:
            client = client_of(server, auth=Renewed(tokens))
            with pytest.raises(AuthError):
                client.call("POST", "/", json={})
            assert len(server.asked) == 1
            assert client.call("POST", "/", json={}).ok
            client.close()

    def test_is_in_no_text_although_it_came_later(self) -> None:
        tokens = Tokens()
        with serving(only()) as server:
            client = client_of(server, auth=Renewed(tokens))
            with pytest.raises(AuthError) as caught:
                client.call("GET", "/")
            client.close()

        assert "token-" not in f"{caught.value} {exchange_of(caught.value)}"

    @pytest.mark.parametrize("error", [AuthError("consent"), TransientError("away")])
    def test_that_cannot_be_had_leaves_nothing_sent(self, error: HubError) -> None:
        tokens: Any = Tokens()
        tokens.current = raising(error)
        with serving(always()) as server:
            client = client_of(server, auth=Renewed(tokens))
            with pytest.raises(type(error)) as caught:
                client.call("POST", "/", json={})

        assert caught.value is error
        assert not isinstance(caught.value, SilenceError)
        assert server.asked == []


class TestScrubber:
    @given(st.lists(st.text("abcdef/\"' ", min_size=6), max_size=MOST_LATER), st.text(), st.text())
    def test_hides_what_it_learned_later(self, later: list[str], before: str, after: str) -> None:
        scrub = Scrubber(["first-secret"])
        scrub.add(later)

        for value in ("first-secret", *later):
            assert value not in scrub(f"{before}{value}{after}")

    def test_forgets_only_the_oldest_of_what_came_later(self) -> None:
        scrub = Scrubber(["first-secret"])
        for number in range(100):
            scrub.add([f"token-{number:03}"])

        assert scrub("first-secret token-099 token-084") == "••• ••• •••"
        assert scrub("token-001") == "token-001"


def raising(error: HubError) -> Callable[[], Secret]:
    """A function that raises this."""

    def raise_it() -> Secret:
        raise error

    return raise_it


def test_client_holds_no_key_in_what_it_shows() -> None:
    client = HttpClient(base_url="https://a.example", origins=["https://a.example"], auth=QueryKey("k", Secret(KEY)))

    assert KEY not in repr(client)
