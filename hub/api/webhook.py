"""The door for webhooks: judged and stored before Django's request cycle, because senders come in crowds."""

import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from hub.services import delivery
from hub.services.delivery import Receipt

PREFIX = "/hooks/"
START = len("HTTP_")
# Some servers put their process's environment beside the headers, and HTTP_PROXY stands in many.
OURS = frozenset(name for name in os.environ if name.startswith("HTTP_"))
MOST_NAMES = 1000
REASONS = {status: f"{status.value} {status.phrase}" for status in HTTPStatus}

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Respond = Callable[[int, list[tuple[str, str]], bytes], Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


def with_hooks(application: Application) -> Application:
    """`application`, with everything below /hooks/ answered here."""

    def answered(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(PREFIX):
            return answer(environ, start_response)
        return application(environ, start_response)

    return answered


def answer(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Answer one request."""
    told = _named(environ)
    receipt = told if isinstance(told, Receipt) else delivery.receive(*told)
    text = receipt.text.encode()
    start_response(REASONS[receipt.status], _answer_headers(receipt, text))
    return [text]


def answer_later(environ: Environ, respond: Respond) -> None:
    """Answer one request by `respond`, once, from whichever thread knows: none is held until the commit."""

    def answer(receipt: Receipt) -> None:
        text = receipt.text.encode()
        respond(int(receipt.status), _answer_headers(receipt, text), text)

    told = _named(environ)
    if isinstance(told, Receipt):
        answer(told)
    else:
        delivery.receive_later(*told, answer)


def _answer_headers(receipt: Receipt, text: bytes) -> list[tuple[str, str]]:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))]
    if receipt.status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append(("Allow", "POST"))
    elif receipt.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", "30"))
    return headers


def _named(environ: Environ) -> Receipt | tuple[str, delivery.Request]:
    """Which webhook is meant and what came to it, or the answer if that is no way to come."""
    name = environ["PATH_INFO"][len(PREFIX) :].strip("/")
    if environ["REQUEST_METHOD"] != "POST":
        if delivery.known(name):
            return Receipt(HTTPStatus.METHOD_NOT_ALLOWED, "send it by POST")
        return Receipt(HTTPStatus.NOT_FOUND, "there is no such webhook")
    length = environ.get("CONTENT_LENGTH") or ""
    return name, delivery.Request(
        headers=_headers(environ),
        length=int(length) if length.isdecimal() else None,
        read=environ["wsgi.input"].read,
    )


class _Names(dict[str, str]):
    """The header of each name in the environment, empty where it is none.

    Remembered: they are the same few, thousands of times a second.
    """

    def __missing__(self, name: str) -> str:
        is_header = name.startswith("HTTP_") and name not in OURS
        found = name[START:].replace("_", "-").lower() if is_header else ""
        if len(self) < MOST_NAMES:
            self[name] = found
        return found


NAMES = _Names(CONTENT_TYPE="content-type")


def _headers(environ: Environ) -> dict[str, str]:
    return {header: value for name, value in environ.items() if (header := NAMES[name])}
