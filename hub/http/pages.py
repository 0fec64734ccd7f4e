"""Paging that cannot go round in circles, and the links a page carries."""

import re
from hashlib import blake2b
from json import dumps

from hub.http.response import Response
from hub.sdk import Cursor, FatalError

MOST_PAGES = 100_000
_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^",;\s]*))*)')
_PARAMETER = re.compile(r';\s*([\w*]+)\s*=\s*(?:"([^"]*)"|([^",;\s]*))')


class PageWalk:
    """Follows one read from page to page and stops it when a cursor comes back.

    A read that starts elsewhere than where the last page ended is a new walk, so resuming is no loop.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._last = b""

    def step(self, here: Cursor | None, there: Cursor) -> None:
        """Note that the page at `here` continues at `there`. Raises FatalError when that is a circle."""
        start, end = _digest(here), _digest(there)
        if start != self._last:
            self._seen = {start}
        if end in self._seen:
            raise FatalError("The system named a page already read as the next one; reading would never end.")
        if len(self._seen) >= MOST_PAGES:
            raise FatalError(f"One read took more than {MOST_PAGES} pages; raise the page size.")
        self._seen.add(end)
        self._last = end


def links(response: Response) -> dict[str, str]:
    """The targets of a Link header by their relation (RFC 8288): `{"next": "…"}`."""
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(response.header("link") or ""):
        for name, quoted, bare in _PARAMETER.findall(parameters):
            for relation in (quoted or bare).lower().split() if name.lower() == "rel" else ():
                found.setdefault(relation, target)
    return found


def _digest(cursor: Cursor | None) -> bytes:
    return blake2b(dumps(cursor, sort_keys=True, default=str).encode(), digest_size=16).digest()
