"""PROOF-EGR-2: a name server that changes its mind leads nowhere: a line is dialled by the answer it was judged by."""

import random
import socket
from typing import Any

import pytest

from hub.http import HttpClient, Zone, route
from hub.http.session import SessionTransport
from hub.http.wire import WireTransport
from hub.http.zone import install, networks_of
from hub.sdk import ConfigError, HubError, TransientError
from tests.proof.egress import places

PUBLIC = ("8.8.8.8", "93.184.216.34", "2606:4700::1111", "1.1.1.1")
BAD = (
    "127.0.0.1",
    "::1",
    "169.254.169.254",
    "10.9.9.9",
    "fd00:ec2::254",
    "0.0.0.0",
    "64:ff9b::7f00:1",
    "::ffff:10.9.9.9",
)
OPEN = "10.0.0.7"
HOST = "vendor.example"


class Names:
    """A name server with one answer after the other; the last one is repeated."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: Any, port: int, **_: Any) -> list[Any]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in answer]


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that was dialled; none answers."""
    found: list[str] = []

    def refuse(_: Any, to: Any) -> None:
        found.append(to[0])
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr("hub.http.deadline.DeadlineSocket.connect", refuse)
    install([Zone("erp", networks_of(["10.0.0.0/29"]), allow_http=True)])
    return found


def call(carrier: type, names: Names, monkeypatch: pytest.MonkeyPatch, times: int) -> list[HubError]:
    """Call that often; each call needs a line of its own, as none was opened."""
    monkeypatch.setattr("socket.getaddrinfo", names)
    client = HttpClient(base_url=f"http://{HOST}", origins=[f"http://{HOST}"], transport=carrier(), timeout=2)
    errors: list[HubError] = []
    for _ in range(times):
        with pytest.raises(HubError) as caught:
            client.call("GET", "x")
        errors.append(caught.value)
    return errors


@pytest.mark.parametrize("carrier", [WireTransport, SessionTransport])
class TestAName:
    @pytest.mark.parametrize("bad", BAD)
    @pytest.mark.parametrize("flip", [1, 2, 3, 4, 5])
    def test_that_flips_is_refused_from_then_on(
        self, carrier: type, flip: int, bad: str, dialled: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = Names(*[(PUBLIC[0],)] * (flip - 1), (bad,))

        errors = call(carrier, names, monkeypatch, 6)

        assert names.asked == 6  # once for each line, never again before it is dialled
        assert dialled == [PUBLIC[0]] * (flip - 1)
        assert [isinstance(error, ConfigError) for error in errors] == [n >= flip for n in range(1, 7)]

    @pytest.mark.parametrize("seed", range(60))
    def test_of_mixed_answers_is_refused_whole_when_one_is_bad(
        self, carrier: type, seed: int, dialled: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rng = random.Random(seed)
        answers = []
        for _ in range(5):
            answer = rng.choices((*PUBLIC, OPEN), k=rng.randint(1, 4))
            if rng.random() < 0.5:
                answer.insert(rng.randrange(len(answer) + 1), rng.choice(BAD))
            answers.append(tuple(answer))

        call(carrier, Names(*answers), monkeypatch, 5)

        assert dialled == [one for answer in answers if not set(answer) & set(BAD) for one in answer]
        assert all(one == OPEN or places.place_of(*places.number(one)) == places.PUBLIC for one in dialled)

    @pytest.mark.parametrize("place", [0, 499, 999])
    def test_of_a_thousand_answers_is_read_to_the_end(
        self, carrier: type, place: int, dialled: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer = [f"8.8.{n // 250}.{n % 250}" for n in range(1000)]
        answer[place] = "127.0.0.1"

        (error,) = call(carrier, Names(tuple(answer)), monkeypatch, 1)

        assert (type(error), dialled) == (ConfigError, [])

    def test_without_an_answer_may_have_one_later(
        self, carrier: type, dialled: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        errors = call(carrier, Names((), (), (PUBLIC[0],)), monkeypatch, 3)

        assert [type(error) for error in errors] == [TransientError] * 3
        assert dialled == [PUBLIC[0]]

    def test_that_leads_elsewhere_once_connected_is_left(self, carrier: type, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.http.deadline.DeadlineSocket.connect", lambda *_: None)
        monkeypatch.setattr("hub.http.deadline.DeadlineSocket.getpeername", lambda _: ("10.9.9.9", 80), raising=False)

        (error,) = call(carrier, Names((PUBLIC[0],)), monkeypatch, 1)

        assert "8.8.8.8 was called and 10.9.9.9 answered" in str(error)


@pytest.mark.usefixtures("dialled")
class TestADriverThatDialsItself:
    def test_is_given_addresses_and_no_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("socket.getaddrinfo", Names((PUBLIC[0], OPEN)))

        assert route(HOST, 5432, "postgresql").addresses == (PUBLIC[0], OPEN)

    @pytest.mark.parametrize("bad", BAD)
    def test_is_refused_like_everybody(self, bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("socket.getaddrinfo", Names((PUBLIC[0], bad)))

        with pytest.raises(ConfigError):
            route(HOST, 5432, "postgresql")

    def test_waits_for_a_name_that_is_not_known_yet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("socket.getaddrinfo", Names(()))

        with pytest.raises(TransientError):
            route(HOST, 5432, "postgresql")
