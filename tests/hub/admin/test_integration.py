"""The desk's pages about integrations: the list, and the page of one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.models import Integration, User
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.admin.pages import html, page

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/integration/"


class TestIntegrationList:
    def test_shows_only_what_the_person_may_view(
        self, integration: Integration, owner: User, auditor: User, client_of: ClientOf
    ) -> None:
        make.IntegrationFactory(title="Somebody else")

        assert "Somebody else" not in html(client_of(owner), LIST)
        assert "Somebody else" in html(client_of(auditor), LIST)

    def test_is_closed_to_who_may_view_none(self, stranger: User, client_of: ClientOf) -> None:
        assert client_of(stranger).get(LIST).status_code == 403

    def test_tells_the_schedule_in_words(self, owner: User, client_of: ClientOf) -> None:
        make.IntegrationFactory(owner=owner, schedule="0 6 * * 1-5", time_zone="Europe/Berlin")

        assert "Monday to Friday at 06:00 (Europe/Berlin)" in html(client_of(owner), LIST)

    def test_needs_the_same_few_queries_for_any_number(self, auditor: User, client_of: ClientOf) -> None:
        def queries() -> int:
            client = client_of(auditor)
            with CaptureQueriesContext(connection) as caught:
                client.get(LIST)
            return len(caught)

        make.IntegrationFactory()
        few = queries()
        make.IntegrationFactory.create_batch(30)

        assert queries() == few <= 12

    def test_refuses_to_be_asked_by_what_it_does_not_offer(self, auditor: User, client_of: ClientOf) -> None:
        answer = client_of(auditor).get(f"{LIST}?owner__password__startswith=p")

        assert answer.status_code == 400


class TestIntegrationPage:
    def test_tells_purpose_people_schedule_and_the_next_three_times(
        self, integration: Integration, owner: User, deputy: User, client_of: ClientOf
    ) -> None:
        integration.schedule = "every 15 minutes"
        integration.save()

        shown = html(client_of(owner), page(integration))

        for said in ("Invoices.", str(owner), str(deputy), "Every 15 minutes"):
            assert said in shown
        assert shown.split("<dt>Runs</dt>")[1].split("</dd>")[0].count("<time") == 3

    def test_shows_the_mappings_in_order_with_their_balances(
        self, integration: Integration, owner: User, client_of: ClientOf
    ) -> None:
        make.SyncRunFactory(mapping=integration.mappings.get(title="Parties"), unchanged=1234)

        shown = html(client_of(owner), page(integration))

        assert shown.index("1. Parties") < shown.index("2. Addresses")
        assert "<b>1,234</b> unchanged" in shown

    def test_shows_the_last_ten_runs(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        runs = [make.SyncRunFactory(mapping=integration.mappings.first()) for _ in range(12)]

        shown = html(client_of(owner), page(integration)).split('id="runs"')[1]

        assert reverse("admin:hub_syncrun_change", args=[runs[2].pk]) in shown
        assert reverse("admin:hub_syncrun_change", args=[runs[1].pk]) not in shown

    def test_is_not_there_for_others(self, owner: User, client_of: ClientOf) -> None:
        other = make.IntegrationFactory()
        client = client_of(owner)

        assert client.get(page(other)).status_code == 404
        assert client.get(f"{LIST}999999/change/").status_code == 404
        assert client.get(page(other, "live")).status_code == 404
        assert client.get(page(other, "history")).status_code == 404
        assert client.get(page(other, "edit")).status_code == 404

    def test_offers_an_auditor_nothing_to_do(
        self, integration: Integration, auditor: User, client_of: ClientOf
    ) -> None:
        shown = html(client_of(auditor), page(integration))

        assert "/do/" not in shown
        assert "/edit/" not in shown

    def test_is_only_read(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        assert client_of(owner).post(page(integration), {"title": "x"}).status_code == 405

    def test_needs_few_queries(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        for mapping in integration.mappings.all():
            make.SyncRunFactory.create_batch(8, mapping=mapping, requested_by=owner)
        client = client_of(owner)

        with CaptureQueriesContext(connection) as caught:
            client.get(page(integration))

        assert len(caught) <= 28

    def test_keeps_itself_fresh(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        shown = html(client_of(owner), page(integration, "live"))

        assert 'id="overview"' in shown
        assert "<html" not in shown
