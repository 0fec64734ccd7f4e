"""Carries the writes, over kept sockets: exact about what left, and as fast as Python allows.

A run makes a call for each change, so its cost counts: head and body are written by hand and leave together, or
nothing does. The usual answer is read by hand as well; one with anything unusual in it is left to the parser of the
standard library.
"""

import io
import re
import select
import socket
import time
import zlib
from collections import defaultdict
from http.client import HTTPException, HTTPResponse

from hub.http import zone
from hub.http.answer import answer_of
from hub.http.auth.certificate import ClientCertificate
from hub.http.deadline import DeadlineSocket
from hub.http.dial import dial, dial_tls, reason
from hub.http.origin import split
from hub.http.transport import LostAnswerError, NotSentError, OversizeError, WireAnswer, WireRequest

CHUNK = 65_536
LONGEST_HEAD = 65_536
BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})  # without a body they say that its length is 0
PORTS = {"http": 80, "https": 443}
# What the standard library refuses to write, for the same reasons: it would end a line, a header or the head.
_BAD_METHOD = re.compile(r"[\x00-\x1f]")
_BAD_TARGET = re.compile(r"[\x00-\x20\x7f]")
_NAME = re.compile(r"[^:\s][^:\r\n]*")
_BAD_VALUE = re.compile(r"\n(?![ \t])|\r(?![ \t\n])")
# The usual answer: a status that has a body, plain headers, a length, and nothing that changes what either means.
_USUAL = re.compile(rb"HTTP/1\.1 ([2-5]\d\d)(?: [^\r\n]*)?\r\n((?:[!#-'*-.0-9A-Za-z^_`|~]+:[ \t]*[ -~]*\r\n)+)\r\n\Z")
_UNUSUAL = frozenset({"transfer-encoding", "content-encoding", "connection"})
_BODILESS = frozenset({204, 304})


class Line:
    """One connected socket, and whether another request may follow on it."""

    __slots__ = ("_origin_line", "_poll", "_until", "is_open", "number", "sock")

    def __init__(self, sock: socket.socket, host: str, number: int) -> None:
        self.sock = sock
        self.number = number  # of the zones by which it was dialled
        self.is_open = False  # until an answer was read to its end
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._origin_line = host

    def is_quiet(self) -> bool:
        """Whether nothing has come unasked: what is there to read means closed, or out of step."""
        return not self._poll.poll(0)

    def head(self, request: WireRequest) -> bytes:
        """The head of a request. Raises NotSentError."""
        method, target, headers = request.method, request.target, request.headers
        lines = [f"{method} {target} HTTP/1.1", f"host: {self._origin_line}"]
        if "accept-encoding" not in headers:
            lines.append("accept-encoding: identity")
        if "content-length" not in headers and (request.body is not None or method in BODY_EXPECTED):
            lines.append(f"content-length: {len(request.body or b'')}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        problem = _unwritable(request, "".join(lines))
        if problem:
            raise NotSentError(f"the request cannot be written ({problem})", settled=True)
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1")

    def ask(self, request: WireRequest) -> WireAnswer:
        """Send one request and read its answer, within the time it has."""
        head = self.head(request)
        self.is_open = False
        whole = head + request.body if request.body else head
        if isinstance(self.sock, DeadlineSocket):
            self.sock.begin(request.timeout)
            self.sock.pour(whole)
        else:
            self.sock.settimeout(request.timeout)
            self.sock.sendall(whole)
        heard = b""
        while b"\r\n\r\n" not in heard and len(heard) <= LONGEST_HEAD:
            part = self._take(CHUNK)
            if not part:
                break
            heard = heard + part if heard else part
        return self._usual(request, heard) or self._unusual(request, heard)

    def _take(self, most: int) -> bytes:
        if isinstance(self.sock, DeadlineSocket):
            return self.sock.take(most, self._poll)
        return self.sock.recv(most)

    def _usual(self, request: WireRequest, heard: bytes) -> WireAnswer | None:
        """The answer, when nothing about it needs more than a look."""
        end = heard.find(b"\r\n\r\n") + 4
        plain = _USUAL.match(heard[:end])
        if plain is None or request.method == "HEAD":
            return None
        lines = plain[2].decode("ascii").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[:-1])}
        told, status = headers.get("content-length", ""), int(plain[1])
        if not told.isdigit() or len(headers) != len(lines) - 1 or headers.keys() & _UNUSUAL or status in _BODILESS:
            return None
        length = int(told)
        if length > request.max_bytes:
            raise OversizeError(f"the answer is larger than {request.max_bytes} bytes")
        body = self._whole(heard[end:], length)
        self.is_open = len(body) == length
        return WireAnswer(status, headers, body[:length])

    def _whole(self, body: bytes, length: int) -> bytes:
        """The body, of which a part was heard with the head."""
        if len(body) >= length:
            return body
        parts, missing = [body], length - len(body)
        while missing > 0:
            part = self._take(min(missing, CHUNK * 16))
            if not part:
                raise LostAnswerError(f"IncompleteRead({length - missing} bytes read, {missing} more expected)")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _unusual(self, request: WireRequest, heard: bytes) -> WireAnswer:
        """The answer, read by the standard library from what was heard and what follows."""
        with HTTPResponse(_Rest(heard, self.sock), method=request.method) as response:  # type: ignore[arg-type]
            response.begin()
            answer = answer_of(
                response.status,
                response.headers.items(),
                read=response.read,
                length=response.length,
                max_bytes=request.max_bytes,
            )
            self.is_open = not response.will_close
        return answer


class _Rest(io.RawIOBase):
    """What was heard already, then what the socket says."""

    def __init__(self, heard: bytes, sock: socket.socket) -> None:
        self._heard, self._sock = heard, sock

    def makefile(self, mode: str) -> io.BufferedReader:
        """As a socket is asked for it."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with some of it."""
        if not self._heard:
            return self._sock.recv_into(buffer)
        part, self._heard = self._heard[: len(buffer)], self._heard[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


class WireTransport:
    """Keeps connections open between calls. It retries nothing, follows nothing and reads no environment."""

    def __init__(self, ca_file: str = "", certificate: ClientCertificate | None = None) -> None:
        self._ca_file, self._certificate = ca_file, certificate
        self._idle: defaultdict[str, list[Line]] = defaultdict(list)

    def send(self, request: WireRequest) -> WireAnswer:
        """Send one request. Raises NotSentError, LostAnswerError or OversizeError."""
        line = self._line(request)
        try:
            return line.ask(request)
        except TimeoutError:
            raise LostAnswerError(f"no complete answer within {request.timeout:.3g} seconds") from None
        except (OSError, HTTPException, zlib.error) as error:
            raise LostAnswerError(reason(error)) from None
        finally:
            if line.is_open:
                self._idle[request.origin].append(line)
            else:
                line.sock.close()

    def close(self) -> None:
        """Close every kept connection."""
        for lines in self._idle.values():
            while lines:
                lines.pop().sock.close()

    def _line(self, request: WireRequest) -> Line:
        idle = self._idle[request.origin]
        while idle:
            try:
                line = idle.pop()
            except IndexError:  # another thread took the last one
                break
            if line.number == zone.current().number and line.is_quiet():
                return line
            line.sock.close()  # also when a zone was closed since: what it led to may be out of reach now
        return self._open(request.origin, time.monotonic() + request.timeout)

    def _open(self, origin: str, until: float) -> Line:
        """A connected line. Raises NotSentError."""
        parts, number = split(origin), zone.current().number
        host, port = parts.hostname or "", parts.port or 0
        shown = f"[{host}]" if ":" in host else host
        named = shown if port == PORTS[parts.scheme] else f"{shown}:{port}"
        if parts.scheme == "http":
            return Line(dial(host, port, until), named, number)
        return Line(dial_tls(host, port, until, self._ca_file, self._certificate), named, number)


def _unwritable(request: WireRequest, head: str) -> str:
    """Why a request cannot be written, or an empty string; the usual one is found sound by a look at all of it."""
    names = request.headers
    if head.isascii() and head.isprintable() and " " not in request.target and all(map(_NAME.fullmatch, names)):
        return ""
    checks = {
        "the method holds control characters": bool(_BAD_METHOD.search(request.method)),
        "the address holds characters that no address may hold": bool(_BAD_TARGET.search(request.target))
        or not request.target.isascii(),
        "a header has an invalid name": not all(map(_NAME.fullmatch, names)),
        "a header has an invalid value": any(_BAD_VALUE.search(value) for value in names.values()),
        "a header holds characters that no header may hold": any(ord(char) > 255 for char in head),
    }
    return next((problem for problem, applies in checks.items() if applies), "")
