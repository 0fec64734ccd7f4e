"""Consent at a real provider, from the button on the credential's page to the first call."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client

from hub.clock import now
from hub.models import AuditEvent, Consent, Credential, OAuthToken, User
from hub.sdk import ConfigError
from hub.services import connection as services
from hub.services.credential import oauth
from tests.connectors.acting import source
from tests.factories import UserFactory
from tests.systems.oidc.agreeing import CONSENT, SESSION, acting, things
from tests.systems.oidc.conftest import Running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.system]


@pytest.fixture
def browser(person: User) -> Client:
    return entered(person)


def entered(person: User) -> Client:
    browser = Client()
    browser.force_login(person)
    return browser


def sent(browser: Client, credential: Credential) -> str:
    """Press the button; where the page leads."""
    answer = browser.post(f"/admin/hub/credential/{credential.pk}/do/connect/")
    found = re.search(r'href="(http[^"]*/o/authorize/[^"]*)"', answer.content.decode())
    assert found, answer.content.decode()[:3000]
    assert "no-store" in answer.headers["Cache-Control"]
    return unescape(found[1])


def back(running: Running, browser: Client, address: str) -> Any:
    """Agree at the provider; the hub's page after that."""
    return browser.get(running.visit(address, "nora", CONSENT), follow=True)


def test_leads_from_the_button_to_a_connection_that_works(running: Running, browser: Client) -> None:
    credential = acting(running)
    connection = things(running, credential)

    address = sent(browser, credential)
    asked = parse_qs(urlsplit(address).query)
    page = back(running, browser, address)

    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["read"]
    consent = Consent.objects.get()
    assert page.redirect_chain[-1][0] == f"/admin/hub/consent/{consent.pk}/change/"
    assert "A worker gets the first token now" in page.content.decode()
    assert running.asked() == {}  # the web process has asked nobody

    oauth.exchange(consent_id=consent.pk)
    page = browser.get(f"/admin/hub/consent/{consent.pk}/change/")
    assert "Connected. The token is renewed by itself." in page.content.decode()
    with services.opened(connection) as opened:
        assert len(source(opened).read("things", None, 10).records) == 3
    told = list(AuditEvent.objects.filter(subject_id=credential.pk).values_list("action", "actor_name"))
    assert ("credential.ask_consent", "carla") in told
    assert ("credential.connect", "carla") in told
    consent.refresh_from_db()
    assert consent.proof is None
    assert "renewed by itself" in browser.get(f"/admin/hub/credential/{credential.pk}/change/").content.decode()


class TestWhatComesBack:
    def test_is_taken_once(self, running: Running, browser: Client) -> None:
        came = running.visit(sent(browser, acting(running)), "nora", CONSENT)
        browser.get(came)
        page = browser.get(came, follow=True)

        assert "was used already" in page.content.decode()
        assert Consent.objects.get().state == "returned"

    def test_is_completed_once(self, running: Running, browser: Client) -> None:
        back(running, browser, sent(browser, acting(running)))
        for _ in range(2):
            oauth.exchange(consent_id=Consent.objects.get().pk)

        assert Consent.objects.get().state == "done"
        assert running.asked()["authorization_code"] == 1

    def test_is_not_taken_from_somebody_else(self, running: Running, browser: Client) -> None:
        other = entered(UserFactory(username="otto", groups=["Credential admin", "Whole hub"]))
        page = back(running, other, sent(browser, acting(running)))

        assert "belongs to no consent that you asked for" in page.content.decode()
        assert Consent.objects.get().state == "asked"

    def test_is_not_taken_from_another_person_in_the_same_session(self, running: Running, person: User) -> None:
        other: User = UserFactory(username="otto", groups=["Credential admin", "Whole hub"])
        _, state = oauth.begin(credential=acting(running), by=person, session=SESSION, redirect_uri=CONSENT)

        with pytest.raises(ConfigError, match="belongs to no consent"):
            oauth.take_back(by=other, session=SESSION, state=state, code="any", error="")

    def test_is_not_taken_in_another_session(self, running: Running, browser: Client, person: User) -> None:
        page = back(running, entered(person), sent(browser, acting(running)))

        assert "belongs to no consent that you asked for" in page.content.decode()
        assert Consent.objects.get().state == "asked"

    @pytest.mark.parametrize("query", ["", "code=x", "code=x&state=made-up", "error=access_denied"])
    def test_that_nobody_asked_for_changes_nothing(self, running: Running, browser: Client, query: str) -> None:
        sent(browser, acting(running))
        page = browser.get(f"/admin/hub/consent/oauth/callback/?{query}", follow=True)

        assert "belongs to no consent" in page.content.decode()
        assert Consent.objects.get().state == "asked"

    def test_too_late_is_refused(self, running: Running, browser: Client) -> None:
        came = running.visit(sent(browser, acting(running)), "nora", CONSENT)
        Consent.objects.update(expires_at=now())

        assert "longer than ten minutes" in browser.get(came, follow=True).content.decode()

    def test_a_refusal_is_told_as_one(self, running: Running, browser: Client) -> None:
        address = sent(browser, acting(running))
        state = parse_qs(urlsplit(address).query)["state"][0]
        page = browser.get(f"/admin/hub/consent/oauth/callback/?error=access_denied<script>&state={state}", follow=True)

        assert "The provider answered access_deniedscript." in page.content.decode()
        assert Consent.objects.get().state == "failed"

    def test_is_refused_from_who_may_no_longer(self, running: Running, person: User) -> None:
        credential = acting(running)
        consent, state = oauth.begin(credential=credential, by=person, session=SESSION, redirect_uri=CONSENT)
        person.groups.set(Group.objects.filter(name__in=["Viewer", "Whole hub"]))

        with pytest.raises(ConfigError, match="may no longer set"):
            oauth.take_back(by=User.objects.get(pk=person.pk), session=SESSION, state=state, code="any", error="")
        consent.refresh_from_db()
        assert consent.state == "asked"

    def test_with_a_code_that_is_no_good_fails_and_keeps_the_tokens_there_are(
        self, running: Running, browser: Client
    ) -> None:
        credential = acting(running)
        back(running, browser, sent(browser, credential))
        oauth.exchange(consent_id=Consent.objects.get().pk)
        before = OAuthToken.objects.get().sealed
        state = parse_qs(urlsplit(sent(browser, credential)).query)["state"][0]
        browser.get(f"/admin/hub/consent/oauth/callback/?code=made-up&state={state}")
        latest = Consent.objects.first()
        assert latest is not None

        oauth.exchange(consent_id=latest.pk)

        latest.refresh_from_db()
        assert latest.state == "failed"
        assert "invalid_grant" in latest.message
        assert bytes(OAuthToken.objects.get().sealed or b"") == bytes(before or b"")

    def test_that_nobody_completed_is_rung_for_and_ends(
        self, running: Running, browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rung: list[int] = []
        monkeypatch.setattr("hub.queue.ask_exchange", rung.append)
        back(running, browser, sent(browser, acting(running)))
        consent = Consent.objects.get()

        oauth.ring_waiting(now())
        assert rung == [consent.pk, consent.pk]
        oauth.ring_waiting(now() + timedelta(minutes=11))
        consent.refresh_from_db()
        assert (consent.state, consent.proof) == ("failed", None)


def test_wants_a_recent_proof_of_who_asks(running: Running, person: User) -> None:
    credential, browser = acting(running), Client()
    browser.force_login(person)
    with time_machine.travel(now() + timedelta(minutes=30), tick=False):
        browser.post(f"/admin/hub/credential/{credential.pk}/do/connect/")

    assert not Consent.objects.exists()


@pytest.mark.parametrize("name", ["token_url", "authorize_url"])
def test_never_leads_to_an_address_that_is_not_allowed(running: Running, browser: Client, name: str) -> None:
    credential = acting(running)
    Credential.objects.update(details={**credential.details, name: "https://elsewhere.example/o"})

    answer = browser.post(f"/admin/hub/credential/{credential.pk}/do/connect/")

    assert "may not be sent" in answer.content.decode()
    assert not Consent.objects.exists()


def test_no_secret_is_in_any_row_or_page(running: Running, browser: Client) -> None:
    credential = acting(running)
    came = running.visit(sent(browser, credential), "nora", CONSENT)
    code = parse_qs(urlsplit(came).query)["code"][0]
    pages = browser.get(came, follow=True).content.decode()

    rows = repr(list(Consent.objects.values())) + repr(list(AuditEvent.objects.values()))
    assert code not in rows + pages
