"""Single sign-on: whom the provider may let in, and which roles its word about groups gives and takes.

An account is the provider's issuer and subject, nothing else: an address of mail or a name joins nobody to anybody.
"""

from collections.abc import Iterable
from typing import Any, NoReturn

from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from requests import RequestException

from hub import clock
from hub.admin.session import trail
from hub.admin.session.account import to_sign_in
from hub.http.visit import VisitSession
from hub.models import User
from hub.provider import Provider
from hub.services import person as people
from hub.services import zone

STRANGER = "{name} says who you are, but none of your groups there leads to a role here. Ask an administrator for one."
WRONG_ISSUER = "The answer did not come from {name}, or not for the person it is about. Nobody was signed in."
OTHER_PERSON = "That was somebody else. You are still signed in as before, and nothing was proved."
OLD_PROOF = "{name} did not ask you again who you are, so this proves nothing. Use another way."


class OidcAdapter(DefaultSocialAccountAdapter):
    """The hub's rules in allauth's words."""

    def get_requests_session(self) -> VisitSession:
        """Asks the provider within the hub's egress rules, which allauth's own session would not know."""
        zone.refresh()
        return VisitSession(origins=_provider().origins, named_by="HUB_OIDC_ISSUER and HUB_OIDC_ORIGINS")

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Only by `pre_social_login`, which has looked at the groups."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Check the answer, and what it is for: to prove it again, to join an account, or to come in."""
        provider = _provider()
        if not _is_from(provider, sociallogin):
            _refuse(request, sociallogin, WRONG_ISSUER.format(name=provider.name))
        sociallogin.email_addresses = []
        if request.user.is_authenticated:
            if sociallogin.state.get("process") != "connect":
                _prove(request, sociallogin, provider)
            return
        roles = provider.roles_of(_groups(provider, sociallogin))
        if sociallogin.is_existing:
            refused = people.follow(
                sociallogin.user, roles=roles, governed=provider.roles, source=f"groups at {provider.name}"
            )
            if refused:
                _refuse(request, sociallogin, refused)
        if not roles:
            _refuse(request, sociallogin, STRANGER.format(name=provider.name))
        refused = people.exclusive(roles)
        if refused:
            _refuse(request, sociallogin, refused)

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """The account of somebody who comes for the first time, with the roles of their groups."""
        provider = _provider()
        sociallogin.user.is_staff = True
        person: User = super().save_user(request, sociallogin, form)
        trail.added(request, person)
        people.follow(
            person,
            roles=provider.roles_of(_groups(provider, sociallogin)),
            governed=provider.roles,
            source=f"groups at {provider.name}",
        )
        return person


@login_not_required
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """To the provider; says so when it cannot be reached."""
    return _through(views.login, request, provider_id)


@login_not_required
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from the provider."""
    return _through(views.callback, request, provider_id)


def _through(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    if settings.HUB_OIDC is None or provider_id != settings.HUB_OIDC.key:
        raise Http404("There is no single sign-on here.")
    try:
        answer: HttpResponse = view(request, provider_id)
    except (RequestException, KeyError) as error:
        provider = OidcAdapter(request).get_provider(request, provider_id)
        answer = render_authentication_error(request, provider, exception=error)
    return answer


def _provider() -> Provider:
    provider: Provider | None = settings.HUB_OIDC
    if provider is None:
        raise Http404("There is no single sign-on here.")
    return provider


def _claims(sociallogin: SocialLogin, part: str) -> dict[str, Any]:
    found: dict[str, Any] = (sociallogin.account.extra_data or {}).get(part) or {}
    return found


def _is_from(provider: Provider, sociallogin: SocialLogin) -> bool:
    """Whether the signed part names this issuer, and both parts the same person."""
    signed, told = _claims(sociallogin, "id_token"), _claims(sociallogin, "userinfo")
    subject = signed.get("sub")
    return signed.get("iss") == provider.issuer and subject == sociallogin.account.uid == told.get("sub", subject)


def _groups(provider: Provider, sociallogin: SocialLogin) -> Iterable[str]:
    """The groups that the provider says the person is in: a list of texts, or one text."""
    for part in ("id_token", "userinfo"):
        claimed = _claims(sociallogin, part).get(provider.claim)
        if claimed is not None:
            return [claimed] if isinstance(claimed, str) else [one for one in claimed if isinstance(one, str)]
    return []


def _prove(request: HttpRequest, sociallogin: SocialLogin, provider: Provider) -> NoReturn:
    """Take it as a proof of the person who is signed in, if the provider asked them just now."""
    onward = sociallogin.state.get("next") or reverse("admin:index")
    asked_at = _claims(sociallogin, "id_token").get("auth_time")
    if sociallogin.user.pk != request.user.pk:
        messages.error(request, OTHER_PERSON)
    elif asked_at is None or clock.now().timestamp() - float(asked_at) > settings.HUB_PROOF_HOLDS.total_seconds():
        messages.error(request, OLD_PROOF.format(name=provider.name))
    else:
        record_authentication(request, sociallogin.user, "socialaccount", reauthenticated=True)
    raise ImmediateHttpResponse(HttpResponseRedirect(onward))


def _refuse(request: HttpRequest, sociallogin: SocialLogin, why: str) -> NoReturn:
    trail.refused(request, sociallogin.user, why)
    raise ImmediateHttpResponse(to_sign_in(request, why))
