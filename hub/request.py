"""Says for each request who is behind it and where it comes from, and writes down what was refused."""

import ipaddress
import uuid
from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from hub import provenance
from hub.models import User
from hub.services import audit

QUIET = ("/healthz", "/readyz", "/static/", "/hooks/")
Answering = Callable[[HttpRequest], HttpResponse]


class Provenance:
    """Django's middleware of this name: after the one that knows the person."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, knowing where it comes from. What nobody signed in for is not asked who it is."""
        if request.path.startswith(QUIET):
            return self._answer(request)
        with provenance.acting(_of(request)):
            return self._answer(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A refusal, written when the view and its transaction are over."""
        if isinstance(exception, PermissionDenied) and isinstance(_person(request), User):
            asked = f"{request.method} {request.path}"
            audit.denied(actor=_person(request), what=asked[:255], reason=str(exception))


def _of(request: HttpRequest) -> provenance.Provenance:
    person = _person(request)
    return provenance.Provenance(
        actor=person.get_username() if person else "nobody signed in",
        actor_id=person.pk if person else None,
        method="session" if person else "",
        request=str(uuid.uuid4()),
        address=_address(request),
        session=audit.fingerprint(request.session.session_key) if request.session.session_key else "",
    )


def _person(request: HttpRequest) -> User | None:
    user = getattr(request, "user", None)
    return user if isinstance(user, User) or getattr(user, "is_authenticated", False) else None


def _address(request: HttpRequest) -> str:
    """The neighbour's address. What a header claims beyond it anybody can write."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return ""
