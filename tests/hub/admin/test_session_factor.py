"""Second factors: set up by each person, asked for at sign-in, forced where the setting says so."""

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from hub.models import AuditEvent, User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "a-password-for-trying-1"


@pytest.fixture
def olga(settings: Any) -> User:
    """Somebody who can write."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    person = UserFactory(username="olga", groups=["Operator"])
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(client: Client) -> Any:
    return client.post("/account/login/", {"login": "olga", "password": PASSWORD})


def code(secret: str, steps: int = 0) -> str:
    shown: str = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps))
    return shown


def set_up(client: Client) -> str:
    """Set up an authenticator app as the page asks for it; returns its secret."""
    page = client.get("/account/factor/totp/activate/")
    secret: str = page.context["form"].secret
    client.post("/account/factor/totp/activate/", {"code": code(secret)})
    return secret


class TestAnAuthenticatorApp:
    def test_is_set_up_on_a_page_of_ones_own(self, client: Client, olga: User) -> None:
        sign_in(client)

        set_up(client)

        kinds = set(Authenticator.objects.filter(user=olga).values_list("type", flat=True))
        assert kinds == {"totp", "recovery_codes"}
        assert AuditEvent.objects.filter(action="factor.add", actor=olga).count() == 2

    def test_is_asked_for_after_the_password(self, client: Client, olga: User) -> None:
        sign_in(client)
        secret = set_up(client)
        other = Client()

        asked = sign_in(other)

        assert asked.headers["Location"] == "/account/factor/authenticate/"
        assert other.get("/admin/").status_code == 302
        other.post("/account/factor/authenticate/", {"code": "000000"})
        assert other.get("/admin/").status_code == 302
        other.post("/account/factor/authenticate/", {"code": code(secret, 1)})
        assert other.get("/admin/").status_code == 200
        assert AuditEvent.objects.filter(action="factor.fail").count() == 1

    def test_takes_a_code_once(self, client: Client, olga: User) -> None:
        sign_in(client)
        secret = set_up(client)
        once = code(secret, 1)
        for browser, is_in in ((Client(), True), (Client(), False)):
            sign_in(browser)
            browser.post("/account/factor/authenticate/", {"code": once})
            assert (browser.get("/admin/").status_code == 200) is is_in

    def test_is_taken_away_and_written_down(self, client: Client, olga: User) -> None:
        sign_in(client)
        set_up(client)

        client.post("/account/factor/totp/deactivate/")

        assert not Authenticator.objects.filter(user=olga, type="totp").exists()
        assert AuditEvent.objects.filter(action="factor.remove", detail__kind="totp").count() == 1

    def test_cannot_be_guessed(self, client: Client, olga: User) -> None:
        sign_in(client)
        secret = set_up(client)
        other = Client()
        sign_in(other)
        for _ in range(5):
            other.post("/account/factor/authenticate/", {"code": "000000"})

        other.post("/account/factor/authenticate/", {"code": code(secret, 1)})

        assert other.get("/admin/").status_code == 302


class TestWhereItIsForced:
    @pytest.fixture(autouse=True)
    def forced(self, settings: Any) -> None:
        settings.HUB_SECOND_FACTOR = "writers"

    def test_nothing_else_is_shown_before(self, client: Client, olga: User) -> None:
        sign_in(client)

        for path in ("/admin/", "/admin/hub/syncrun/", "/account/sessions/"):
            assert client.get(path).headers["Location"] == "/account/factor/"
        assert client.post("/admin/hub/integration/1/do/run_now/").headers["Location"] == "/account/factor/"
        assert "Set up a second factor" in client.get("/account/factor/").content.decode()

    def test_everything_is_shown_afterwards(self, client: Client, olga: User) -> None:
        sign_in(client)

        set_up(client)

        assert client.get("/admin/").status_code == 200

    def test_one_can_leave(self, client: Client, olga: User) -> None:
        sign_in(client)

        client.post("/admin/logout/")

        assert client.get("/admin/hub/syncrun/").headers["Location"].startswith("/account/login/")
