"""The frame of the sign-in pages, the links to a person's own pages, and the pages that allauth has not."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.internal.httpkit import add_query_params
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import admin, messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.generic import FormView

from hub import clock
from hub.admin.session import proof, trail
from hub.models import User
from hub.services import session

PLACE = "/account/"


def frame(request: HttpRequest) -> dict[str, Any]:
    """For the sign-in pages: what every page of the desk gets from the admin."""
    if not request.path.startswith(PLACE):
        return {}
    must_add = isinstance(request.user, User) and session.must_add_factor(request.user)
    return {**admin.site.each_context(request), "has_own_title": True, "must_add_factor": must_add}


def theme(request: HttpRequest) -> dict[str, Any]:
    """The theme writes its colours into each page, which the content policy refuses. They are in hub/theme.css."""
    return {"colors": {}, "border_radius": ""}


def links(request: HttpRequest) -> list[dict[str, str]]:
    """For the menu of the signed-in person."""
    named = [("Second factor", "mfa_index"), ("Sessions", "usersessions_list")]
    if settings.HUB_OIDC:
        named.append((f"Join {settings.HUB_OIDC.name}", "socialaccount_connections"))
    if request.user.is_authenticated and request.user.has_usable_password():
        named.insert(0, ("Change password", "account_change_password"))
    return [{"title": title, "link": reverse(name)} for title, name in named]


class Sessions(FormView):  # type: ignore[type-arg]
    """Where the person is signed in; each of these can be signed out from here."""

    template_name = "session/sessions.html"
    form_class = Form

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """The newest first."""
        mine = UserSession.objects.purge_and_list(self.request.user)
        rows = sorted(mine, key=lambda one: one.last_seen_at, reverse=True)
        return super().get_context_data(**more, rows=rows, now=clock.now())

    def form_valid(self, form: Form) -> HttpResponse:
        """Sign out one, or all others."""
        mine = UserSession.objects.filter(user=self.request.user.pk).exclude(
            session_key=self.request.session.session_key
        )
        chosen = self.request.POST.get("session", "")
        ended = list(mine.filter(pk=chosen) if chosen.isdigit() else mine)
        trail.remotely(self.request, ended)
        messages.success(self.request, f"Signed out elsewhere: {len(ended)}.")
        return HttpResponseRedirect(reverse("usersessions_list"))


sessions = Sessions.as_view()


def prove(request: HttpRequest) -> HttpResponse:
    """To the first way in which this person can prove who they are."""
    ways = get_adapter(request).get_reauthentication_methods(request.user)
    onward = request.GET.get("next", "")
    if not ways:
        return render(request, "session/no_proof.html", status=403)
    url = ways[0]["url"]
    return HttpResponseRedirect(url if "next=" in url else add_query_params(url, {"next": onward}))


def proved(request: HttpRequest) -> HttpResponse:
    """Says that the other tab can go on."""
    return render(request, "session/proved.html", {"is_fresh": proof.is_fresh(request)})
