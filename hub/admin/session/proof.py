"""Proof that it is still the person: asked before what is sensitive, when the last one is too old.

A proof is a sign-in, or a password, a second factor or a fresh single sign-on given again. Pages ask for it before
they show a form, so that nothing typed is lost. Where it runs out while somebody types, the form comes back as it
was, and says where to prove it in another tab.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.socialaccount.models import SocialAccount
from django import forms
from django.conf import settings
from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from hub import clock

BEGUN, SEEN, HELD = "hub_begun", "hub_seen", "hub_held"
ASKING = {"GET", "HEAD"}


def is_fresh(request: HttpRequest) -> bool:
    """Whether the last proof is recent enough."""
    last = last_proof(request)
    return last is not None and clock.now() - last < settings.HUB_PROOF_HOLDS


def last_proof(request: HttpRequest) -> datetime | None:
    """When the person last proved who they are, in this session."""
    if not request.user.is_authenticated:
        return None
    given = [
        record["at"] for record in get_authentication_records(request, request.user) if "reauthenticated" in record
    ]
    begun = request.session.get(BEGUN)
    moments = [*given, *([begun] if begun else [])]
    return datetime.fromtimestamp(max(moments), UTC) if moments else None


def ask(request: HttpRequest) -> None:
    """Before a form is shown: have the person prove it, and come back here. What is sent is judged by `missing`."""
    if request.method in ASKING and not is_fresh(request):
        raise ReauthenticationRequired


def missing(request: HttpRequest) -> str:
    """Why what was sent may not be done yet, with the way to put it right; empty with a fresh proof."""
    if is_fresh(request):
        return ""
    minutes = int(settings.HUB_PROOF_HOLDS.total_seconds() // 60)
    return format_html(
        'You last proved who you are more than {} minutes ago. <a href="{}" target="_blank" rel="noopener">'
        "Prove it in another tab</a>, then press the button here again. Secrets have to be typed again.",
        minutes,
        address(request, reverse("session_proved")),
    )


def address(request: HttpRequest, onward: str) -> str:
    """Where this person proves it, to go on to `onward` afterwards."""
    return f"{reverse('session_prove')}?{urlencode({'next': onward})}"


def through_provider(request: HttpRequest) -> list[dict[str, Any]]:
    """Proof by a fresh single sign-on, for whoever has come through the provider."""
    provider = settings.HUB_OIDC
    if not provider or not SocialAccount.objects.filter(user=request.user.pk, provider=provider.key).exists():
        return []
    onward = request.GET.get("next") or request.get_full_path()
    asked = {"next": onward, "auth_params": "prompt=login&max_age=0"}
    where = reverse("openid_connect_login", kwargs={"provider_id": provider.key})
    return [
        {"id": "provider", "description": f"Sign in with {provider.name} again", "url": f"{where}?{urlencode(asked)}"}
    ]


class ProvenForms:
    """For an admin class: whoever opens or saves its form has proved who they are."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  Django's signature
        """The form, which refuses what is sent without a proof."""
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        refused = missing(request) if request.method == "POST" else ""
        return type(form.__name__, (_Refused, form), {"refused": refused}) if refused else form

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The form, after a proof; who may only look is not asked for one."""
        row = self.get_object(request, unquote(object_id)) if object_id else None  # type: ignore[attr-defined]
        may_save = self.has_change_permission(request, row) if row else self.has_add_permission(request)  # type: ignore[attr-defined]
        if may_save:
            ask(request)
        return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]


class _Refused(forms.BaseForm):
    refused = ""

    def clean(self) -> dict[str, Any] | None:
        given: dict[str, Any] | None = super().clean()
        self.add_error(None, self.refused)
        return given
