"""Looks at the session of every request: whether it still holds, and whether its holder has something to do first."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from hub import clock
from hub.admin.session import trail
from hub.admin.session.proof import BEGUN, HELD, SEEN
from hub.models import User
from hub.services import session

NOTED_EVERY = timedelta(minutes=1)
RIGHTS_TAKEN = "Your rights were changed. Sign in again to go on with those you have now."
# Without a second factor one may set one up, prove who one is for that, and leave.
FREE = ("mfa_index", "account_reauthenticate", "session_prove", "session_proved", "account_logout", "admin:logout")


class Gate:
    """The middleware. It stands behind authentication and messages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """End what is over, note who was here, and send whoever lacks a second factor to set one up."""
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            over = _over(request, request.user)
            if over:
                _end(request, request.user, over)
            elif not _is_free(request.path) and session.must_add_factor(request.user):
                return HttpResponseRedirect(reverse("mfa_index"))
            else:
                _note(request)
        return self._get_response(request)


def _over(request: HttpRequest, person: User) -> str:
    """Why this session is over; empty while it is not."""
    kept = request.session
    refused = session.refusal(person)
    if refused:
        return refused
    if session.lost(kept.get(HELD, ()), person):
        return RIGHTS_TAKEN
    return session.ending(begun=_moment(kept, BEGUN), seen=_moment(kept, SEEN), now=clock.now())


def _end(request: HttpRequest, person: User, why: str) -> None:
    trail.ended(request, person, why)
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    request.session.flush()  # not Django's logout, which would be written down as the person's own
    request.user = AnonymousUser()
    messages.info(request, why)


def _note(request: HttpRequest) -> None:
    """Once a minute, that somebody was here. A page that renews itself is nobody."""
    now, kept = clock.now(), request.session
    if request.headers.get("X-Requested-With") == "fetch":
        return
    held = session.rights_held(request.user)  # type: ignore[arg-type]
    if now - _moment(kept, SEEN) >= NOTED_EVERY or kept.get(HELD) != held:
        kept[SEEN], kept[HELD] = now.timestamp(), held
        UserSession.objects.filter(session_key=kept.session_key).update(last_seen_at=now)


def _moment(kept: object, name: str) -> datetime:
    """A moment in the session. One without it is from before there were any, and over."""
    return datetime.fromtimestamp(kept.get(name, 0), UTC)  # type: ignore[attr-defined]


def _is_free(path: str) -> bool:
    factors, *others = (reverse(name) for name in FREE)
    return path in others or path.startswith((factors, settings.STATIC_URL))
