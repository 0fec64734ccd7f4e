"""The hub's doors."""

from typing import NoReturn

from allauth.account import views as account
from allauth.socialaccount import views as social
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest
from django.urls import include, path, reverse_lazy
from django.views.generic import RedirectView

from hub.admin.session import oidc, page
from hub.api import health


@login_not_required
def closed(request: HttpRequest) -> NoReturn:
    """What allauth has an address for and the hub has not: nobody signs up, and no mail is sent."""
    raise Http404("There is no such page.")


SIGN_IN = login_not_required(RedirectView.as_view(url=reverse_lazy("account_login"), query_string=True))
# The provider calls back at an address that does not change with its name here.
PROVIDER = {"provider_id": settings.HUB_OIDC.key} if settings.HUB_OIDC else {"provider_id": "none"}

urlpatterns = [
    path("", login_not_required(RedirectView.as_view(pattern_name="admin:index"))),
    # The admin's own ways in and out lead to the one door.
    path("admin/login/", SIGN_IN),
    path("admin/logout/", account.logout),
    path("admin/password_change/", RedirectView.as_view(url=reverse_lazy("account_change_password"))),
    path("admin/", admin.site.urls),
    path("account/login/", account.login, name="account_login"),
    path("account/logout/", account.logout, name="account_logout"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/password/set/", closed, name="account_set_password"),
    path("account/signup/", closed, name="account_signup"),
    path("account/prove/", page.prove, name="session_prove"),
    path("account/prove/password/", account.reauthenticate, name="account_reauthenticate"),
    path("account/proved/", page.proved, name="session_proved"),
    path("account/factor/", include("allauth.mfa.urls")),
    path("account/sessions/", page.sessions, name="usersessions_list"),
    path("account/oidc/", oidc.login, PROVIDER, name="openid_connect_login"),
    path("account/oidc/callback/", oidc.callback, PROVIDER, name="openid_connect_callback"),
    path("account/oidc/joined/", social.connections, name="socialaccount_connections"),
    path("account/oidc/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("account/oidc/error/", social.login_error, name="socialaccount_login_error"),
    path("account/oidc/signup/", closed, name="socialaccount_signup"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
