"""Consents: a person is sent to a provider, comes back, and sees a worker complete it."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.decorators import display

from hub.admin import wording
from hub.admin.base import FactAdmin
from hub.admin.keyset import KeysetMixin, badge, moment
from hub.clock import now
from hub.models import Consent, ConsentState, Credential, OAuthToken, TokenState
from hub.sdk import HubError
from hub.services import access
from hub.services.credential import oauth

CALLBACK = "admin:hub_consent_callback"
TONES: dict[str, str] = {
    ConsentState.ASKED: "idle",
    ConsentState.RETURNED: "live",
    ConsentState.DONE: "ok",
    ConsentState.FAILED: "bad",
}
TOKEN_TONES: dict[str, str] = {
    TokenState.FRESH: "ok",
    TokenState.REFRESHING: "live",
    TokenState.EXHAUSTED: "bad",
    TokenState.NEEDS_CONSENT: "bad",
}


@admin.register(Consent)
class ConsentAdmin(KeysetMixin, FactAdmin[Consent]):
    """Each time a person was asked for consent, and what came of it. Nothing here opens anything."""

    list_display = ("credential", "standing", "asked", "asked_by")
    list_select_related = ("credential", "asked_by")
    page_template = "admin/hub/consent/page.html"

    @display(description="state")
    def standing(self, row: Consent) -> SafeString:
        """How far it is."""
        return badge(row.get_state_display(), TONES[row.state])

    @display(description="asked")
    def asked(self, row: Consent) -> SafeString:
        """When it was asked for."""
        return moment(row.asked_at)

    def get_urls(self) -> list[URLPattern]:
        """Where the provider sends people back to, and the part that moves."""
        wrap = self.admin_site.admin_view
        return [
            path("oauth/callback/", wrap(require_safe(self.callback_view)), name="hub_consent_callback"),
            path("<int:pk>/live/", wrap(require_safe(self.live_view)), name="hub_consent_live"),
            *super().get_urls(),
        ]

    def callback_view(self, request: HttpRequest) -> HttpResponse:
        """The provider sends the person back. What it says is taken once, from whom it was sent to."""
        if not access.can(request.user, "set_secret", Credential):
            raise PermissionDenied
        told = {name: request.GET.get(name, "") for name in ("state", "code", "error")}
        try:
            consent = oauth.take_back(by=self.person(request), session=session_of(request), **told)
        except HubError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse("admin:hub_credential_changelist"))
        # On to an address without the code, which would stay in the browser's history.
        return HttpResponseRedirect(self.address("change", consent))

    def page(self, request: HttpRequest, row: Consent) -> dict[str, Any]:
        """How far it is, and what to do next."""
        return {
            "tone": TONES[row.state],
            "is_going": row.state == ConsentState.RETURNED,
            "may_connect": access.can(request.user, "set_secret", row.credential).allowed,
            "live_url": reverse("admin:hub_consent_live", args=[row.pk]),
        }

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Only how far it is, for the page that waits."""
        row = self.get_object(request, str(pk))
        answer = TemplateResponse(request, "admin/hub/consent/live.html", {"row": row, **self.page(request, row)})
        if row.state != ConsentState.RETURNED:
            answer.headers["X-Refresh"] = "reload"
        return answer


def send(request: HttpRequest, row: Credential, person: Any, frame: dict[str, Any]) -> HttpResponse:
    """The page from which the person goes to the provider: a form may not lead out of the hub, a link may."""
    redirect_uri = request.build_absolute_uri(reverse(CALLBACK))
    consent, state = oauth.begin(credential=row, by=person, session=session_of(request), redirect_uri=redirect_uri)
    address = oauth.address(consent, state)
    more = {"address": address, "place": urlsplit(address).hostname, "consent": consent, "redirect_uri": redirect_uri}
    return TemplateResponse(request, "admin/hub/consent/send.html", {**frame, **more})


def session_of(request: HttpRequest) -> str:
    """What the consent is bound to besides the person."""
    return str(request.session.session_key or "")


def token_told(row: Credential) -> dict[str, Any] | None:
    """How the token of a credential stands, for its page; None for one that has none."""
    if not oauth.has_tokens(row):
        return None
    token = OAuthToken.objects.filter(credential=row).first()
    if token is None:
        state, tone = ("not connected yet", "warn") if oauth.needs_person(row) else ("got at the first call", "idle")
        return {"label": state, "tone": tone, "message": "", "until": ""}
    is_held = token.state == TokenState.NEEDS_CONSENT
    return {
        "label": token.get_state_display(),
        "tone": "warn" if token.message and token.state == TokenState.FRESH else TOKEN_TONES[token.state],
        "message": token.message,
        "until": "" if is_held else wording.ahead(token.expires_at, now()),
        "renewals": token.renewals,
        "needs_consent": is_held,
    }
