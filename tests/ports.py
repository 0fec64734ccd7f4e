"""Ports for servers that the tests start, stop and start again."""

import random
import socket
from collections.abc import Iterator
from contextlib import closing

# Below what Linux gives to outgoing connections (/proc/sys/net/ipv4/ip_local_port_range begins at 32768): a port from
# there can be taken by any connection of a test beside this one while its server is being started again.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """A port nobody listens on now, and no outgoing connection will take."""
    return next(_free())


def free_ports(*names: str) -> dict[str, int]:
    """One port for each name."""
    found: dict[str, int] = {}
    for port in _free():
        if len(found) == len(names):
            break
        if port not in found.values():
            found[names[len(found)]] = port
    return found


def _free() -> Iterator[int]:
    numbers = random.SystemRandom()  # seeded tests beside each other must not choose the same ones
    while True:
        port = numbers.randrange(LOWEST, HIGHEST)
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port
