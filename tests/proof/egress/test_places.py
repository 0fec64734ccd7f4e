"""PROOF-EGR-1: the hub knows what every address is, however it is written, and dials none that it must not."""

import random
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.http import HttpClient, classify
from hub.http.egress import decide
from hub.http.zone import Zones
from hub.sdk import ConfigError, TransientError
from tests.proof.egress import places
from tests.proof.egress.spellings import spellings

SPELLED = list(spellings())
NOTHING_OPEN = Zones(1)
EACH = 500  # random addresses an example


class TestTheTable:
    @pytest.mark.parametrize("edge", places.edges(), ids=lambda edge: places.spelled(*edge))
    def test_agrees_at_every_edge(self, edge: tuple[int, int]) -> None:
        assert classify(places.spelled(*edge)).value == places.place_of(*edge)

    def test_has_at_least_a_hundred_edges(self) -> None:
        assert len(places.edges()) >= 150

    @settings(max_examples=100, deadline=None)
    @given(st.integers())
    def test_agrees_about_fifty_thousand_addresses_at_random(self, seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(EACH):
            version = rng.choice((4, 6))
            value = _near_something(rng) if version == 6 else rng.getrandbits(32)
            wanted = places.place_of(version, value)
            address = places.spelled(version, value)
            assert classify(address).value == wanted, address
            refused = decide("https", "vendor.example", 443, [address], NOTHING_OPEN).refused
            assert bool(refused) is (wanted != places.PUBLIC), address


def _near_something(rng: random.Random) -> int:
    """An address of the newer kind: anywhere, or shortly before, in or after a range of the table."""
    if rng.random() < 0.4:
        return rng.getrandbits(128)
    _, version, first, last = rng.choice(places.TABLE)
    if version == 4:
        return places.MAPPED + rng.getrandbits(32)
    span = rng.choice((1, 2**16, 2**32, 2**64))
    return min(2**128 - 1, max(0, rng.choice((first, last)) + rng.randint(-span, span)))


@pytest.mark.usefixtures("no_zone")
class TestASpelling:
    @pytest.fixture
    def dialled(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Where was dialled. The resolver understands all that any of them does, and no byte leaves the machine."""
        found: list[Any] = []

        def resolve(host: Any, port: int, **_: Any) -> list[Any]:
            name = host.encode("idna").decode() if isinstance(host, str) else host.decode()
            try:
                address = socket.inet_ntoa(socket.inet_aton(name.rstrip(".")))
            except OSError:
                address = name if ":" in name else "127.0.0.1"
            return [(socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, port))]

        monkeypatch.setattr("socket.getaddrinfo", resolve)
        monkeypatch.setattr("hub.http.deadline.DeadlineSocket.connect", lambda _, to: found.append(to))
        return found

    def test_comes_in_four_hundred_kinds(self) -> None:
        assert len({form for form, _ in SPELLED}) >= 400

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_of_what_must_not_be_reached_is_never_dialled(self, method: str, dialled: list[Any]) -> None:
        let_through = []
        for form, _ in SPELLED:
            try:
                client = HttpClient(base_url=f"http://{form}/", origins=[f"http://{form}/"])
                client.call(method, "x")
                let_through.append(form)
            except (ConfigError, TransientError):
                pass  # a name that nobody knows is no place either

        assert (let_through, dialled) == ([], [])

    def test_of_a_public_address_is_dialled_where_it_is_the_usual_one(self, dialled: list[Any]) -> None:
        for form in ("8.8.8.8", "[2606:4700::1111]", "[::ffff:8.8.8.8]"):
            with pytest.raises(TransientError):
                HttpClient(base_url=f"http://{form}/", origins=[f"http://{form}/"]).call("GET", "x")

        assert [to[0] for to in dialled] == ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"]
