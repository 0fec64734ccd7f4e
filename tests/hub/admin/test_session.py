"""The way in, as people and strangers meet it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from unfold.settings import CONFIG_DEFAULTS
from unfold.utils import convert_color

from hub import clock
from hub.models import AuditEvent, User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "a-password-for-trying-1"
ELSEWHERE = "203.0.113.9"


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    """Passwords are hashed often here, and how well is not the question."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def person_of(name: str, *roles: str, **more: Any) -> User:
    person = UserFactory(username=name, groups=roles, **more)
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(client: Client, name: str = "olga", password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/account/login/", {"login": name, "password": password}, **more)


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


class TestTheWayIn:
    def test_takes_a_password_and_writes_it_down(self, client: Client) -> None:
        olga = person_of("olga")

        answer = sign_in(client)

        assert answer.headers["Location"] == "/admin/"
        assert is_in(client)
        event = AuditEvent.objects.get(action="session.begin")
        assert (event.actor, event.detail) == (olga, {"methods": ["password"], "network": "127.0.0.1"})

    @pytest.mark.parametrize("lacking", ["is_active", "is_staff"])
    def test_is_closed_to_who_is_not_active_or_does_not_work_here(self, client: Client, lacking: str) -> None:
        person_of("olga", **{lacking: False})

        answer = sign_in(client)

        assert answer.headers["Location"] == "/account/login/"
        assert not is_in(client)
        assert "may not sign in here" in client.get("/account/login/").content.decode()

    @pytest.mark.parametrize("path", ["/account/signup/", "/account/password/set/", "/account/oidc/signup/"])
    def test_has_no_door_for_who_has_no_account(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 404
        assert client.post(path, {"username": "eve", "password1": PASSWORD}).status_code == 404
        assert not User.objects.filter(username="eve").exists()

    def test_is_where_the_admins_own_pages_lead(self, client: Client) -> None:
        asked = client.get("/admin/login/?next=/admin/hub/user/")
        posted = client.post("/admin/login/", {"username": "olga", "password": PASSWORD})

        assert asked.headers["Location"] == "/account/login/?next=/admin/hub/user/"
        assert posted.headers["Location"] == "/account/login/"

    def test_never_leads_out_of_the_house(self, client: Client) -> None:
        person_of("olga")

        answer = client.post(
            "/account/login/", {"login": "olga", "password": PASSWORD, "next": "https://evil.example/"}
        )

        assert answer.headers["Location"] == "/admin/"

    def test_is_the_way_out_of_the_admin_too(self, client: Client) -> None:
        person_of("olga")
        sign_in(client)

        client.post("/admin/logout/")

        assert not is_in(client)
        assert AuditEvent.objects.filter(action="session.end").count() == 1

    def test_leads_from_the_admins_password_page_to_ones_own(self, client: Client) -> None:
        person_of("olga")
        sign_in(client)

        assert client.get("/admin/password_change/").headers["Location"] == "/account/password/"

    def test_keeps_its_tables_off_the_desk(self) -> None:
        shown = {model._meta.app_label for model in admin.site._registry}

        assert shown.isdisjoint({"account", "mfa", "usersessions", "socialaccount"})


class TestFailedSignIns:
    def test_are_written_down_with_the_account_but_not_what_was_no_account(self, client: Client) -> None:
        person_of("olga")

        sign_in(client, password="wrong")
        sign_in(client, name="my-password-typed-as-a-name")

        events = AuditEvent.objects.filter(action="session.fail").order_by("pk")
        assert [event.subject_name for event in events][1] == "an account that does not exist"
        assert "my-password" not in str([(event.detail, event.subject_name) for event in events])

    def test_close_an_account_for_15_minutes_from_everywhere(self, client: Client) -> None:
        person_of("olga")
        for number in range(5):
            sign_in(client, password="wrong", REMOTE_ADDR=f"203.0.113.{number}")

        refused = sign_in(client, REMOTE_ADDR=ELSEWHERE)

        assert "Wait 15 minutes" in refused.content.decode()
        assert not is_in(client)
        with time_machine.travel(clock.now() + timedelta(minutes=15, seconds=1)):
            assert sign_in(client, REMOTE_ADDR=ELSEWHERE).status_code == 302

    def test_of_a_closed_account_do_not_prolong_it(self, client: Client) -> None:
        person_of("olga")
        for _ in range(5):
            sign_in(client, password="wrong")

        with time_machine.travel(clock.now() + timedelta(minutes=14)):
            sign_in(client, password="wrong", REMOTE_ADDR=ELSEWHERE)
        with time_machine.travel(clock.now() + timedelta(minutes=15, seconds=1)):
            assert sign_in(client, REMOTE_ADDR=ELSEWHERE).status_code == 302

    def test_close_a_network_whatever_the_names(self, client: Client) -> None:
        person_of("olga")
        for number in range(5):
            sign_in(client, name=f"guess-{number}", password="wrong", REMOTE_ADDR=ELSEWHERE)

        assert "Wait 15 minutes" in sign_in(client, REMOTE_ADDR=ELSEWHERE).content.decode()
        assert sign_in(client).status_code == 302

    def test_are_not_counted_by_an_address_that_the_sender_made_up(self, client: Client) -> None:
        person_of("olga")
        for number in range(5):
            made_up = f"198.51.100.{number}"
            sign_in(client, f"guess-{number}", "wrong", REMOTE_ADDR=ELSEWHERE, HTTP_X_FORWARDED_FOR=made_up)

        assert "Wait 15 minutes" in sign_in(client, REMOTE_ADDR=ELSEWHERE).content.decode()

    def test_are_counted_by_what_the_named_proxies_saw(self, client: Client, settings: Any) -> None:
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        person_of("olga")
        for number in range(5):
            sign_in(client, f"guess-{number}", "wrong", HTTP_X_FORWARDED_FOR=f"10.9.9.{number}, {ELSEWHERE}")

        assert "Wait 15 minutes" in sign_in(client, HTTP_X_FORWARDED_FOR=ELSEWHERE).content.decode()
        assert sign_in(client, HTTP_X_FORWARDED_FOR="203.0.113.10").status_code == 302

    def test_do_not_count_when_they_succeed(self, client: Client) -> None:
        person_of("olga")

        assert [sign_in(Client()).status_code for _ in range(8)] == [302] * 8


class TestASession:
    @pytest.fixture(autouse=True)
    def signed_in(self, client: Client) -> User:
        olga = person_of("olga", "Viewer", "Operator")
        sign_in(client)
        return olga

    def test_ends_when_nothing_was_asked_for_in_half_an_hour(self, client: Client) -> None:
        with time_machine.travel(clock.now() + timedelta(minutes=29)):
            assert is_in(client)
        with time_machine.travel(clock.now() + timedelta(minutes=58)):
            assert is_in(client)
        with time_machine.travel(clock.now() + timedelta(minutes=89)):
            assert not is_in(client)
            assert "signed out" in client.get("/account/login/").content.decode()
        assert AuditEvent.objects.filter(action="session.expire").count() == 1

    def test_is_not_kept_alive_by_a_page_that_renews_itself(self, client: Client) -> None:
        with time_machine.travel(clock.now() + timedelta(minutes=20)):
            client.get("/admin/", HTTP_X_REQUESTED_WITH="fetch")
        with time_machine.travel(clock.now() + timedelta(minutes=31)):
            assert not is_in(client)

    def test_ends_after_eight_hours_whatever_is_done(self, client: Client) -> None:
        begun = clock.now()
        for minutes in range(20, 480, 20):
            with time_machine.travel(begun + timedelta(minutes=minutes)):
                assert is_in(client)
        with time_machine.travel(begun + timedelta(hours=8)):
            assert not is_in(client)

    @pytest.mark.parametrize("taken", ["is_active", "is_staff"])
    def test_ends_with_the_next_request_of_who_may_not_be_here(
        self, client: Client, signed_in: User, taken: str
    ) -> None:
        User.objects.filter(pk=signed_in.pk).update(**{taken: False})

        assert not is_in(client)

    def test_ends_when_a_role_is_taken_and_goes_on_when_one_is_given(self, client: Client, signed_in: User) -> None:
        signed_in.groups.add(Group.objects.get(name="Developer"))
        assert is_in(client)

        signed_in.groups.remove(Group.objects.get(name="Developer"))

        assert not is_in(client)

    def test_is_listed_and_can_be_ended_from_another_one(self, client: Client, signed_in: User) -> None:
        other = Client(headers={"user-agent": "the lost laptop"})
        sign_in(other)
        assert "the lost laptop" in client.get("/account/sessions/").content.decode()

        lost = UserSession.objects.get(user_agent="the lost laptop")
        client.post("/account/sessions/", {"session": lost.pk})

        assert not is_in(other)
        assert is_in(client)
        assert AuditEvent.objects.get(action="session.end_other").detail["browser"] == "the lost laptop"

    def test_of_somebody_else_cannot_be_ended(self, client: Client) -> None:
        person_of("dan")
        other = Client()
        sign_in(other, "dan")

        client.post("/account/sessions/", {"session": UserSession.objects.get(user__username="dan").pk})

        assert is_in(other)

    def test_of_a_person_ends_everywhere_by_an_administrator(self, client: Client, signed_in: User) -> None:
        person_of("sigrid", "Security admin")
        security = Client()
        sign_in(security, "sigrid")

        security.post(f"/admin/hub/user/{signed_in.pk}/do/end_sessions/", {"reason": "Left the company."})

        assert not is_in(client)
        event = AuditEvent.objects.get(action="session.end_all")
        assert (event.actor_name, event.subject_name, event.reason) == ("sigrid", str(signed_in), "Left the company.")


class TestTheTheme:
    def test_has_the_colours_that_the_settings_name(self, settings: Any) -> None:
        colors = CONFIG_DEFAULTS["COLORS"] | settings.UNFOLD["COLORS"]
        written = Path(str(finders.find("hub/theme.css"))).read_text()

        lines = [
            f"--color-{name}-{weight}: {convert_color(value)};"
            for name, weights in colors.items()
            for weight, value in weights.items()
        ]
        assert [line for line in lines if line not in written] == []

    def test_writes_no_style_into_a_page(self, client: Client) -> None:
        page = client.get("/account/login/")

        assert "<style" not in page.content.decode()
        assert "unsafe-inline" not in page.headers["Content-Security-Policy"]


@pytest.mark.django_db(transaction=True)
def test_failed_sign_ins_at_the_same_time_are_counted_one_by_one() -> None:
    person_of("olga")

    def guess(number: int) -> None:
        try:
            sign_in(Client(), password=f"wrong-{number}", REMOTE_ADDR=f"203.0.113.{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(24)))

    assert AuditEvent.objects.filter(action="session.fail").count() == 5
