"""What every address is, written down a second time: from the IANA special-purpose registries, as first and last.

The hub's own table is a list of networks; this one is a list of numbers, and nothing of the hub is used to read it.
"""

import socket

PUBLIC, PRIVATE, LOOPBACK, LINK_LOCAL, METADATA, RESERVED = (
    "public", "private", "loopback", "link-local", "metadata", "reserved",
)  # fmt: skip
METADATA_SERVICES = [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "100.100.100.200", "192.0.0.192",
    "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42",
]  # fmt: skip
RANGES = (
    (RESERVED, "0.0.0.0", "0.255.255.255"),  # this network
    (PRIVATE, "10.0.0.0", "10.255.255.255"),
    (PRIVATE, "100.64.0.0", "100.127.255.255"),  # shared by carriers
    (LOOPBACK, "127.0.0.0", "127.255.255.255"),
    (LINK_LOCAL, "169.254.0.0", "169.254.255.255"),
    (PRIVATE, "172.16.0.0", "172.31.255.255"),
    (RESERVED, "192.0.0.0", "192.0.0.255"),  # protocol assignments
    (RESERVED, "192.0.2.0", "192.0.2.255"),  # documentation
    (RESERVED, "192.88.99.0", "192.88.99.255"),  # 6to4 relays
    (PRIVATE, "192.168.0.0", "192.168.255.255"),
    (RESERVED, "198.18.0.0", "198.19.255.255"),  # benchmarks
    (RESERVED, "198.51.100.0", "198.51.100.255"),
    (RESERVED, "203.0.113.0", "203.0.113.255"),
    (RESERVED, "224.0.0.0", "239.255.255.255"),  # multicast
    (RESERVED, "240.0.0.0", "255.255.255.255"),  # for later, and broadcast
    (RESERVED, "::", "::"),
    (LOOPBACK, "::1", "::1"),
    (RESERVED, "::2", "::fffe:ffff:ffff"),  # IPv4-compatible, and what belongs to nobody
    (RESERVED, "::1:0:0:0", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff"),
    (RESERVED, "64:ff9b::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),  # NAT64
    (RESERVED, "64:ff9b:2::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    (RESERVED, "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),  # Teredo, ORCHID, benchmarks
    (RESERVED, "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    (RESERVED, "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),  # 6to4
    (RESERVED, "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    (RESERVED, "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    (PRIVATE, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    (RESERVED, "fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    (LINK_LOCAL, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    (RESERVED, "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),  # once site-local
    (RESERVED, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
MAPPED = 0xFFFF << 32


def number(address: str) -> tuple[int, int]:
    """Version and number of an address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (6 if ":" in address else 4), int.from_bytes(socket.inet_pton(family, address))


def spelled(version: int, value: int) -> str:
    """The address of this number."""
    size, family = (4, socket.AF_INET) if version == 4 else (16, socket.AF_INET6)
    return socket.inet_ntop(family, value.to_bytes(size))


SERVICES = {number(one) for one in METADATA_SERVICES}
TABLE = [(place, *number(first), number(last)[1]) for place, first, last in RANGES]


def place_of(version: int, value: int) -> str:
    """What an address is."""
    if version == 6 and MAPPED <= value < MAPPED + 2**32:
        return place_of(4, value - MAPPED)
    if (version, value) in SERVICES:
        return METADATA
    for place, kind, first, last in TABLE:
        if kind == version and first <= value <= last:
            return place
    return PUBLIC


def edges() -> list[tuple[int, int]]:
    """Both ends of every range, and their neighbours outside and inside."""
    found = set(SERVICES)
    for _, version, first, last in TABLE:
        top = 2**32 if version == 4 else 2**128
        found |= {(version, end + step) for end in (first, last) for step in (-1, 0, 1) if 0 <= end + step < top}
    for version, value in set(SERVICES):
        found |= {(version, value + step) for step in (-1, 1)}
    return sorted(found)
