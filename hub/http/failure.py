"""One verdict for everybody: which answers and silences are which error."""

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from hub.http.redact import path_of
from hub.http.response import Response
from hub.http.transport import NotSentError, OversizeError, TransportError, WireRequest
from hub.sdk import (
    AuthError,
    ConfigError,
    Exchange,
    ForbiddenError,
    HubError,
    Loss,
    RateLimitedError,
    SignalClass,
    SilenceError,
    TransientError,
    UnreadableError,
)

Clock = Callable[[], float]
# What a class means whatever was asked for, and what to do about it. The others are the connector's to judge.
FAILURES: Mapping[SignalClass, tuple[type[HubError], str]] = {
    SignalClass.AUTH: (AuthError, "Check the credential of this connection and what it is allowed to do."),
    SignalClass.PERMISSION: (ForbiddenError, "Check what the credential of this connection is allowed to do."),
    SignalClass.CONFIG: (ConfigError, "Correct the settings of this connection."),
    SignalClass.NOT_APPLIED: (TransientError, ""),
    SignalClass.TRANSIENT: (TransientError, ""),
    SignalClass.AMBIGUOUS: (SilenceError, "It may have taken effect."),
}


def exchange_of(error: BaseException) -> Exchange | None:
    """The exchange that ended in this error, already redacted; None when nothing was exchanged."""
    found = vars(error).get("exchange")
    return found if isinstance(found, Exchange) else None


def keep_exchange(error: HubError, exchange: Exchange) -> HubError:
    """Attach the exchange to the error, for whoever records the attempt."""
    vars(error)["exchange"] = exchange
    return error


def of_silence(request: WireRequest, error: TransportError, *, safe: bool) -> HubError:
    """The error for a request without a usable answer. `safe`: it could not change anything."""
    place = f"{request.method} {request.origin}{path_of(request.target)}"
    if isinstance(error, NotSentError):
        kind = ConfigError if error.settled else TransientError
        return kind(f"{place} was not sent: {error}.")
    if isinstance(error, OversizeError) and safe:
        return UnreadableError(f"{place}: {error}. Ask for smaller pages.")
    if safe:
        return TransientError(f"{place} got no answer: {error}.")
    return SilenceError(f"{place} left and may have taken effect: {error}.")


def loss_of(error: TransportError, *, seconds: float, timeout: float) -> Loss:
    """How a request was lost, as far as its carrier can tell after `seconds` of a deadline of `timeout`."""
    if isinstance(error, NotSentError):
        return Loss.UNSENDABLE if error.settled else Loss.NOT_SENT
    if isinstance(error, OversizeError):
        return Loss.OVERSIZE
    return Loss.TIMEOUT if seconds >= timeout else Loss.LOST


def of_status(response: Response, *, clock: Clock) -> HubError | None:
    """The error for an answer whose class means the same everywhere; None when the connector should judge it."""
    status, place = response.status, f"{response.request.method} {path_of(response.request.target)}"
    said = response.scrub(f"{place} answered {status}: ") + response.scrub.excerpt(response.body, 300)
    if response.kind is SignalClass.THROTTLED:
        return RateLimitedError(said, retry_after(response, clock))
    if 300 <= status < 400 and response.kind is SignalClass.CONFIG:
        return ConfigError(f"{place} was redirected ({status}), which is not followed. Correct the address.")
    kind, cure = FAILURES.get(response.kind, (None, ""))
    return kind(f"{said} {cure}".rstrip()) if kind else None


def retry_after(response: Response, clock: Clock) -> float | None:
    """Seconds to wait, from either form of Retry-After; None when it is missing or unreadable.

    A date is compared with the answering system's own Date, so that neither clock has to be right.
    """
    text = (response.header("retry-after") or "").strip()
    if text.isdigit():
        return float(text[:9])
    until = _seconds(text)
    if until is None:
        return None
    now = _seconds(response.header("date") or "")
    return max(0.0, until - (clock() if now is None else now))


def _seconds(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
