"""Judges what comes in and has it stored before it is answered."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from django.db import DatabaseError, InterfaceError

from hub import clock
from hub.engine import delivery as message
from hub.engine import signature
from hub.engine.signature import Verdict
from hub.models import Arrival, DeliveryState
from hub.services.delivery.body import UnreadableError, document
from hub.services.delivery.endpoint import Endpoint, directory
from hub.services.delivery.refusal import may_note
from hub.services.delivery.slow import reading
from hub.services.delivery.writer import BusyError, RejectedError, writer

KEPT_HEADERS = 40
KEPT_LENGTH = 300
# A header whose name contains one of these may hold a secret.
SECRET_WORDS = ("signature", "secret", "token", "auth", "cookie", "api-key", "apikey", "hmac", "password")
DROPPED = {"host", "connection", "content-length", "accept-encoding", "accept", "x-forwarded-for", "x-real-ip"}
TEST_HEADER = "x-hub-test"
RECEIVED = DeliveryState.RECEIVED.value


class Receipt(NamedTuple):
    """How a delivery is answered."""

    status: HTTPStatus
    text: str


class _TooSlowError(Exception):
    """The body did not come in time."""


class Request(NamedTuple):
    """What came in: header names in lower case, `length` as announced, and how to read so many bytes of the body."""

    headers: Mapping[str, str]
    length: int | None
    read: Callable[[int], bytes]


logger = logging.getLogger(__name__)

STORED = Receipt(HTTPStatus.ACCEPTED, "stored")
UNKNOWN = Receipt(HTTPStatus.NOT_FOUND, "there is no such webhook")
LATER = Receipt(HTTPStatus.SERVICE_UNAVAILABLE, "not stored, send it again later")
SLOW = Receipt(HTTPStatus.REQUEST_TIMEOUT, "send it again: the body came too slowly")
REJECTED = Receipt(HTTPStatus.UNPROCESSABLE_ENTITY, "the delivery cannot be stored")


def receive(name: str, request: Request) -> Receipt:
    """Store a delivery to the webhook of this name; a 2xx is answered only once it is committed (R-01)."""
    found = _judged(name, request)
    if isinstance(found, Receipt):
        return found
    try:
        writer.store(found)
    except (BusyError, RejectedError) as error:
        return _receipt(error)
    return STORED


def receive_later(name: str, request: Request, answer: Callable[[Receipt], None]) -> None:
    """The same without holding the thread: `answer` is called once, by whichever thread knows."""
    try:
        found = _judged(name, _hurried(request, answer))
    except _TooSlowError:
        return  # answered already
    except Exception:  # nobody above could answer any more
        logger.exception("A delivery could not be looked at.")
        found = LATER
    if isinstance(found, Receipt):
        answer(found)
        return
    try:
        writer.submit(found, lambda error: answer(_receipt(error)))
    except BusyError as error:
        answer(_receipt(error))


def _hurried(request: Request, answer: Callable[[Receipt], None]) -> Request:
    """The request with a body that comes in time, or is answered and raises _TooSlowError."""

    def give_up() -> None:
        answer(SLOW)

    def read(size: int) -> bytes:
        key = reading.begin(give_up)
        if key is None:
            answer(LATER)
            raise _TooSlowError
        try:
            return request.read(size)
        finally:
            if not reading.end(key):
                raise _TooSlowError

    return request._replace(read=read)


def _receipt(error: Exception | None) -> Receipt:
    if error is None:
        return STORED
    return REJECTED if isinstance(error, RejectedError) else LATER


def _judged(name: str, request: Request) -> Receipt | Arrival:
    """What is to be stored, or the answer if nothing is."""
    try:
        endpoint = directory.get(name)
    except (DatabaseError, InterfaceError):
        return LATER
    if endpoint is None:
        return UNKNOWN
    refused = _too_large(endpoint, request.length)
    if refused:
        return refused
    body = request.read(request.length or 0)
    if len(body) != request.length:
        return Receipt(HTTPStatus.BAD_REQUEST, "the body is shorter than announced")
    return _verified(endpoint, request.headers, body)


def known(name: str) -> bool:
    """Whether there is such a webhook."""
    try:
        return directory.get(name) is not None
    except (DatabaseError, InterfaceError):
        return False


def _too_large(endpoint: Endpoint, length: int | None) -> Receipt | None:
    if length is None:
        return Receipt(HTTPStatus.LENGTH_REQUIRED, "the length of the body is missing")
    if length > endpoint.largest:
        writer.tally(endpoint.id, refused=1)
        return Receipt(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {endpoint.largest} bytes are taken")
    return None


def _verified(endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Receipt | Arrival:
    now = clock.now()
    verdict = signature.verify(
        endpoint.scheme, endpoint.keys, headers, body, now=now.timestamp(), tolerance=endpoint.tolerance
    )
    if verdict is Verdict.KEYLESS:
        writer.tally(endpoint.id, refused=1)
        return Receipt(HTTPStatus.SERVICE_UNAVAILABLE, "the webhook has no signing secret yet")
    arrival = _arrival(endpoint, headers, body, now)
    if verdict is not Verdict.VALID:
        writer.tally(endpoint.id, refused=1)
        if may_note(endpoint.id, now):
            writer.note(
                arrival._replace(state=DeliveryState.REFUSED.value, reason=str(verdict), body=b"", delivery_id="")
            )
        return Receipt(HTTPStatus.UNAUTHORIZED, str(verdict))
    return arrival


def _arrival(endpoint: Endpoint, headers: Mapping[str, str], body: bytes, now: datetime) -> Arrival:
    id_, event = _told(endpoint, headers, body)
    return Arrival(
        webhook_id=endpoint.id,
        received_at=now,
        delivery_id=_clean(id_, 200),
        digest=signature.content_digest(body),
        event=_clean(event, 120),
        state=RECEIVED,
        reason="",
        headers=orjson.dumps(_kept(endpoint, headers)).decode(),
        body=body,
        size=len(body),
    )


def _told(endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """The delivery's id and its kind of event."""
    places = (endpoint.id_from, endpoint.event_from)
    if not any(place.startswith("body:") for place in places):
        return _texts(places, headers, None)
    if headers.get("content-type") == "application/json" and all(found := _texts(places, headers, _quickly(body))):
        return found
    # The quick parser knows neither very large numbers nor all spellings.
    return _texts(places, headers, _body(headers, body))


def _texts(places: tuple[str, str], headers: Mapping[str, str], data: Any) -> tuple[str, str]:
    return message.text_at(places[0], headers, data), message.text_at(places[1], headers, data)


def _quickly(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def _body(headers: Mapping[str, str], body: bytes) -> Any:
    """The body as data; one that cannot be read is looked at later."""
    try:
        return document(headers.get("content-type", ""), body)
    except UnreadableError:
        return None


def _kept(endpoint: Endpoint, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers worth keeping: none that may hold a secret, none that tells only of the way here."""
    kept = {
        name: _clean(value, KEPT_LENGTH)
        for name, value in headers.items()
        if _is_worth_keeping(name) and name != endpoint.scheme.header
    }
    return kept if len(kept) <= KEPT_HEADERS else dict(list(kept.items())[:KEPT_HEADERS])


@lru_cache(maxsize=1000)
def _is_worth_keeping(name: str) -> bool:
    """Whether a header of this name tells something and no secret."""
    return name not in DROPPED and not any(word in name for word in SECRET_WORDS)


def _clean(text: str, most: int) -> str:
    """Text that any database stores."""
    if text.isascii() and "\0" not in text:
        return text[:most]
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]
