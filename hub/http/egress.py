"""Where the hub may connect to: every address is classified before the first byte leaves.

This is the one place for egress rules. Public addresses pass. Private, loopback and link-local ones pass only where an
open zone lets them in. Metadata services, reserved and translated addresses and the hub's own servers never do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.http.zone import Zones


class Place(StrEnum):
    """What kind of place an address is."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    METADATA = "metadata"
    RESERVED = "reserved"


Address = IPv4Address | IPv6Address
BEHIND = frozenset({Place.PRIVATE, Place.LOOPBACK, Place.LINK_LOCAL})
"""Places that a zone can open."""


Network = IPv4Network | IPv6Network


def _table(*rows: tuple[Place, str]) -> tuple[tuple[Place, tuple[Network, ...]], ...]:
    return tuple((place, tuple(ip_network(text) for text in networks.split())) for place, networks in rows)


# From the IANA special-purpose registries; the first row that contains an address decides. Cloud metadata
# services come first because they hide inside link-local, private and even public ranges.
_TABLE = _table(
    (Place.METADATA, "169.254.169.254 169.254.170.2 169.254.170.23 169.254.42.42 100.100.100.200 192.0.0.192"),
    (Place.METADATA, "168.63.129.16 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:42::42"),
    (Place.LOOPBACK, "127.0.0.0/8 ::1"),
    (Place.LINK_LOCAL, "169.254.0.0/16 fe80::/10"),
    (Place.PRIVATE, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7"),
    (Place.RESERVED, "0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 224.0.0.0/3"),
    (Place.RESERVED, "198.51.100.0/24 203.0.113.0/24"),
    # Translated and tunnelled forms (NAT64, Teredo, 6to4, IPv4-compatible) could hide any of the above.
    (Place.RESERVED, "::/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16"),
    (Place.RESERVED, "3fff::/20 5f00::/16 fec0::/10 ff00::/8"),
)
OPENABLE = tuple(network for place, networks in _TABLE for network in networks if place in BEHIND)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
# The resolver takes 127.1, 2130706433, 0x7f.1 and 0177.0.0.1 for addresses: so is each name that ends in a number.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
_GLOBAL = IPv6Network("2000::/3")  # all that is given out of IPv6; the rest belongs to nobody


@dataclass(frozen=True, slots=True)
class Way:
    """Whether and how a host may be reached: `refused` says why not, `bundles` whom each address must be known to."""

    refused: str = ""
    bundles: tuple[str, ...] = ()


def parsed(address: str) -> Address:
    """An address as it is reached: without its scope, an IPv4 one in IPv6's spelling as itself. Raises ValueError."""
    found = ip_address(address.partition("%")[0])
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def classify(address: str) -> Place:
    """The kind of place of an IP address. Raises ValueError when it is not an address."""
    return place_of(parsed(address))


def place_of(address: Address) -> Place:
    """The kind of place of a parsed address."""
    for place, networks in _TABLE:
        if any(address in network for network in networks):
            return place
    return Place.PUBLIC if address.version == 4 or address in _GLOBAL else Place.RESERVED


def host_of(host: str) -> str:
    """A host as it is resolved: a name in its ASCII form, or an address in its usual spelling. Raises ValueError.

    Whatever different readers could take for different hosts is refused: numbers that only look like an address,
    letters that become others, digits of other scripts.
    """
    name = host if host.isascii() else _ascii(host)
    if ":" in name or _NUMBER.fullmatch(name.removesuffix(".").rpartition(".")[2]):
        return _literal(name)
    if not _NAME.fullmatch(name):
        raise ValueError("it is not the name of a host")
    return name.lower()


def _literal(name: str) -> str:
    if name.endswith(".") or "%" in name:
        raise ValueError("it is not an address in its usual spelling")
    try:
        found = ip_address(name)
    except ValueError:
        raise ValueError("it looks like a number, and is not an address in its usual spelling") from None
    return name.lower() if isinstance(found, IPv6Address) else str(found)


def _ascii(host: str) -> str:
    """The ASCII form of an international name that has exactly one. Raises ValueError."""
    name = host.encode("idna").decode("ascii")
    is_other = name.encode("ascii").decode("idna") != host.lower()
    if is_other or any(sign.isdigit() and not sign.isascii() for sign in host):
        raise ValueError("it could be read as another name. Write its ASCII form (xn--…)")
    return name


def decide(scheme: str, host: str, port: int, addresses: Sequence[str], zones: "Zones") -> Way:
    """Whether `host`, an origin that the connection lists, may be reached at all these addresses.

    One bad address refuses all of them: a name must not be half inside.
    """
    if not addresses:
        return Way(f"{host} has no address")
    found = [parsed(address) for address in addresses]
    # What no zone would help with is said first.
    refusals = [_never(host, port, address, zones) for address in found]
    refusals += [_outside(scheme, host, port, address, zones) for address in found if place_of(address) in BEHIND]
    refused = next(filter(None, refusals), "")
    bundles = (_bundle(zones, address, port) for address in found)
    return Way(refused) if refused else Way("", tuple(bundles))


def _bundle(zones: "Zones", address: Address, port: int) -> str:
    return "\n".join(zone.ca_bundle for zone in zones.covering(address, port) if zone.ca_bundle)


def _never(host: str, port: int, address: Address, zones: "Zones") -> str:
    """Why no zone would help."""
    place = place_of(address)
    if place in {Place.METADATA, Place.RESERVED} or (place is Place.LOOPBACK and not _names_loopback(host)):
        return f"{_led(host, address)} a {place.value} address that may not be reached"
    if zones.is_own(address, port):
        return f"{host} leads to {address}:{port}, where the hub keeps its own data: it may not be reached"
    return ""


def _outside(scheme: str, host: str, port: int, address: Address, zones: "Zones") -> str:
    """Why the open zones do not let this address in."""
    covering = zones.covering(address, port)
    if not covering:
        return (
            f"{_led(host, address)} a {place_of(address).value} address that no open egress zone lets in at port "
            f"{port}; a Security admin can open one that does, under “Egress zones”"
        )
    if scheme == "http" and not any(zone.allow_http for zone in covering):
        return f"{host} lies in the egress zone “{covering[0].name}”, which takes https only"
    return ""


def _led(host: str, address: Address) -> str:
    return f"{address} is" if host == str(address) else f"{host} leads to {address},"


def _names_loopback(host: str) -> bool:
    """Whether whoever listed `host` plainly meant this machine. A name that merely resolves to it did not."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return classify(name) is Place.LOOPBACK
    except ValueError:
        return False
