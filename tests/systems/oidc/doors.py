"""The pages of the OIDC provider of the tests, and what it says of people."""

import json
import threading
import time
from collections import Counter
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.decorators import protected_resource
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views import TokenView

SAID: dict[str, Any] = {}
ASKED: Counter[str] = Counter()
MOOD: dict[str, Any] = {}
COUNTING = threading.Lock()


class Validator(OAuth2Validator):
    """Says more of people than the library does by itself."""

    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        """Name, address and groups."""
        person = request.user
        return {
            "preferred_username": person.username,
            "given_name": person.first_name,
            "family_name": person.last_name,
            "email": person.email,
            "email_verified": True,
            "groups": sorted(person.groups.values_list("name", flat=True)),
        }

    def get_id_token_dictionary(self, token: Any, token_handler: Any, request: Any) -> Any:
        """As the library has it, unless a test wants it otherwise."""
        claims, expires = super().get_id_token_dictionary(token, token_handler, request)
        return claims | SAID, expires


@csrf_exempt
def control(request: HttpRequest) -> HttpResponse:
    """Does what a test asks for, and tells how often it was asked for tokens and things.

    {"groups": {"nora": ["group", …]}} puts people into groups; {"said": {"iss": "…"}} has it say that."""
    from oauth2_provider.models import AccessToken

    asked = json.loads(request.body)
    for name, groups in asked.get("groups", {}).items():
        kept = [Group.objects.get_or_create(name=group)[0] for group in groups]
        User.objects.get(username=name).groups.set(kept)
    for name in ("ACCESS_TOKEN_EXPIRE_SECONDS", "REFRESH_TOKEN_GRACE_PERIOD_SECONDS"):
        if name in asked:
            setattr(oauth2_settings, name, asked[name])
    if asked.get("revoke"):
        AccessToken.objects.update(expires=timezone.now())
    if "mood" in asked:
        MOOD.clear()
        MOOD.update(asked["mood"])
        ASKED.clear()
    if "said" in asked:
        SAID.clear()
        SAID.update(asked["said"])
    return JsonResponse(dict(ASKED))


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """The library's own page for tokens, counted. {"mood": {"slow": 0.5, "status": 503}} has it be slow, or away."""
    with COUNTING:
        ASKED[request.POST.get("grant_type", "")] += 1
    if "status" in MOOD:
        return HttpResponse("away", status=MOOD["status"])
    answer: HttpResponse = TokenView.as_view()(request)
    time.sleep(MOOD.get("slow", 0))
    return answer


@csrf_exempt
def things(request: HttpRequest) -> HttpResponse:
    """What only a token opens: three things, and a place to put more."""
    answer: HttpResponse = protected_resource(scopes=["read"])(_things)(request)
    # The library says 403; the standard says 401 of a token that is no good (RFC 6750).
    return HttpResponse("invalid_token", status=401) if answer.status_code == 403 else answer


def _things(request: HttpRequest) -> HttpResponse:
    with COUNTING:
        ASKED[f"things {request.method}"] += 1
    if request.method == "POST":
        return JsonResponse({"id": 4}, status=201)
    return JsonResponse({"items": [{"id": number} for number in (1, 2, 3)]})


urlpatterns = [
    path("o/token/", token),
    path("api/things", things),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("login/", LoginView.as_view()),
    path("control", control),
]
