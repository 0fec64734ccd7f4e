"""Running, previewing and pausing an integration from its page."""

import pytest
from django.test import Client
from django.urls import reverse

from hub.models import AuditEvent, Integration, RunState, SyncRun, User
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.admin.pages import deed, html, page

pytestmark = pytest.mark.django_db


class TestRunNow:
    def test_asks_before_anything_happens(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        shown = html(client_of(owner), deed(integration, "run_now"))

        assert "What changed since the last run" in shown
        assert not SyncRun.objects.exists()

    def test_asks_for_a_run_of_each_mapping_in_order(
        self, integration: Integration, owner: User, client_of: ClientOf
    ) -> None:
        answer = client_of(owner).post(deed(integration, "run_now"), {"how": "changes"})

        first, second = SyncRun.objects.order_by("pk")
        assert answer.headers["Location"] == page(integration)
        assert (first.mapping.title, second.mapping.title) == ("Parties", "Addresses")
        assert second.after == first
        assert first.requested_by == owner
        assert not first.is_preview

    def test_reads_everything_when_asked_to(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        client_of(owner).post(deed(integration, "run_now"), {"how": "full"})

        assert all(run.is_full for run in SyncRun.objects.all())

    def test_says_why_it_cannot_be_done(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        make.SyncRunFactory(mapping=integration.mappings.first(), state=RunState.RUNNING)

        answer = client_of(owner).post(deed(integration, "run_now"), {"how": "changes"})

        assert answer.status_code == 200
        assert "queued or running already" in answer.content.decode()
        assert SyncRun.objects.count() == 1

    def test_is_refused_without_the_right(self, integration: Integration, resolver: User, client_of: ClientOf) -> None:
        answer = client_of(resolver).post(deed(integration, "run_now"), {"how": "changes"})

        assert answer.status_code == 403
        assert not SyncRun.objects.exists()

    def test_is_refused_without_a_token_against_forged_requests(self, integration: Integration, owner: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)

        assert client.post(deed(integration, "run_now"), {"how": "changes"}).status_code == 403
        assert not SyncRun.objects.exists()

    def test_is_not_there_for_a_stranger_to_the_integration(self, deputy: User, client_of: ClientOf) -> None:
        other = make.IntegrationFactory()

        assert client_of(deputy).post(deed(other, "run_now"), {"how": "changes"}).status_code == 404


class TestPreview:
    def test_asks_for_previews_and_goes_to_the_first(
        self, integration: Integration, owner: User, client_of: ClientOf
    ) -> None:
        answer = client_of(owner).post(deed(integration, "preview"), {"how": "changes"})

        first = SyncRun.objects.order_by("pk").first()
        assert first is not None
        assert first.is_preview
        assert answer.headers["Location"] == reverse("admin:hub_syncrun_change", args=[first.pk])


class TestPause:
    def test_needs_a_reason(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        client_of(owner).post(deed(integration, "pause"), {"reason": ""})

        integration.refresh_from_db()
        assert not integration.is_paused

    def test_shows_the_reason_to_everybody(
        self, integration: Integration, owner: User, auditor: User, client_of: ClientOf
    ) -> None:
        client_of(owner).post(deed(integration, "pause"), {"reason": "month-end close"})

        assert "month-end close" in html(client_of(auditor), page(integration))
        assert AuditEvent.objects.get(action="integration.pause").reason == "month-end close"

    def test_is_ended_by_resuming(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        client = client_of(owner)
        client.post(deed(integration, "pause"), {"reason": "month-end close"})

        client.post(deed(integration, "resume"))

        integration.refresh_from_db()
        assert not integration.is_paused
