"""A session of `requests` for libraries that insist on one: the hub's dialling, deadlines and limits beneath it."""

import time
from collections.abc import Collection
from typing import Any

from requests import ConnectionError as NoConnection
from requests import PreparedRequest, Response
from requests.exceptions import ContentDecodingError, Timeout
from urllib3 import Timeout as Deadline

from hub.http.origin import origin_of
from hub.http.session import TARGET, _Session
from hub.http.transport import TransportError
from hub.sdk import ConfigError

PIECE = 16_384


class VisitSession(_Session):
    """Asks like any session, within the rules: addresses are classified, no proxy or netrc of the surroundings is
    used, nothing is followed or retried, an exchange ends in time, and an answer has a largest size.

    `origins` are all it may ask, as `scheme://host:port`; `named_by` says to people where they are listed.
    """

    def __init__(
        self,
        *,
        origins: Collection[str],
        named_by: str = "its settings",
        timeout: float = 10.0,
        max_bytes: int = 1_000_000,
        ca_file: str = "",
    ) -> None:
        super().__init__(ca_file)
        self._origins, self._named_by = frozenset(origin_of(origin) for origin in origins), named_by
        self._timeout, self._max_bytes = timeout, max_bytes

    def send(self, request: PreparedRequest, **how: Any) -> Response:
        """Send, and read the whole answer. Raises what `requests` raises."""
        self._refuse_elsewhere(request)
        until = time.monotonic() + self._timeout
        request.headers[TARGET] = request.path_url
        how |= {"stream": True, "timeout": Deadline(total=self._timeout), "proxies": {}, "verify": True, "cert": None}
        try:
            response = super().send(request, **how)
        except TransportError as error:
            raise NoConnection(str(error), request=request) from None
        finally:
            del request.headers[TARGET]
        try:
            self._read(response, until)
        finally:
            response.close()
        return response

    def _refuse_elsewhere(self, request: PreparedRequest) -> None:
        try:
            origin = origin_of(request.url or "")
        except ConfigError as error:
            raise NoConnection(str(error), request=request) from None
        if origin not in self._origins:
            raise NoConnection(f"{origin} may not be asked: it is not listed in {self._named_by}", request=request)

    def _read(self, response: Response, until: float) -> None:
        body = bytearray()
        for piece in response.iter_content(PIECE):
            body += piece
            if len(body) > self._max_bytes:
                raise ContentDecodingError(f"the answer is larger than {self._max_bytes} bytes", response=response)
            if time.monotonic() > until:
                raise Timeout("no complete answer in time", response=response)
        response._content = bytes(body)  # noqa: SLF001  where requests keeps what it has read
