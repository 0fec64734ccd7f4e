"""The pages of the OIDC provider of the tests, and what it says of people."""

import json
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.oauth2_validators import OAuth2Validator

SAID: dict[str, Any] = {}


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
    """{"groups": {"nora": ["group", …]}} puts people into groups; {"said": {"iss": "…"}} has it say that."""
    asked = json.loads(request.body)
    for name, groups in asked.get("groups", {}).items():
        kept = [Group.objects.get_or_create(name=group)[0] for group in groups]
        User.objects.get(username=name).groups.set(kept)
    if "said" in asked:
        SAID.clear()
        SAID.update(asked["said"])
    return JsonResponse({})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("login/", LoginView.as_view()),
    path("control", control),
]
