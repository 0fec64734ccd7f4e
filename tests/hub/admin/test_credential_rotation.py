"""The desk's pages about rotation: staged, tested, put to use, gone back from; and what breaks with a credential."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from hub.clock import now
from hub.models import AuditEvent, CheckState, Connection, ConnectionCheck, Credential, User
from hub.services import credential as credentials
from hub.vault import pair
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.admin.test_credential import LIST, PLACE, SECRET, html, kept, page, set_values

__all__ = ["kept"]  # a fixture
pytestmark = pytest.mark.django_db


class TestRotation:
    def do(self, kept: Credential, client: Client, deed: str, **given: str) -> HttpResponse:
        url = reverse("admin:hub_credential_do", args=[kept.pk, deed])
        answer: HttpResponse = client.post(url, given, follow=True)  # type: ignore[assignment]
        kept.refresh_from_db()
        return answer

    def test_goes_by_staging_testing_and_putting_to_use(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        client = client_of(administrator)

        answer = self.do(kept, client, "rotate", **{"value-password": "the next one"})
        assert "Version 2 is staged" in answer.content.decode()
        assert credentials.open_values(kept)["password"].reveal() == SECRET

        self.do(kept, client, "test")
        check = ConnectionCheck.objects.get()
        assert check.number == 2
        check.state = CheckState.REACHABLE
        check.save()
        credentials.note_test(check)
        assert "A test found it to work" in html(client, page(kept))

        self.do(kept, client, "activate", overlap="24", reason="")
        assert credentials.open_values(kept)["password"].reveal() == "the next one"
        assert "retiring" in html(client, page(kept))

        self.do(kept, client, "go_back", reason="the other system refuses it")
        assert credentials.open_values(kept)["password"].reveal() == SECRET

        self.do(kept, client, "revoke", reason="it never worked")
        assert "retiring" not in html(client, page(kept))

    def test_is_not_put_to_use_untested_without_a_reason(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        client = client_of(administrator)
        self.do(kept, client, "rotate", **{"value-password": "the next one"})

        answer = self.do(kept, client, "activate", overlap="24", reason="")

        assert "has not been found to work" in answer.content.decode()
        assert kept.number == 1

    def test_drops_what_is_staged_when_asked_to(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        client = client_of(administrator)
        self.do(kept, client, "rotate", **{"value-password": "the next one"})
        self.do(kept, client, "discard")

        assert credentials.staged(kept) is None

    def test_shows_no_staged_value_anywhere(self, kept: Credential, administrator: User, client_of: ClientOf) -> None:
        client = client_of(administrator)
        answer = self.do(kept, client, "rotate", **{"value-password": "hush hush"})

        events = str(list(AuditEvent.objects.values_list("detail", "reason", "subject_name")))
        assert "hush" not in answer.content.decode() + html(client, page(kept, "history")) + events


class TestWhatBreaks:
    def test_names_integrations_by_their_next_run_with_criticality_and_owner(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        toybox = Connection.objects.get(credential=kept)
        integration = make.IntegrationFactory(title="Toys to shop", criticality="vital", next_run_at=now())
        make.MappingFactory(integration=integration, source=toybox)

        shown = html(client_of(administrator), page(kept))

        assert "What breaks if I rotate this" in shown
        for said in ("Toys to shop", "Toy box", integration.get_criticality_display(), str(integration.owner)):
            assert said in shown

    def test_says_by_what_it_was_last_used_and_where_it_went(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        credentials.open_values(kept, use=credentials.Use("toy-box", "call", (PLACE,)))

        shown = html(client_of(administrator), page(kept))

        assert "toy-box" in shown
        assert "nowhere" not in shown


class TestBanner:
    SAID = "One key seals and opens secrets, and this web process has it."

    def test_is_on_every_page_where_the_web_process_could_open_secrets(
        self, kept: Credential, auditor: User, client_of: ClientOf, settings: Any
    ) -> None:
        settings.HUB_ENVIRONMENT = "production"

        for url in (LIST, page(kept), "/admin/"):
            shown = html(client_of(auditor), url)
            assert self.SAID in shown
            assert "Not for production" in shown

    def test_is_gone_where_only_workers_open_them(
        self, kept: Credential, auditor: User, client_of: ClientOf, settings: Any
    ) -> None:
        settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_KEYS = [pair("a")[0]], []
        settings.HUB_INBOUND_KEYS = ["inbound:" + "11" * 32]

        assert self.SAID not in html(client_of(auditor), LIST)

    def test_tells_the_form_that_every_value_is_needed_there(
        self, kept: Credential, administrator: User, client_of: ClientOf, settings: Any
    ) -> None:
        settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_KEYS = [pair("a")[0]], []
        settings.HUB_INBOUND_KEYS = ["inbound:" + "11" * 32]
        client = client_of(administrator)

        assert "leave empty to keep it" not in html(client, set_values(kept))
        answer = client.post(set_values(kept), {"value-token": "another one", "origins": PLACE})
        assert "so every value of “toybox” must be given again: password is missing" in answer.content.decode()
