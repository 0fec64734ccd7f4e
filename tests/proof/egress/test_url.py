"""PROOF-EGR-3: a URL whose host any other reader takes for another one is refused."""

import random
from urllib.parse import urlsplit

import pytest

from hub.http import origin_of
from hub.sdk import ConfigError
from tests.proof.egress.readers import READERS, same
from tests.proof.egress.spellings import spellings

MOST = 20_000
PARTS = (
    "vendor.example", "127.0.0.1", "[::1]", "api.vendor.example", "xn--mnchen-3ya.example", "münchen.example",
    "8.8.8.8",
    "a_b.intern", "10.0.0.1", "localhost", "evil.example", "faß.example", "1.2.3", "0x7f.1", "erp", "[fe80::1]",
)  # fmt: skip
BETWEEN = (
    "", "", "", ".", "@", ":", ":80", ":443", "#", "?", "/", "\\", "//", "%2e", "%40", "%00", "\t", "\n", " ", "\x00",
    "。",
    "．", "\u00ad", "\u200b", "\ufeff", "[", "]", ":@", "::", "\\@", "#@", "?@", "/@", "%5c", "&", ";",
    "|", "^", "ß", "ⓔ",
    "..",
)  # fmt: skip
SCHEMES = ("http://", "https://", "HTTP://", "http:/", "http:", "http:\\\\", "https:///", " http://", "h\nttp://", "//")
ENDS = ("", "/", "/x", "/x?y=z", "?q", "#f", "/@evil.example/", "/..//evil.example", ":8080/x", "\\x")


def urls(count: int) -> list[str]:
    """Addresses put together from what readers stumble over."""
    rng = random.Random(4)
    made = []
    for _ in range(count):
        scheme = rng.choice(SCHEMES) if rng.random() < 0.25 else rng.choice(SCHEMES[:2])
        host = rng.choice(PARTS)
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            host += rng.choice(BETWEEN) + rng.choice(PARTS)
        if rng.random() < 0.3:
            place = rng.randrange(len(host) + 1)
            host = host[:place] + rng.choice(BETWEEN) + host[place:]
        made.append(scheme + host + rng.choice(ENDS))
    return made


def ours(url: str) -> str | None:
    """What the hub takes for the host."""
    try:
        return urlsplit(origin_of(url)).hostname
    except ConfigError:
        return None


class TestAUrl:
    def test_means_the_same_to_every_reader_or_is_refused(self) -> None:
        tried = [*urls(MOST), *(f"http://{form}/x" for form, _ in spellings())]
        taken = [(url, host) for url in tried if (host := ours(url))]

        differ = [
            (name, url, host, read)
            for url, host in taken
            for name, reader in READERS.items()
            if (read := reader(url)) is not None and same(read) not in {same(host), _in_ascii(host)}
        ]

        assert differ == []
        assert len(taken) > MOST / 20  # it is not that everything is refused

    @pytest.mark.parametrize(
        "url",
        [
            "https://vendor.example", "https://VENDOR.example:443/x", "http://10.0.0.1:8069", "https://[2606:4700::1]/x",
            "https://xn--mnchen-3ya.example/", "https://münchen.example/", "http://erp", "http://a_b.intern:8000/x?y=@z",
        ],
    )  # fmt: skip
    def test_as_people_write_it_is_taken(self, url: str) -> None:
        assert ours(url)


def _in_ascii(host: str) -> str:
    """International names are told in their own letters by some readers."""
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host
