"""The hub's doors: the admin, and what a load balancer asks."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


class TestTheRoot:
    def test_leads_to_the_admin(self, client: Client) -> None:
        answer = client.get("/")

        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


class TestEveryOtherPage:
    def test_asks_a_stranger_to_sign_in(self, client: Client) -> None:
        answer = client.get("/admin/hub/syncrun/")

        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/account/login/")
