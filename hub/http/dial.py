"""Opens connections: every address is classified first, and exactly the classified addresses are dialled.

A name is resolved once for each new connection, so that a second answer of the name server cannot lead
elsewhere. Host, SNI and certificate checks keep the name. Whatever fails here, nothing was sent.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import certifi

from hub.http.auth.certificate import ClientCertificate
from hub.http.deadline import DeadlineSocket, DeadlineTlsSocket
from hub.http.egress import refusal
from hub.http.transport import NotSentError

CONNECT = 10.0  # seconds for reaching the other side, within the whole deadline


def dial(host: str, port: int, until: float) -> socket.socket:
    """A plain connection, to be used until this moment of the monotonic clock. Raises NotSentError."""
    with _nothing_sent(host):
        plain = _reach(host, port, until)
        plain.settimeout(_left(until))
        return plain


def dial_tls(
    host: str, port: int, until: float, ca_file: str, certificate: ClientCertificate | None = None
) -> socket.socket:
    """The same over TLS, verified by the system's and certifi's authorities or only by those in `ca_file`.

    `certificate` is what the hub shows where the other side asks who it is.
    """
    with _nothing_sent(host):
        context = certificate.context(ca_file, _fresh_context) if certificate else _context(ca_file)
        plain = _reach(host, port, until)
        plain.settimeout(min(CONNECT, _left(until)))
        secure = context.wrap_socket(plain, server_hostname=host.rstrip("."))
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


def _reach(host: str, port: int, until: float) -> socket.socket:
    """Connect to the first of the host's addresses that answers, once all of them passed the egress rules."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    refused = refusal(host, (str(entry[4][0]) for entry in found))
    if refused:
        raise NotSentError(refused, settled=True)
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in found:
        plain = DeadlineSocket(family, kind, protocol)
        try:
            plain.settimeout(min(CONNECT, _left(until)))
            plain.connect(address)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain
        except OSError as error:
            plain.close()
            failure = error
    raise failure


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())


@cache
def _context(ca_file: str) -> ssl.SSLContext:
    return _fresh_context(ca_file)


def _fresh_context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or certifi.where())
    if not ca_file:
        context.load_default_certs()
    context.sslsocket_class = DeadlineTlsSocket
    return context
