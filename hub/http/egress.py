"""Where the hub may connect to: every address is classified before the first byte leaves.

This is the one place for egress rules. Named private zones, proxies and per-zone ports come later and
belong here; today an origin that an administrator listed may be private, a loopback address must be
listed as one, and link-local and metadata addresses are never reached.
"""

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


class Zone(StrEnum):
    """What kind of place an address is."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    METADATA = "metadata"
    RESERVED = "reserved"


_Address = IPv4Address | IPv6Address


def _table(*rows: tuple[Zone, str]) -> tuple[tuple[Zone, tuple[object, ...]], ...]:
    return tuple((zone, tuple(ip_network(text) for text in networks.split())) for zone, networks in rows)


# From the IANA special-purpose registries; the first row that contains an address decides. Cloud metadata
# services come first because they hide inside link-local, private and even public ranges.
_TABLE = _table(
    (Zone.METADATA, "169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::254"),
    (Zone.LOOPBACK, "127.0.0.0/8 ::1"),
    (Zone.LINK_LOCAL, "169.254.0.0/16 fe80::/10"),
    (Zone.PRIVATE, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7"),
    (Zone.RESERVED, "0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 224.0.0.0/3"),
    (Zone.RESERVED, "198.51.100.0/24 203.0.113.0/24"),
    # Translated and tunnelled forms (NAT64, Teredo, 6to4, IPv4-compatible) could hide any of the above.
    (Zone.RESERVED, "::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16"),
    (Zone.RESERVED, "3fff::/20 5f00::/16 fec0::/10 ff00::/8"),
)


def classify(address: str) -> Zone:
    """The zone of an IP address. Raises ValueError when it is not an address."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    for zone, networks in _TABLE:
        if any(parsed in network for network in networks):  # type: ignore[operator]
            return zone
    return Zone.PUBLIC


def refusal(host: str, addresses: Iterable[str]) -> str:
    """Why `host`, an origin the connection lists, may not be reached at these addresses; empty when it may.

    One bad address refuses all of them: a name must not be half inside.
    """
    for address in addresses:
        zone = classify(address)
        if zone in {Zone.PUBLIC, Zone.PRIVATE}:
            continue
        if zone is Zone.LOOPBACK and _names_loopback(host):
            continue
        return f"{host} leads to {address}, a {zone.value} address that may not be reached"
    return ""


def _names_loopback(host: str) -> bool:
    """Whether whoever listed `host` plainly meant this machine. A name that merely resolves to it did not."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return classify(name) is Zone.LOOPBACK
    except ValueError:
        return False
