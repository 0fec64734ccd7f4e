"""What a person may see of an exchange: bounded, without query values, and with every secret replaced."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

HALF = 8  # characters
SHORTEST = 6  # bytes of a value that is looked for in other codes
FOR_ADDRESSES = str.maketrans("+/", "-_")
EXCERPT = 2_000  # characters of a body that are kept
MOST_LATER = 16  # values learned later that are still looked for: tokens that are older have ended
# Headers that explain an answer and never prove who is calling.
SHOWN = frozenset({"content-type", "if-match", "if-none-match", "idempotency-key", "etag", "retry-after", "location"})


class Scrubber:
    """Replaces every known secret, in each form in which a server might send it back."""

    def __init__(self, values: Iterable[str]) -> None:
        self._first = tuple(value for value in values if value)
        self._later: tuple[str, ...] = ()
        self._forms = _sorted(self._first)

    def add(self, values: Iterable[str]) -> None:
        """Hide these too from now on, as with a token that was not there before. Safe between threads."""
        new = [value for value in values if value and value not in self._first and value not in self._later]
        if new:
            self._later = (*self._later, *new)[-MOST_LATER:]
            self._forms = _sorted((*self._first, *self._later))

    def __call__(self, text: str) -> str:
        """`text` without any secret."""
        for form in self._forms:
            text = text.replace(form, "•••")
        return text

    def excerpt(self, body: bytes | None, most: int = EXCERPT) -> str:
        """The beginning of a body, scrubbed before it is cut so that no half of a secret remains."""
        text = self((body or b"").decode("utf-8", "replace"))
        return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def _sorted(values: Iterable[str]) -> list[str]:
    """Every form of every value, the longest first, so that no part of one is replaced before the whole."""
    return sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)


def _forms(value: str) -> set[str]:
    """A value as it is, in addresses, in JSON (with and without escaped letters and slashes), in HTML, in hexadecimal
    digits, in base64 wherever it stands there, and, of a long one, its halves."""
    in_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    slashed = {form.replace("/", r"\/") for form in in_json}
    plain = {value, quote(value), quote(value, safe=""), quote_plus(value), escape(value), *in_json, *slashed}
    return plain | _packed(value.encode()) | ({value[:HALF], value[-HALF:]} if len(value) >= 2 * HALF else set())


def _packed(value: bytes) -> set[str]:
    """In hexadecimal digits and base64. Too short a value would hide what is no secret."""
    if len(value) < SHORTEST:
        return set()
    hexadecimal = value.hex()
    return {hexadecimal, hexadecimal.upper(), *(form for at in range(3) for form in _within_base64(value, at))}


def _within_base64(value: bytes, at: int) -> set[str]:
    """The letters that stand for all of the value's own bits when `at` other bytes come before it."""
    spare = len(value) + at
    whole = b64encode(bytes(at) + value).decode()[-(-at * 8 // 6) : spare * 8 // 6]
    return {whole, whole.translate(FOR_ADDRESSES)}


def path_of(target: str) -> str:
    """Path of a request with the names of its query, without their values."""
    if "?" not in target and "#" not in target and not target.startswith("//"):
        return target
    parts = urlsplit(target)
    names = "&".join(f"{name}=…" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return f"{parts.path}?{names}" if names else parts.path


def shown_headers(headers: Mapping[str, str]) -> str:
    """The explaining headers, one a line."""
    return "".join([f"{name}: {value}\n" for name, value in headers.items() if name.lower() in SHOWN])
