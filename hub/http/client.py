"""Calls an HTTP system: listed origins only, one deadline, one meaning for each failure, no secret shown."""

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NoReturn, TypedDict, Unpack
from urllib.parse import urlencode

from hub.http.auth import Auth, Bearer, ClientCertificate, QueryKey, Renewed
from hub.http.failure import Clock, keep_exchange, loss_of, of_silence, of_status, retry_after
from hub.http.origin import origin_from, origin_of, split
from hub.http.payload import encode
from hub.http.redact import Scrubber
from hub.http.response import Response, exchange
from hub.http.session import SessionTransport
from hub.http.transport import Transport, TransportError, WireAnswer, WireRequest
from hub.http.wire import WireTransport
from hub.sdk import ConfigError, Pace, Secret, Signal, SignalClass, classify, classify_loss

READING = frozenset({"GET", "HEAD", "OPTIONS"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3
UNAUTHORIZED = 401
SUCCESSES = frozenset({SignalClass.APPLIED, SignalClass.ACCEPTED, SignalClass.PER_ITEM})
ALWAYS = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "integration-hub"}
Quota = Callable[[Mapping[str, str]], tuple[int | None, float | None]]
Override = Callable[[WireAnswer], SignalClass | None]
# In a Location: what some take for another address than others do.
_AMBIGUOUS = re.compile(r"[\\\x00-\x20\x7f]|^https?:(?!//)", re.IGNORECASE)
# In a target: what makes it more than a path, and what parsing would take out of it.
_SPECIAL = re.compile(r"[?#\s\x00-\x1f]|://")
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
    certificate authorities (verification cannot be switched off). `certificate` is shown to a server that asks,
    beside `auth` or alone. `secrets` are further values to hide besides theirs. `clock` gives seconds since 1970
    for Retry-After dates. `pace` is asked before each request and told after it. `override` says what an answer means
    at this system when that is not what it means everywhere; `quota` reads (requests left, seconds until they are
    whole) from headers.
    """

    base_url: str
    origins: Collection[str]
    auth: Auth | None = field(default=None, repr=False)
    certificate: ClientCertificate | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0
    verify: Literal[True] | str = True
    max_bytes: int = 50_000_000
    secrets: Sequence[Secret] = field(default=(), repr=False)
    clock: Clock = field(default=time.time, repr=False)
    transport: Transport | None = field(default=None, repr=False)
    pace: Pace | None = field(default=None, repr=False)
    override: Override | None = field(default=None, repr=False)
    quota: Quota | None = field(default=None, repr=False)
    scrub: Scrubber = field(init=False, repr=False)
    _asking: Transport = field(init=False, repr=False)
    _writing: Transport = field(init=False, repr=False)
    _allowed: frozenset[str] = field(init=False, repr=False)
    _usual: Mapping[str, str] = field(init=False, repr=False)
    _base: tuple[str, str | None] = field(init=False, repr=False)
    _bare: Callable[[str], str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        proofs = [proof for proof in (self.auth, self.certificate) if proof is not None]
        hidden = [text for proof in proofs for text in proof.hidden()]
        self.scrub = Scrubber([*hidden, *(secret.reveal() for secret in self.secrets)])
        self._allowed = frozenset(origin_of(origin) for origin in self.origins)
        ca_file = "" if self.verify is True else self.verify
        self._asking = self.transport or SessionTransport(ca_file, self.certificate)
        self._writing = self.transport or WireTransport(ca_file, self.certificate)
        self._usual = _merged(self.headers)
        self._bare = self.auth.bare if isinstance(self.auth, QueryKey) else None
        parts = split(self.base_url)
        self._base = (origin_from(parts), None if parts.query or parts.fragment else parts.path.rstrip("/"))
        self._check_origin(self._base[0])
        if self.certificate and parts.scheme != "https":
            raise ConfigError("A client certificate is shown over https only. Correct the address.")

    def call(self, method: str, target: str, **sending: Unpack[Sending]) -> Response:
        """Send one request and return its answer.

        `target` is a path below `base_url` or a full address at one of the origins. Redirects are followed
        for reads only, at the same origin, three times at most. A read that is refused because its token is outdated
        is asked once more with a new one; a write never is.

        Raises AuthError (401, 403), RateLimitedError (429, or 503 with Retry-After), TransientError
        (nothing happened), SilenceError (a write without an answer) or ConfigError (a place that may not be
        called, an answer too large). Other refusals (4xx) come back as a Response: see `refused`.
        """
        method, expect = method.upper(), sending.get("expect", ())
        safe = sending.get("safe", method in READING)
        response = self._ask(method, target, sending, safe=safe)
        if response.is_renewed and safe:
            response = self._ask(method, target, sending, safe=safe)
        if response.kind not in SUCCESSES and response.status not in expect:
            self._judge(response)
        return response

    def close(self) -> None:
        """Close every connection."""
        self._asking.close()
        self._writing.close()

    def _ask(self, method: str, target: str, sending: Sending, *, safe: bool) -> Response:
        """Send a request and follow where its answer leads, all with one proof of who asks and within one deadline."""
        proof, expect = self._proof(), sending.get("expect", ())
        until = time.monotonic() + sending.get("timeout", self.timeout)
        place = self._place(target, sending.get("params"))
        response = self._send(self._request(method, *place, sending, until), proof, safe=safe, expect=expect)
        for _ in range(MOST_REDIRECTS):
            if not (method in READING and response.status in REDIRECTS):
                break
            place = self._parted(self._onward(response))
            response = self._send(self._request(method, *place, sending, until), proof, safe=safe, expect=expect)
        return response

    def _proof(self) -> Auth | None:
        """What proves who asks. A token is asked for before the deadline begins: to renew it may take a while."""
        if not isinstance(self.auth, Renewed):
            return self.auth
        proof = self.auth.present()
        self.scrub.add(proof.hidden())
        return proof

    def _renews(self, proof: Auth | None) -> bool:
        """Whether the next call has another token than the one that was just refused."""
        return isinstance(self.auth, Renewed) and isinstance(proof, Bearer) and self.auth.refused(proof.token)

    def _url(self, target: str, params: Params | None) -> str:
        url = target if "://" in target else f"{self.base_url.rstrip('/')}/{target.lstrip('/')}".rstrip("/")
        if not params:
            return url
        return f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}"

    def _place(self, target: str, params: Params | None) -> tuple[str, str]:
        """Origin and target of a call. The usual one, a plain path below the base, needs no parsing."""
        origin, path = self._base
        if params or path is None or _SPECIAL.search(target):
            return self._parted(self._url(target, params))
        return origin, f"{path}/{target.lstrip('/')}".rstrip("/") or "/"

    def _parted(self, url: str) -> tuple[str, str]:
        parts = split(url)
        origin = origin_from(parts)
        self._check_origin(origin)
        return origin, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _request(self, method: str, origin: str, target: str, sending: Sending, until: float) -> WireRequest:
        kind, body = _body(sending)
        headers = {**ALWAYS, **kind, **self._usual, **_merged(sending.get("headers", {}))}
        left = max(0.001, until - time.monotonic())
        return WireRequest(method, origin, target, headers, body, left, self.max_bytes)

    def _send(self, request: WireRequest, proof: Auth | None, *, safe: bool, expect: Collection[int]) -> Response:
        # A call that only asks may be repeated, so it takes the ordinary way out. After a write somebody must
        # know whether a byte left, and there are many of them: they take the exact and faster one.
        carrier = self._asking if safe else self._writing
        if self.pace is not None:
            self.pace.enter(write=not safe, origin=request.origin)
        started = time.monotonic()
        try:
            answer = carrier.send(_proven(request, proof))
            renewed = answer.status == UNAUTHORIZED and self._renews(proof)
        except TransportError as error:
            self._left_silent(request, error, safe=safe, seconds=time.monotonic() - started)
            self._fail(request, error, safe=safe, milliseconds=_since(started))
        except BaseException:
            # Whatever else happens, the gate must not go on counting this request as on its way.
            self._left(Signal(SignalClass.AMBIGUOUS, not safe, request.origin, seconds=time.monotonic() - started))
            raise
        kind = (self.override and self.override(answer)) or classify(
            answer.status, write=not safe, retry_after="retry-after" in answer.headers
        )
        response = Response(
            request,
            answer.status,
            answer.headers,
            answer.body,
            _since(started),
            self.scrub,
            safe,
            kind,
            renewed,
            self._bare,
        )
        if self.pace is not None:
            # A token that was outdated says nothing against the credentials; the next one will.
            handled = response.status in expect or renewed
            self._left_answered(response, seconds=time.monotonic() - started, is_handled=handled)
        return response

    def _left_silent(self, request: WireRequest, error: TransportError, *, safe: bool, seconds: float) -> None:
        loss = loss_of(error, seconds=seconds, timeout=request.timeout)
        kind = classify_loss(loss, write=not safe)
        self._left(Signal(kind, not safe, request.origin, loss=loss, seconds=seconds))

    def _left_answered(self, response: Response, *, seconds: float, is_handled: bool) -> None:
        origin, headers = response.request.origin, response.headers
        signal = Signal(
            response.kind, not response.safe, origin, response.status, seconds=seconds, is_handled=is_handled
        )
        if "retry-after" in headers:
            signal = replace(signal, retry_after=retry_after(response, self.clock))
        if self.quota is not None:
            remaining, reset = self.quota(headers)
            signal = replace(signal, remaining=remaining, reset=reset)
        self._left(signal)

    def _left(self, signal: Signal) -> None:
        if self.pace is not None:
            self.pace.leave(signal)

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
        location = response.header("location") or ""
        if _AMBIGUOUS.search(location):
            raise ConfigError(f"{response.request.origin} redirects to what not all would read alike: not followed.")
        onward = response.onward(location)
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


def _proven(request: WireRequest, proof: Auth | None) -> WireRequest:
    """The request as it leaves. Only this one holds the proof, so that nothing made of the other can show it."""
    if proof is None:
        return request
    target = proof.keyed(request.target) if isinstance(proof, QueryKey) else request.target
    return replace(request, target=target, headers={**request.headers, **_merged(proof.headers())})


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
