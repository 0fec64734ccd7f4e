"""Carries requests over kept connections of the standard library, exact about what left and what came."""

import select
import socket
import ssl
import time
import zlib
from collections import defaultdict
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

import certifi

from hub.http.deadline import DeadlineSocket, DeadlineTlsSocket
from hub.http.egress import refusal
from hub.http.origin import split
from hub.http.transport import LostAnswerError, NotSentError, OversizeError, WireAnswer, WireRequest

CONNECT = 10.0  # seconds for reaching the other side, within the whole deadline
CHUNK = 65_536


class Connection(HTTPConnection):
    """Sends head and body together, and only when the whole of it was accepted."""

    _unsent: bytes = b""

    def send(self, data: Any) -> None:
        """Keep what is to be sent."""
        self._unsent += data

    def flush(self) -> None:
        """Send it."""
        unsent, self._unsent = self._unsent, b""
        self.sock.sendall(unsent)


class WireTransport:
    """Keeps connections open between calls. It retries nothing, follows nothing and reads no environment.

    A name is resolved once for each new connection, every address is classified, and exactly those
    addresses are dialled, so that a second answer of the name server cannot lead elsewhere. Host,
    SNI and certificate checks keep the name. A call costs a third of what it does with requests.
    """

    def __init__(self, ca_file: str = "") -> None:
        self._ca_file = ca_file
        self._idle: defaultdict[str, list[Connection]] = defaultdict(list)

    def send(self, request: WireRequest) -> WireAnswer:
        """Send one request. Raises NotSentError, LostAnswerError or OversizeError."""
        connection = self._connection(request)
        kept = False
        try:
            with _exchange(connection, request) as response:
                answer = _answer(response, request.max_bytes)
            kept = not response.will_close
        except TimeoutError:
            raise LostAnswerError(f"no complete answer within {request.timeout:.3g} seconds") from None
        except (OSError, HTTPException, zlib.error) as error:
            raise LostAnswerError(_reason(error)) from None
        finally:
            if kept:
                self._idle[request.origin].append(connection)
            else:
                connection.close()
        return answer

    def close(self) -> None:
        """Close every kept connection."""
        for connections in self._idle.values():
            while connections:
                connections.pop().close()

    def _connection(self, request: WireRequest) -> Connection:
        idle = self._idle[request.origin]
        while idle:
            connection = idle.pop()
            if _is_quiet(connection):
                connection.sock.settimeout(request.timeout)
                return connection
            connection.close()
        return _open(request.origin, request.timeout, self._ca_file)


def _exchange(connection: Connection, request: WireRequest) -> HTTPResponse:
    """Send the request and read the head of the answer."""
    try:
        connection.request(request.method, request.target, request.body, dict(request.headers))
    except (ValueError, HTTPException) as error:
        raise NotSentError(f"the request cannot be written ({error})", settled=True) from None
    connection.flush()
    return connection.getresponse()


def _answer(response: HTTPResponse, max_bytes: int) -> WireAnswer:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    body = _unpacked(_body(response, max_bytes), headers.get("content-encoding", ""), max_bytes)
    return WireAnswer(response.status, headers, body)


def _body(response: HTTPResponse, max_bytes: int) -> bytes:
    if response.length is not None:
        if response.length > max_bytes:
            raise OversizeError(f"the answer is larger than {max_bytes} bytes")
        return response.read()  # with its length known, a short body is noticed
    parts, size = [], 0
    while part := response.read(CHUNK):
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise OversizeError(f"the answer is larger than {max_bytes} bytes")
    return b"".join(parts)


def _unpacked(body: bytes, encoding: str, max_bytes: int) -> bytes:
    if encoding in {"", "identity"} or not body:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise LostAnswerError(f"the answer is packed as {encoding}, which was not asked for")
    packer = zlib.decompressobj(zlib.MAX_WBITS | 16)
    unpacked = packer.decompress(body, max_bytes + 1)
    if len(unpacked) > max_bytes:
        raise OversizeError(f"the answer unpacks to more than {max_bytes} bytes")
    if not packer.eof:
        raise LostAnswerError("the answer was cut short")
    return unpacked


def _is_quiet(connection: HTTPConnection) -> bool:
    """Whether a kept connection is still open: one with something to read was closed or is out of step."""
    if connection.sock is None:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _open(origin: str, timeout: float, ca_file: str) -> Connection:
    """A connected connection. Whatever fails here, nothing of the request was sent."""
    parts, until = split(origin), time.monotonic() + timeout
    host, port = parts.hostname or "", parts.port or 0
    try:
        connection = Connection(host, port)
        connection.sock = _dial(host, port, until)
        if parts.scheme == "https":
            connection.default_port = HTTPSConnection.default_port
            connection.sock = _context(ca_file).wrap_socket(connection.sock, server_hostname=host)
        connection.sock.settimeout(_left(until))
    except ssl.SSLCertVerificationError as error:
        message = f"the certificate of {host} was not accepted ({error.verify_message})"
        raise NotSentError(message, settled=True) from None
    except (OSError, UnicodeError) as error:
        raise NotSentError(_reason(error)) from None
    return connection


def _dial(host: str, port: int, until: float) -> socket.socket:
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
    """The system's certificate authorities and certifi's, or only those in `ca_file`."""
    context = ssl.create_default_context(cafile=ca_file or certifi.where())
    if not ca_file:
        context.load_default_certs()
    context.sslsocket_class = DeadlineTlsSocket
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the other side did not answer the connection in time"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text.rstrip(".")
