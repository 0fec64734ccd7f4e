"""Lets the web server's threads go before a delivery is committed: the thread that commits answers.

A thread held for each delivery costs more than all else: at every commit they wake and queue for the interpreter.
The server hands each request over with the object that answers it, and answers whenever that is called; it only does
not pass the object on to an application. So its own wrapping of the application is wrapped here.
"""

from collections.abc import Callable
from typing import Any

from granian.server import mp

Wrapped = Callable[[Any, dict[str, Any]], Any]
PLACE = "_wsgi_call_wrap"


def install() -> bool:
    """Have deliveries answered later; False when the server is built differently, then threads wait as ever."""
    wrap = getattr(mp, PLACE, None)
    if wrap is None:
        return False

    def wrapping(callback: Callable[..., Any], *args: Any) -> Wrapped:
        return with_later(wrap(callback, *args))

    setattr(mp, PLACE, wrapping)
    return True


def with_later(plain: Wrapped) -> Wrapped:
    """The server's way of calling the application, with webhooks answered when they are stored."""
    from hub.api.webhook import PREFIX, answer_later  # noqa: PLC0415  needs Django to be set up

    def run(proto: Any, scope: dict[str, Any]) -> Any:
        if not scope["PATH_INFO"].startswith(PREFIX):
            return plain(proto, scope)
        answer_later(scope, proto.response_bytes)
        return None

    return run
