"""The egress zones that are open now: which networks behind the public ones may be reached, at which ports.

Whoever knows the zones installs them here for the whole process; whoever dials asks `current`. A new state of them has
a new number, by which a kept connection is known to be older than it.
"""

import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from pathlib import Path

from hub.http.egress import OPENABLE, Address, Network, Place, classify, parsed

KNOWN_FOR = 60.0  # seconds for which the addresses of the hub's own servers are remembered


@dataclass(frozen=True, slots=True)
class Zone:
    """A named exception: these networks, at these ports (empty: all).

    `allow_http` lets plain http in. `ca_bundle` holds certificate authorities as PEM: inside, only they are believed.
    """

    name: str
    networks: tuple[Network, ...]
    ports: frozenset[int] = frozenset()
    allow_http: bool = False
    ca_bundle: str = ""

    def covers(self, address: Address, port: int) -> bool:
        """Whether the zone lets this address in at this port."""
        return (not self.ports or port in self.ports) and any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Zones:
    """What is open: one state, with its number. `own` are the hub's own servers, which no zone lets in."""

    number: int
    zones: tuple[Zone, ...] = ()
    own: tuple[tuple[str, int], ...] = ()

    def covering(self, address: Address, port: int) -> list[Zone]:
        """The zones that let this address in at this port."""
        return [zone for zone in self.zones if zone.covers(address, port)]

    def is_own(self, address: Address, port: int) -> bool:
        """Whether one of the hub's own servers listens there. One on this machine listens at all its addresses."""
        return any(port == at and _is_same(address, host) for host, at in self.own)


class _Installed:
    """The state of this process."""

    lock = threading.Lock()
    state = Zones(0)


def install(zones: Iterable[Zone], own: Iterable[tuple[str, int]] = ()) -> Zones:
    """Have these zones open from now on, and no other. What has not changed keeps its number."""
    given, servers = tuple(zones), tuple(own)
    with _Installed.lock:
        before = _Installed.state
        if (before.zones, before.own) != (given, servers):
            _Installed.state = Zones(before.number + 1, given, servers)
        return _Installed.state


def current() -> Zones:
    """What is open now."""
    return _Installed.state


def network_of(text: str) -> Network:
    """The network that a zone may open. Raises ValueError with a sentence for any other.

    It lies wholly in a private, loopback or link-local range: public addresses need no zone, and one that mixes ranges,
    such as 0.0.0.0/0, would let in more than anybody meant.
    """
    try:
        network = ip_network(text.strip())
    except ValueError:
        raise ValueError(f"“{text}” is not a network. Write it as 10.20.0.0/16 or fd12:3456::/48.") from None
    if any(network.version == other.version and network.subnet_of(other) for other in OPENABLE):  # type: ignore[arg-type]
        return network
    if network.num_addresses == 1 and classify(str(network.network_address)) is Place.PUBLIC:
        raise ValueError(f"{network} is public, which needs no zone. Leave it out.")
    raise ValueError(
        f"{network} does not lie within one private, loopback or link-local range. Name the networks that are meant, "
        "such as 10.20.0.0/16 or 127.0.0.0/8."
    )


def networks_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """All of them. Raises ValueError."""
    return tuple(network_of(text) for text in texts)


def are_authorities(ca_bundle: str) -> bool:
    """Whether this holds certificates as PEM, and nothing that should be kept secret."""
    if "PRIVATE KEY" in ca_bundle:
        return False
    try:
        ssl.create_default_context(cadata=ca_bundle)
    except (ssl.SSLError, ValueError):
        return False
    return True


@cache
def file_of(ca_bundle: str) -> str:
    """A file that holds these authorities, for libraries that ask for one; it goes with the process."""
    kept = Path(_folder().name) / f"{len(list(Path(_folder().name).iterdir()))}.pem"
    kept.write_text(ca_bundle)
    return str(kept)


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="hub-authorities-")


_found: dict[str, tuple[float, frozenset[Address]]] = {}


def _is_same(address: Address, host: str) -> bool:
    found = _addresses(host)
    return address in found or (address.is_loopback and any(one.is_loopback for one in found))


def _addresses(host: str) -> frozenset[Address]:
    """The addresses of one of the hub's own servers, asked for once a minute; the last ones known if nobody answers."""
    until, known = _found.get(host, (0.0, frozenset()))
    now = time.monotonic()
    if now < until:
        return known
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        known = frozenset(parsed(str(entry[4][0])) for entry in entries)
    except (OSError, UnicodeError):
        pass  # the server may be away; what was known of it still holds
    _found[host] = (now + KNOWN_FOR, known)
    return known
