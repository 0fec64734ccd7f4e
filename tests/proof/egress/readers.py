"""Other readers of URLs: what each takes for the host, or None where it refuses."""

import re
import unicodedata
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address
from urllib.parse import unquote, urlsplit

from requests import PreparedRequest, RequestException
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

FORBIDDEN = re.compile(r"[\x00-\x20\x7f#/:<>?@\[\\\]^|%]")


def by_urllib(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def by_urllib3(url: str) -> str | None:
    try:
        return parse_url(url).host
    except (HTTPError, ValueError):
        return None


def by_requests(url: str) -> str | None:
    try:
        prepared = PreparedRequest()
        prepared.prepare_url(url, None)
        return urlsplit(str(prepared.url)).hostname
    except (RequestException, ValueError):
        return None


def by_a_browser(url: str) -> str | None:
    """As browsers do (the URL standard of the WHATWG), as far as it matters for a host."""
    text = re.sub(r"[\t\n\r]", "", url.strip("".join(map(chr, range(0x21)))))
    scheme, separator, rest = text.partition(":")
    if not separator or scheme.lower() not in {"http", "https"}:
        return None
    authority = re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    host = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    if host.startswith("["):
        try:
            return str(ip_address(host[1:-1]))
        except ValueError:
            return None
    return _domain(unicodedata.normalize("NFKC", unquote(host)).lower())


def _domain(host: str) -> str | None:
    for dot in "\u3002\uff0e\uff61":
        host = host.replace(dot, ".")
    if not host or FORBIDDEN.search(host):
        return None
    if re.fullmatch(r"\d+|0x[0-9a-f]*", host.removesuffix(".").rpartition(".")[2]):
        return _address(host.removesuffix("."))
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return None


def _address(host: str) -> str | None:
    """An address of the older kind in any of its spellings."""
    try:
        numbers = [_number(part) for part in host.split(".")]
    except ValueError:
        return None
    if len(numbers) > 4 or any(one > 255 for one in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        return None
    value = numbers[-1] + sum(one * 256 ** (3 - place) for place, one in enumerate(numbers[:-1]))
    return str(IPv4Address(value))


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part.startswith("0") else int(part)


READERS: dict[str, Callable[[str], str | None]] = {
    "urllib": by_urllib, "urllib3": by_urllib3, "requests": by_requests, "a browser": by_a_browser,
}  # fmt: skip


def same(host: str | None) -> str:
    """A host as it is compared: without brackets and case, an address in its usual spelling."""
    text = (host or "").strip("[]").lower()
    try:
        return str(ip_address(text))
    except ValueError:
        return text
