"""An answer as a connector sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from hub.http.payload import decode
from hub.http.poison import TooManyError, read
from hub.http.redact import Scrubber, path_of, shown_headers
from hub.http.transport import WireRequest
from hub.sdk import Exchange, SignalClass, SilenceError, TransientError, UnreadableError


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and body of one answer, and its class. Header names are in lower case."""

    request: WireRequest = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    milliseconds: int
    scrub: Scrubber = field(repr=False)
    safe: bool = True
    kind: SignalClass = SignalClass.APPLIED
    is_renewed: bool = False  # refused for a token in whose place the next call has another
    bare: Callable[[str], str] | None = field(default=None, repr=False)  # takes our key out of an address

    @property
    def ok(self) -> bool:
        """Whether the request was accepted."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the other system answered that it will not do this: the connector must judge why."""
        return 400 <= self.status < 500

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def url(self) -> str:
        """The full address that answered. It may hold secrets in its query: for calls, never for people."""
        return self.request.origin + self.request.target

    def onward(self, target: str) -> str:
        """Where this answer leads to when it names `target`: the whole address, without a key of ours."""
        onward = urljoin(self.url, target)
        return self.bare(onward) if self.bare else onward

    def header(self, name: str) -> str | None:
        """One header, whatever the case of its name."""
        return self.headers.get(name.lower())

    def json(self) -> Any:
        """The body as JSON, None when it is empty.

        A body that is not JSON means that somebody else answered (a proxy, a login page): TransientError
        on a read, SilenceError on a write, because nobody knows whether the write arrived.
        """
        if not self.body:
            return None
        try:
            return decode(self.body)
        except ValueError as error:
            kind = TransientError if self.safe else SilenceError
            place = self.scrub(f"{self.request.method} {path_of(self.request.target)}")
            start = self.scrub.excerpt(self.body, 200)
            raise kind(f"{place} answered {self.status} without valid JSON ({error}): {start}") from None

    def readable(self) -> tuple[Any, bool]:
        """The body as JSON, with a Poison in the place of what cannot be read, and whether there is any.

        Raises UnreadableError when there is too much of it, and as `json` does when it is not JSON at all.
        """
        if not self.body:
            return None, False
        try:
            return read(self.body)
        except TooManyError as error:
            place = self.scrub(f"{self.request.method} {path_of(self.request.target)}")
            raise UnreadableError(f"{place} answered what cannot be read: {error}.") from None
        except ValueError:
            return self.json(), False

    @property
    def exchange(self) -> Exchange:
        """Request and answer as a person may see them."""
        return exchange(self.request, self, scrub=self.scrub, milliseconds=self.milliseconds)


def exchange(
    request: WireRequest, response: Response | None, *, scrub: Scrubber, milliseconds: int, note: str = ""
) -> Exchange:
    """A redacted, bounded account of one request. `note` stands for an answer that never came."""
    asked = f"{request.method} {path_of(request.target)}\n{shown_headers(request.headers)}"
    answered = note
    if response is not None:
        answered = f"{response.status}\n{shown_headers(response.headers)}\n{scrub.excerpt(response.body)}"
    return Exchange(
        request=scrub(f"{asked}\n") + scrub.excerpt(request.body),
        response=scrub(answered),
        status=response.status if response else None,
        milliseconds=milliseconds,
    )
