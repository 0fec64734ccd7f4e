"""Single sign-on with a real OIDC provider: who gets in, with which roles, and what is refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.test import Client

from hub import clock
from hub.models import AuditEvent, User
from hub.provider import Provider
from tests.factories import UserFactory
from tests.systems.oidc.conftest import Running, come, renew_addresses

pytestmark = [pytest.mark.django_db, pytest.mark.system]


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def roles(name: str) -> set[str]:
    return set(User.objects.get(username=name).groups.values_list("name", flat=True))


def told(client: Client) -> str:
    return client.get("/account/login/").content.decode()


class TestSomebodyNew:
    def test_gets_an_account_with_the_roles_of_their_groups(
        self, client: Client, running: Running, provider: Provider
    ) -> None:
        running.control(groups={"nora": ["hub-run", "canteen"]})

        answer = come(client, running)

        assert answer.headers["Location"] == "/admin/"
        assert is_in(client)
        nora = User.objects.get(username="nora")
        assert (nora.first_name, nora.last_name, nora.email) == ("Nora", "There", "nora@example.com")
        assert (nora.is_staff, nora.is_superuser, nora.has_usable_password()) == (True, False, False)
        assert roles("nora") == {"Operator", "Whole hub"}
        assert {"person.add", "person.roles", "session.begin"} <= set(
            AuditEvent.objects.values_list("action", flat=True)
        )

    @pytest.mark.parametrize("groups", [[], ["canteen"]])
    def test_in_no_group_that_leads_to_a_role_gets_none(
        self, client: Client, running: Running, provider: Provider, groups: list[str]
    ) -> None:
        running.control(groups={"nora": groups})

        come(client, running)

        assert not is_in(client)
        assert not User.objects.filter(username="nora").exists()
        assert "none of your groups there leads to a role here" in told(client)
        assert AuditEvent.objects.filter(action="session.refuse").count() == 1

    def test_in_groups_whose_roles_exclude_each_other_gets_none(
        self, client: Client, running: Running, provider: Provider
    ) -> None:
        running.control(groups={"nora": ["hub-audit", "hub-run"]})

        come(client, running)

        assert not is_in(client)
        assert not User.objects.filter(username="nora").exists()
        assert "exclude each other" in told(client)

    def test_is_not_taken_for_somebody_with_the_same_address_or_name(
        self, client: Client, running: Running, provider: Provider
    ) -> None:
        local = UserFactory(username="nora", email="nora@example.com", is_superuser=True)
        running.control(groups={"nora": ["hub-view"]})

        come(client, running)

        joined = SocialAccount.objects.get().user
        assert joined != local
        assert joined.username != "nora"
        assert not joined.is_superuser

    def test_is_sent_with_pkce_and_comes_back_where_they_wanted_to_go(
        self, client: Client, running: Running, provider: Provider
    ) -> None:
        running.control(groups={"nora": ["hub-view"]})

        sent = client.get("/account/oidc/", {"process": "login", "next": "/admin/hub/syncrun/"})

        asked = parse_qs(urlsplit(sent.headers["Location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        back = client.get(running.visit(sent.headers["Location"], "nora"))
        assert back.headers["Location"] == "/admin/hub/syncrun/"


class TestSomebodyWhoComesAgain:
    @pytest.fixture(autouse=True)
    def came(self, client: Client, running: Running, provider: Provider) -> None:
        running.control(groups={"nora": ["hub-view", "hub-run"]})
        come(client, running)

    def test_is_the_same_person(self, running: Running) -> None:
        come(Client(), running)

        assert User.objects.filter(username__startswith="nora").count() == 1

    def test_loses_the_role_of_a_group_they_left_and_keeps_what_was_given_here(
        self, client: Client, running: Running
    ) -> None:
        User.objects.get(username="nora").groups.add(Group.objects.get(name="Developer"))
        running.control(groups={"nora": ["hub-view"]})

        come(Client(), running)

        assert roles("nora") == {"Viewer", "Developer"}
        event = AuditEvent.objects.filter(action="person.roles").latest("pk")
        assert event.detail == {"groups": [["Developer", "Operator", "Viewer", "Whole hub"], ["Developer", "Viewer"]]}
        assert not is_in(client)

    def test_and_left_every_group_loses_all_and_does_not_get_in(self, running: Running) -> None:
        running.control(groups={"nora": []})
        again = Client()

        come(again, running)

        assert roles("nora") == set()
        assert not is_in(again)

    def test_gets_no_role_that_one_given_here_excludes(self, running: Running) -> None:
        nora = User.objects.get(username="nora")
        nora.groups.set([Group.objects.get(name="Security admin")])
        again = Client()

        come(again, running)

        assert roles("nora") == {"Security admin"}
        assert "exclude each other" in told(again)

    def test_is_not_let_in_when_they_were_made_inactive(self, running: Running) -> None:
        User.objects.filter(username="nora").update(is_active=False)
        again = Client()

        come(again, running)

        assert not is_in(again)

    def test_is_somebody_else_when_another_issuer_has_the_same_subject(self, provider: Provider) -> None:
        other = Provider("https://other.example", "id", "secret", "Other", "groups", {})

        assert SocialAccount.objects.get().provider == provider.key != other.key


class TestSomebodyWhoHasAnAccountHere:
    def test_joins_it_and_comes_in_by_it(self, client: Client, running: Running, provider: Provider) -> None:
        olga = UserFactory(username="olga", groups=["Developer"])
        client.force_login(olga)
        running.control(groups={"olga": ["hub-view"]})

        sent = client.get("/account/oidc/", {"process": "connect"})
        client.get(running.visit(sent.headers["Location"], "olga"))
        again = Client()
        come(again, Running(running.url), "olga")

        assert again.get("/admin/").wsgi_request.user == olga
        assert roles("olga") == {"Developer", "Viewer"}
        assert AuditEvent.objects.filter(action="person.join_provider", actor=olga).count() == 1

    def test_does_not_join_it_without_a_proof(self, client: Client, running: Running, provider: Provider) -> None:
        client.force_login(UserFactory(username="olga"))
        with time_machine.travel(clock.now() + timedelta(minutes=11)):
            sent = client.get("/account/oidc/", {"process": "connect"})
            if sent.headers.get("Location", "").startswith("http"):
                client.get(running.visit(sent.headers["Location"], "olga"))

        assert not SocialAccount.objects.exists()


class TestAnAnswer:
    @pytest.fixture(autouse=True)
    def _grouped(self, running: Running, provider: Provider) -> None:
        running.control(groups={"nora": ["hub-view"]})

    @pytest.mark.parametrize(
        "lie", [{"iss": "https://evil.example/o"}, {"sub": "4711"}, {"aud": "another-client"}, {"exp": 1}]
    )
    def test_that_is_not_right_lets_nobody_in(self, client: Client, running: Running, lie: dict[str, Any]) -> None:
        running.control(said=lie)

        come(client, running)

        assert not is_in(client)
        assert not User.objects.filter(username="nora").exists()

    def test_of_an_issuer_that_was_not_named_lets_nobody_in(
        self, client: Client, running: Running, provider: Provider, settings: Any
    ) -> None:
        settings.HUB_OIDC = replace(provider, issuer="https://sso.example/o", others=(running.url,))
        apps = settings.HUB_OIDC.apps()
        apps["openid_connect"]["APPS"][0]["settings"]["server_url"] = running.issuer
        settings.SOCIALACCOUNT_PROVIDERS = apps
        renew_addresses()

        come(client, running)

        assert not is_in(client)
        assert "The answer did not come from" in told(client)

    def test_after_the_state_has_expired_lets_nobody_in(self, client: Client, running: Running) -> None:
        sent = client.get("/account/oidc/", {"process": "login"})
        back = running.visit(sent.headers["Location"], "nora")

        with time_machine.travel(clock.now() + timedelta(minutes=11)):
            answer = client.get(back)

        assert answer.status_code == 401
        assert "longer than ten minutes" in answer.content.decode()
        assert not is_in(client)

    def test_counts_once_and_only_in_the_browser_that_asked(self, client: Client, running: Running) -> None:
        sent = client.get("/account/oidc/", {"process": "login"})
        back = running.visit(sent.headers["Location"], "nora")

        assert Client().get(back).status_code == 401
        client.get(back)
        client.post("/account/logout/")
        assert client.get(back).status_code == 401

    def test_from_a_provider_that_is_away_is_said(self, client: Client, provider: Provider, settings: Any) -> None:
        apps = provider.apps()
        apps["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:9/o"
        settings.SOCIALACCOUNT_PROVIDERS = apps

        answer = client.get("/account/oidc/", {"process": "login"})

        assert answer.status_code == 401
        assert "did not give a valid answer" in answer.content.decode()

    def test_is_not_asked_for_at_an_address_that_may_not_be_reached(
        self, client: Client, running: Running, provider: Provider, settings: Any
    ) -> None:
        apps = provider.apps()
        unnamed = running.issuer.replace("127.0.0.1", "0.0.0.0")  # leads there, and is no address to be reached
        apps["openid_connect"]["APPS"][0]["settings"]["server_url"] = unnamed
        settings.SOCIALACCOUNT_PROVIDERS = apps

        assert client.get("/account/oidc/", {"process": "login"}).status_code == 401


class TestAProof:
    def test_is_a_sign_in_at_the_provider_asked_for_again(
        self, client: Client, running: Running, provider: Provider
    ) -> None:
        running.control(groups={"nora": ["hub-view"]})
        come(client, running)
        with time_machine.travel(clock.now() + timedelta(minutes=20)):
            way = client.get("/account/prove/?next=/account/proved/")
            running.control(said={"auth_time": int(clock.now().timestamp())})
            sent = client.get(way.headers["Location"])
            asked = parse_qs(urlsplit(sent.headers["Location"]).query)
            back = client.get(running.visit(sent.headers["Location"], "nora"))

            assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
            assert back.headers["Location"] == "/account/proved/"
            assert '<h1 class="hub-title">Proved</h1>' in client.get("/account/proved/").content.decode()
        assert AuditEvent.objects.filter(action="session.prove").count() == 1

    @pytest.mark.parametrize("said", [{"auth_time": 1}, {"auth_time": None}])
    def test_is_none_when_the_provider_did_not_ask(
        self, client: Client, running: Running, provider: Provider, said: dict[str, Any]
    ) -> None:
        running.control(groups={"nora": ["hub-view"]}, said={})
        come(client, running)
        running.control(said=said)
        with time_machine.travel(clock.now() + timedelta(minutes=20)):
            sent = client.get(client.get("/account/prove/?next=/account/proved/").headers["Location"])
            client.get(running.visit(sent.headers["Location"], "nora"))

            assert "Not proved" in client.get("/account/proved/").content.decode()

    def test_of_somebody_else_changes_nothing(self, client: Client, running: Running, provider: Provider) -> None:
        running.control(groups={"nora": ["hub-view"], "olga": ["hub-view"]})
        come(client, running)
        sent = client.get(client.get("/account/prove/?next=/account/proved/").headers["Location"])

        client.get(running.visit(sent.headers["Location"], "olga"))

        assert client.get("/admin/").wsgi_request.user.username == "nora"
