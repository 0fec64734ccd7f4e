"""Turns what comes over a line into an answer: whole, unpacked, and never larger than allowed."""

import zlib
from collections.abc import Callable, Iterable

from hub.http.transport import LostAnswerError, OversizeError, WireAnswer

CHUNK = 65_536
UNJUDGED, DENSEST = 1_048_576, 100  # bytes that may be packed as densely as they like, and how densely more may be
Read = Callable[..., bytes]


def answer_of(
    status: int, headers: Iterable[tuple[str, str]], *, read: Read, length: int | None, max_bytes: int
) -> WireAnswer:
    """The answer with these headers, whose body `read` gives: all of it, or the next so many bytes.

    `length` is how many bytes were announced, None when it was not said. Raises OversizeError,
    LostAnswerError, zlib.error and whatever `read` raises.
    """
    named = _named(headers)
    packed = _whole(read, length, max_bytes)
    return WireAnswer(status, named, _unpacked(packed, named.get("content-encoding", ""), max_bytes))


def _named(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by their name in lower case; repeated ones are joined, folded ones are one line."""
    named: dict[str, str] = {}
    for name, value in headers:
        key, line = name.lower(), " ".join(value.split()) if "\n" in value else value
        named[key] = f"{named[key]}, {line}" if key in named else line
    return named


def _whole(read: Read, length: int | None, max_bytes: int) -> bytes:
    if length is not None:
        if length > max_bytes:
            raise OversizeError(f"the answer is larger than {max_bytes} bytes")
        return read()  # with its length known, a short body is noticed
    parts, size = [], 0
    while part := read(CHUNK):
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
    most = min(max_bytes, max(UNJUDGED, len(body) * DENSEST))
    parts: list[bytes] = []
    while body:  # it may come in several pieces
        packer = zlib.decompressobj(zlib.MAX_WBITS | 16)
        left = most - sum(map(len, parts))
        parts.append(packer.decompress(body, left + 1))
        if len(parts[-1]) > left:
            told = f"{DENSEST} times its size" if most < max_bytes else f"{max_bytes} bytes"
            raise OversizeError(f"the answer unpacks to more than {told}")
        if not packer.eof:
            raise LostAnswerError("the answer was cut short")
        body = packer.unused_data
    return b"".join(parts)
