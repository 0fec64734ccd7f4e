"""Single sign-on goes out by the one door: to listed places, and through zones."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from hub.provider import Provider
from tests.factories import open_this_machine
from tests.systems.oidc.conftest import Running, renew_addresses

pytestmark = [pytest.mark.django_db, pytest.mark.system, pytest.mark.usefixtures("provider")]


class TestTheProvidersWord:
    def test_is_not_fetched_from_a_place_that_is_not_listed(
        self, client: Client, running: Running, provider: Provider, settings: Any
    ) -> None:
        settings.HUB_OIDC = replace(provider, issuer="https://sso.example/o")
        apps = settings.HUB_OIDC.apps()
        apps["openid_connect"]["APPS"][0]["settings"]["server_url"] = running.issuer
        settings.SOCIALACCOUNT_PROVIDERS = apps
        renew_addresses()

        answer = client.get("/account/oidc/", {"process": "login"})

        assert answer.status_code == 401

    @pytest.mark.usefixtures("no_zone")
    def test_is_not_fetched_from_a_private_place_without_a_zone(self, client: Client, running: Running) -> None:
        assert client.get("/account/oidc/", {"process": "login"}).status_code == 401

        open_this_machine()

        assert client.get("/account/oidc/", {"process": "login"}).status_code == 302
