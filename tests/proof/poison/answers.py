"""Answers that hurt: what a system may send, by mistake or on purpose, in the place of one page of records."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from tests.hub.http.wires import Wire

GOOD = [{"id": f"g{n}", "name": f"Good {n}"} for n in range(1, 10)]
PAGES = {1: GOOD[:3], 2: GOOD[3:6], 3: GOOD[6:]}
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MEGABYTE = 1_048_576
Say = Callable[[Wire], None]


@dataclass(frozen=True, slots=True)
class Poison:
    """One of them, in the place of page 2. `said` must stand in the sentence that a person reads.

    `scope` is what may be lost by it: the `record` that holds it, the `page` of which nothing can be read, or the
    `line`, which is tried again and given up with its reason.
    """

    name: str
    scope: str
    say: Say
    said: str


def page(records: list[bytes]) -> bytes:
    return b'{"data": [' + b", ".join(records) + b"]}"


def plain(body: bytes, *headers: str) -> bytes:
    """A whole answer."""
    lines = "".join(f"{line}\r\n" for line in (*headers, f"Content-Length: {len(body)}"))
    return f"{HEAD}{lines}\r\n".encode() + body


def among(record: bytes) -> Say:
    """A page in which one record stands between good ones."""
    good = [json.dumps(one).encode() for one in PAGES[2]]
    return lambda wire: wire.say(plain(page([*good[:2], record, good[2]])))


def whole(body: bytes, *headers: str) -> Say:
    return lambda wire: wire.say(plain(body, *headers))


def packed(body: bytes, encoding: str = "gzip") -> Say:
    return whole(body, f"Content-Encoding: {encoding}")


def bomb(megabytes: int, times: int = 1) -> Say:
    """Blanks, packed when they are asked for."""

    def say(wire: Wire) -> None:
        packed(_bomb(megabytes) * times)(wire)

    return say


def records() -> Iterator[Poison]:
    """Of which one record is lost."""
    wrong = {
        "a NaN": (b"NaN", "NaN is no number"),
        "an infinity": (b"Infinity", "Infinity is no number"),
        "a negative infinity": (b"-Infinity", "-Infinity is no number"),
        "an integer without end": (b"1" * 5_000, "more than 1000 digits"),
        "an integer of 1,500 digits": (b"1" * 1_500, "more than 1000 digits"),
        "an exponent without end": (b"1e99999999999999999999", "more than 1000 digits"),
        "a large exponent": (b"1e999999", "more than 1000 digits"),
        "a small exponent": (b"1e-999999", "more than 1000 digits"),
        "a NUL": (b'"a\\u0000b"', "NUL"),
        "a raw NUL": (b'"a\x00b"', "not JSON"),
        "half a character": (b'"\\ud800"', "half a character"),
        "the other half": (b'"\\udfff x"', "half a character"),
        "bytes that are no UTF-8": (b'"\xff\xfe"', "not UTF-8"),
        "an overlong UTF-8": (b'"\xc0\xaf"', "not UTF-8"),
        "Latin-1": ('"Müller"'.encode("latin-1"), "not UTF-8"),
        "a text of two megabytes": (b'"' + b"x" * (2 * MEGABYTE) + b'"', "characters"),
        "an abyss": (b"[" * 200 + b"]" * 200, "levels deep"),
        "an abyss of objects": (b'{"a":' * 3_000 + b"1" + b"}" * 3_000, "levels deep"),
        "a bottomless abyss": (b"[" * 200_000 + b"]" * 200_000, "levels deep"),
        "a name that is twice in a part": (b'{"a": 1, "a": 2}', "more than once"),
        "a name of two kilobytes": (b'{"' + b"n" * 2_000 + b'": 1}', "characters"),
        "a word": (b"undefined", "not JSON"),
        "a text in single quotes": (b"'x'", "not JSON"),
        "an escape that is none": (b'"\\x41"', "not JSON"),
        "a raw line end": (b'"a\nb"', "not JSON"),
        "a leading nought": (b"007", "not JSON"),
    }
    for name, (value, said) in wrong.items():
        yield Poison(name, "record", among(b'{"id": "bad", "name": ' + value + b"}"), said)
    yield Poison(
        "a name that is there twice", "record", among(b'{"id": "bad", "name": "a", "name": "b"}'), "more than once"
    )
    yield Poison(
        "a key that is there twice", "record", among(b'{"id": "bad", "id": "g9", "name": "a"}'), "more than once"
    )
    yield Poison("a record that is a number", "record", among(b"42"), "no key")
    yield Poison("a record that is a list", "record", among(b"[1, 2]"), "no key")
    yield Poison("a record without a key", "record", among(b'{"name": "x"}'), "no key")
    yield Poison("a record with a list for a key", "record", among(b'{"id": [1], "name": "x"}'), "no key")


def pages() -> Iterator[Poison]:
    """Of which nothing can be read."""
    yield Poison("a bomb", "page", bomb(200), "unpacks to more than")
    yield Poison("a small bomb", "page", bomb(4), "unpacks to more than 100 times")
    yield Poison("a bomb in many pieces", "page", bomb(4, 60), "unpacks to more than")
    yield Poison(
        "a million lists", "page", whole(b'{"data": [' + b"[]," * 1_200_000 + b"1]}"), "more than 1000000 values"
    )
    yield Poison(
        "a million names", "page", whole(b'{"data": {' + b'"a":{},' * 1_200_000 + b'"b":1}}'), "more than 1000000"
    )
    yield Poison("a list that is none", "page", whole(b'{"data": 1e99999999999999999999}'), "cannot be read")
    yield Poison("two lists under one name", "page", whole(b'{"data": [], "data": [{"id": "x"}]}'), "more than once")
    yield Poison("an answer said to be huge", "page", _announced, "larger than")
    yield Poison("an answer without end", "page", _endless, "larger than")


def lines() -> Iterator[Poison]:
    """That are tried again, and given up with a reason."""
    body = page([json.dumps(one).encode() for one in PAGES[2]])
    yield Poison("a body that ends early", "line", lambda wire: _short(wire, body), "no answer")
    yield Poison(
        "a bomb in a bomb", "line", packed(gzip.compress(gzip.compress(body)), "gzip, gzip"), "packed as gzip, gzip"
    )
    yield Poison("a packing nobody asked for", "line", packed(body, "br"), "packed as br")
    yield Poison("a body that is not packed as said", "line", packed(body), "header check")
    yield Poison("half a packed body", "line", packed(gzip.compress(body)[:-9]), "cut short")
    yield Poison("a page of HTML", "line", whole(b"<html>Sign in</html>"), "without valid JSON")
    yield Poison("JSON that does not close", "line", whole(b'{"data": [{"id": "x"'), "without valid JSON")
    yield Poison("a slow drip", "line", _drip, "within")
    yield Poison("headers without end", "line", _many_headers, "no answer")
    yield Poison("one huge header", "line", _huge_header, "no answer")
    yield Poison(
        "an answer that is no HTTP", "line", lambda wire: wire.say(b"SSH-2.0-OpenSSH_9.6\r\n" * 3), "no answer"
    )
    yield Poison(
        "a length that is no number", "line", lambda wire: wire.say(HEAD.encode() + b"Content-Length: -5\r\n\r\n{"), ""
    )


def kept() -> Iterator[Poison]:
    """That look like poison and are none: the page is read."""
    body = page([json.dumps(one).encode() for one in PAGES[2]])
    yield Poison("a mark of the order of bytes", "none", whole(b"\xef\xbb\xbf" + body), "")
    yield Poison("UTF-16", "none", whole(body.decode().encode("utf-16")), "")
    yield Poison("a body packed in two pieces", "none", packed(gzip.compress(body[:20]) + gzip.compress(body[20:])), "")


def _announced(wire: Wire) -> None:
    wire.say(f"{HEAD}Content-Length: 99999999999\r\n\r\n".encode())
    wire.say(b"{" * 100_000)


def _endless(wire: Wire) -> None:
    wire.say(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    for _ in range(2_000):
        wire.say(chunk)


def _short(wire: Wire, body: bytes) -> None:
    wire.say(f"{HEAD}Content-Length: {len(body) + 10}\r\n\r\n".encode() + body)
    wire.sock.close()


def _drip(wire: Wire) -> None:
    import time

    wire.say(f"{HEAD}Content-Length: 100000\r\n\r\n".encode())
    for _ in range(400):
        wire.say(b" ")
        time.sleep(0.01)


def _many_headers(wire: Wire) -> None:
    wire.say(HEAD.encode())
    for n in range(100_000):
        wire.say(f"X-{n}: {'v' * 100}\r\n".encode())


def _huge_header(wire: Wire) -> None:
    wire.say(HEAD.encode() + b"X: ")
    for _ in range(1_000):
        wire.say(b"v" * 65_536)


def warm() -> None:
    """Make what takes longer than the deadline of a request."""
    for megabytes in (4, 200):
        _bomb(megabytes)


@cache
def _bomb(megabytes: int) -> bytes:
    return gzip.compress(b" " * (megabytes * MEGABYTE), 9)


EVERY = [*records(), *pages(), *lines(), *kept()]
