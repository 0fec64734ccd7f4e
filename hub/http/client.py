"""Calls an HTTP system: listed origins only, one deadline, one meaning for each failure, no secret shown."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, TypedDict, Unpack
from urllib.parse import urlencode, urljoin

from hub.http.auth import Auth
from hub.http.failure import Clock, keep_exchange, of_silence, of_status
from hub.http.origin import origin_from, origin_of, split
from hub.http.payload import encode
from hub.http.redact import Scrubber
from hub.http.response import Response, exchange
from hub.http.session import SessionTransport
from hub.http.transport import Transport, TransportError, WireRequest
from hub.http.wire import WireTransport
from hub.sdk import ConfigError, Secret

READING = frozenset({"GET", "HEAD", "OPTIONS"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3
ALWAYS = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "integration-hub"}
Params = Mapping[str, Any] | Sequence[tuple[str, Any]]


class Sending(TypedDict, total=False):
    """What a call may carry besides its method and target.

    `expect` names statuses that come back as a Response although they would raise. `safe` says that
    the call changes nothing although its method could (a search by POST), or the other way round.
    """

    params: Params
    json: Any
    data: bytes | str | Mapping[str, Any]
    headers: Mapping[str, str]
    expect: Collection[int]
    safe: bool
    timeout: float


@dataclass(kw_only=True, slots=True)
class HttpClient:
    """One account on one HTTP system. Reuse it: connections are kept open. Safe to share between threads.

    `base_url` is put before relative targets. `origins` lists the `scheme://host:port` that may be
    called; `timeout` is the whole exchange in seconds, body included; `verify` may name a file of
    certificate authorities (verification cannot be switched off). `secrets` are further values to
    hide besides those of `auth`. `clock` gives seconds since 1970 for Retry-After dates.
    """

    base_url: str
    origins: Collection[str]
    auth: Auth | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0
    verify: Literal[True] | str = True
    max_bytes: int = 50_000_000
    secrets: Sequence[Secret] = field(default=(), repr=False)
    clock: Clock = field(default=time.time, repr=False)
    transport: Transport | None = field(default=None, repr=False)
    scrub: Scrubber = field(init=False, repr=False)
    _asking: Transport = field(init=False, repr=False)
    _writing: Transport = field(init=False, repr=False)
    _allowed: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        hidden = [*(self.auth.hidden() if self.auth else ()), *(secret.reveal() for secret in self.secrets)]
        self.scrub = Scrubber(hidden)
        self._allowed = frozenset(origin_of(origin) for origin in self.origins)
        ca_file = "" if self.verify is True else self.verify
        self._asking = self.transport or SessionTransport(ca_file)
        self._writing = self.transport or WireTransport(ca_file)
        self._check_origin(origin_of(self.base_url))

    def call(self, method: str, target: str, **sending: Unpack[Sending]) -> Response:
        """Send one request and return its answer.

        `target` is a path below `base_url` or a full address at one of the origins. Redirects are followed
        for reads only, at the same origin, three times at most.

        Raises AuthError (401, 403), RateLimitedError (429, or 503 with Retry-After), TransientError
        (nothing happened), SilenceError (a write without an answer) or ConfigError (a place that may not be
        called, an answer too large). Other refusals (4xx) come back as a Response: see `refused`.
        """
        method = method.upper()
        safe = sending.get("safe", method in READING)
        until = time.monotonic() + sending.get("timeout", self.timeout)
        request = self._request(method, self._url(target, sending.get("params")), sending, until)
        response = self._send(request, safe=safe)
        for _ in range(MOST_REDIRECTS):
            if not (method in READING and response.status in REDIRECTS):
                break
            onward = self._onward(response)
            response = self._send(self._request(method, onward, sending, until), safe=safe)
        if not response.ok and response.status not in sending.get("expect", ()):
            self._judge(response)
        return response

    def close(self) -> None:
        """Close every connection."""
        self._asking.close()
        self._writing.close()

    def _url(self, target: str, params: Params | None) -> str:
        url = target if "://" in target else f"{self.base_url.rstrip('/')}/{target.lstrip('/')}".rstrip("/")
        if not params:
            return url
        return f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}"

    def _request(self, method: str, url: str, sending: Sending, until: float) -> WireRequest:
        parts = split(url)
        origin = origin_from(parts)
        self._check_origin(origin)
        kind, body = _body(sending)
        headers = _merged(ALWAYS, kind, self.headers, sending.get("headers", {}))
        headers |= _merged(self.auth.headers()) if self.auth else {}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        left = max(0.001, until - time.monotonic())
        return WireRequest(method, origin, target, headers, body, left, self.max_bytes)

    def _send(self, request: WireRequest, *, safe: bool) -> Response:
        # A call that only asks may be repeated, so it takes the ordinary way out. After a write somebody must
        # know whether a byte left, and there are many of them: they take the exact and faster one.
        carrier = self._asking if safe else self._writing
        started = time.monotonic()
        try:
            answer = carrier.send(request)
        except TransportError as error:
            self._fail(request, error, safe=safe, milliseconds=_since(started))
        return Response(
            request, answer.status, answer.headers, answer.body, _since(started), scrub=self.scrub, safe=safe
        )

    def _fail(self, request: WireRequest, error: TransportError, *, safe: bool, milliseconds: int) -> NoReturn:
        failure = of_silence(request, error, safe=safe)
        note = self.scrub(str(error))
        account = exchange(request, None, scrub=self.scrub, milliseconds=milliseconds, note=note)
        raise keep_exchange(type(failure)(self.scrub(str(failure))), account) from None

    def _judge(self, response: Response) -> None:
        failure = of_status(response, clock=self.clock)
        if failure is not None:
            raise keep_exchange(failure, response.exchange)

    def _onward(self, response: Response) -> str:
        """Where a read is redirected to; only the same origin will do, so that credentials never leave it."""
        onward = urljoin(response.url, response.header("location") or "")
        if origin_of(onward) != response.request.origin:
            raise ConfigError(
                f"{response.request.origin} redirects to another origin, {origin_of(onward)}: not followed."
                " If the system has moved, change the address of the connection."
            )
        return onward

    def _check_origin(self, origin: str) -> None:
        if origin not in self._allowed:
            known = ", ".join(sorted(self._allowed)) or "none"
            raise ConfigError(
                f"{origin} is not among the origins this connection may call ({known})."
                " Correct the address, or have the origin added to the connection."
            )


def _merged(*headers: Mapping[str, str]) -> dict[str, str]:
    """Headers in lower case, later ones in place of earlier ones."""
    return {name.lower(): value for some in headers for name, value in some.items()}


def _body(sending: Sending) -> tuple[dict[str, str], bytes | None]:
    """Content type and bytes of what is sent."""
    if "json" in sending:
        return {"content-type": "application/json"}, encode(sending["json"])
    data = sending.get("data")
    if data is None:
        return {}, None
    if isinstance(data, Mapping):
        return {"content-type": "application/x-www-form-urlencoded"}, urlencode(data, doseq=True).encode()
    return {}, data.encode() if isinstance(data, str) else data


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
