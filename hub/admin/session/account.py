"""Signing in with a password: who may, how often it may fail, and what counts as a proof."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from hub.admin.session import proof, trail
from hub.services import session

TOO_MANY = (
    "Five sign-ins failed, for this account or from your network. Wait 15 minutes and try again; "
    "if you forgot your password, ask an administrator for a new one."
)


class AccountAdapter(DefaultAccountAdapter):
    """The hub's rules in allauth's words."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": TOO_MANY,
        "username_password_mismatch": "The username and the password do not belong together.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for themselves."""
        return False

    def is_reauthentication_required(self, app: str) -> bool:
        """For allauth's own pages the hub's rule holds: a sign-in is a proof too."""
        return not proof.is_fresh(self.request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By account alone: a hub with two names is one hub."""
        return str(credentials.get("username", "")).lower()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write it down."""
        trail.failed(request, str(credentials.get("username", "")))

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Only who is active and works here."""
        refused = session.refusal(user)
        if refused:
            trail.refused(request, user, refused)
            raise ImmediateHttpResponse(to_sign_in(request, refused))
        answer: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return answer

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Allauth's ways, and the provider for whoever came through it."""
        return [*super().get_reauthentication_methods(user), *proof.through_provider(self.request)]

    def send_mail(self, *_: Any, **__: Any) -> None:
        """The hub sends no mail about accounts."""


def to_sign_in(request: HttpRequest, why: str) -> HttpResponse:
    """To the sign-in page, which says why."""
    messages.error(request, why)
    return HttpResponseRedirect(reverse("account_login"))
