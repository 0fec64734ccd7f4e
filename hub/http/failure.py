"""One verdict for everybody: which answers and silences are which error."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime

from hub.http.redact import path_of
from hub.http.response import Response
from hub.http.transport import NotSentError, OversizeError, TransportError, WireRequest
from hub.sdk import (
    AuthError,
    ConfigError,
    Exchange,
    HubError,
    RateLimitedError,
    SilenceError,
    TransientError,
)

Clock = Callable[[], float]


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
        return ConfigError(f"{place}: {error}. Ask for smaller pages.")
    if safe:
        return TransientError(f"{place} got no answer: {error}.")
    return SilenceError(f"{place} left and may have taken effect: {error}.")


def of_status(response: Response, *, clock: Clock) -> HubError | None:
    """The error for a status that means the same everywhere; None when the connector should judge it."""
    status, place = response.status, f"{response.request.method} {path_of(response.request.target)}"
    said = response.scrub(f"{place} answered {status}: ") + response.scrub.excerpt(response.body, 300)
    if status in {401, 403, 407}:
        return AuthError(f"{said} Check the credential of this connection and what it is allowed to do.")
    if status == 429 or (status == 503 and "retry-after" in response.headers):
        return RateLimitedError(said, retry_after(response, clock))
    if status == 425:
        return TransientError(said)
    if status == 408 or status >= 500:
        return TransientError(said) if response.safe else SilenceError(f"{said} It may have taken effect.")
    if 300 < status < 400 and status != 304:
        return ConfigError(f"{place} was redirected ({status}), which is not followed. Correct the address.")
    return None


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
