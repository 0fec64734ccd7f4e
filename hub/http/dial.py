"""Opens connections: every address is classified first, and exactly the classified addresses are dialled.

A name is resolved once for each new connection, so that a second answer of the name server cannot lead
elsewhere, and once connected the other end must be the one that was dialled. Host, SNI and certificate checks keep the
name. Whatever fails here, nothing was sent.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import certifi

from hub.http import zone
from hub.http.auth.certificate import ClientCertificate
from hub.http.deadline import DeadlineSocket, DeadlineTlsSocket
from hub.http.egress import decide, host_of, parsed
from hub.http.transport import NotSentError
from hub.sdk import ConfigError, TransientError

CONNECT = 10.0  # seconds for reaching the other side, within the whole deadline


@dataclass(frozen=True, slots=True)
class Route:
    """Where a host was found, every address of it permitted: for drivers that dial themselves and must go nowhere else.

    `number` is that of the zones by which it was judged. `authorities` is a file with the only ones to be believed
    there, empty for the usual ones.
    """

    addresses: tuple[str, ...]
    number: int
    authorities: str = ""


def route(host: str, port: int, scheme: str) -> Route:
    """Look up a host for a driver that is no HTTP client. Raises ConfigError and TransientError."""
    state = zone.current()
    try:
        with _nothing_sent(host):
            found = _looked_up(host, port, scheme, state)
    except NotSentError as error:
        raise (ConfigError if error.settled else TransientError)(f"{error}.") from None
    bundles = {bundle for _, bundle in found if bundle}
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry, _ in found))
    return Route(addresses, state.number, zone.file_of("\n".join(sorted(bundles))) if bundles else "")


def dial(host: str, port: int, until: float, scheme: str = "http") -> socket.socket:
    """A plain connection, to be used until this moment of the monotonic clock. Raises NotSentError."""
    with _nothing_sent(host):
        plain, _ = _reach(host, port, scheme, until)
        plain.settimeout(_left(until))
        return plain


def dial_tls(
    host: str, port: int, until: float, ca_file: str, certificate: ClientCertificate | None = None
) -> socket.socket:
    """The same over TLS, verified by those authorities only that are in `ca_file`, or else in the bundles of the zones
    around the address; outside of any, by the system's and certifi's.

    `certificate` is what the hub shows where the other side asks who it is.
    """
    with _nothing_sent(host):
        plain, bundle = _reach(host, port, "https", until)
        try:
            plain.settimeout(min(CONNECT, _left(until)))
            believed = (ca_file, "" if ca_file else bundle)
            context = certificate.context(believed, _fresh_context) if certificate else _context(*believed)
            secure = context.wrap_socket(plain, server_hostname=host.rstrip("."))
        except BaseException:
            plain.close()
            raise
        secure.settimeout(_left(until))
        return secure


def reason(error: BaseException) -> str:
    """What went wrong on the line, for people. It never quotes a header or a body of the request."""
    if isinstance(error, TimeoutError):
        return "the other side did not answer the connection in time"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text.rstrip(".")


@contextmanager
def _nothing_sent(host: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        message = f"the certificate of {host} was not accepted ({error.verify_message})"
        raise NotSentError(message, settled=True) from None
    except (OSError, UnicodeError) as error:
        raise NotSentError(reason(error)) from None


def _looked_up(host: str, port: int, scheme: str, state: zone.Zones) -> list[tuple[Any, str]]:
    """What the resolver says of a host, each with the authorities to believe there, once all of it is permitted."""
    try:
        name = host_of(host)
    except ValueError as error:
        raise NotSentError(f"{host!r} may not be called: {error}", settled=True) from None
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    way = decide(scheme, name, port, [str(entry[4][0]) for entry in found], state)
    if way.refused:
        raise NotSentError(way.refused, settled=bool(found))
    return list(zip(found, way.bundles, strict=True))


def _reach(host: str, port: int, scheme: str, until: float) -> tuple[socket.socket, str]:
    """Connect to the first of the host's addresses that answers, once all of them passed the egress rules."""
    failure: OSError = OSError(f"{host} has no address")
    for (family, kind, protocol, _, address), bundle in _looked_up(host, port, scheme, zone.current()):
        plain = DeadlineSocket(family, kind, protocol)
        try:
            plain.settimeout(min(CONNECT, _left(until)))
            plain.connect(address)
            _must_be(plain, str(address[0]))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain, bundle
        except OSError as error:
            plain.close()
            failure = error
        except BaseException:
            plain.close()
            raise
    raise failure


def _must_be(plain: socket.socket, address: str) -> None:
    """Refuse a line whose other end is not the address that was classified."""
    peer = str(plain.getpeername()[0])
    if parsed(peer) != parsed(address):
        raise NotSentError(f"{address} was called and {peer} answered", settled=True)


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())


@cache
def _context(ca_file: str, bundle: str) -> ssl.SSLContext:
    return _fresh_context(ca_file, bundle)


def _fresh_context(ca_file: str, bundle: str) -> ssl.SSLContext:
    if bundle:
        context = ssl.create_default_context(cadata=bundle)
    else:
        context = ssl.create_default_context(cafile=ca_file or certifi.where())
        if not ca_file:
            context.load_default_certs()
    context.sslsocket_class = DeadlineTlsSocket
    return context
