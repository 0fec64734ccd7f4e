"""The desk's pages about integrations."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.models import AuditEvent, Integration, RunState, SyncRun, User
from tests import factories as make
from tests.conftest import ClientOf

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/integration/"


@pytest.fixture
def integration(owner: User, deputy: User) -> Integration:
    """An integration of `owner` with two active mappings."""
    made: Integration = make.IntegrationFactory(
        owner=owner, deputy=deputy, title="Customers to ERP", purpose="Invoices."
    )
    for title in ("Parties", "Addresses"):
        make.MappingFactory(integration=made, title=title, active=True)
    return made


def page(integration: Integration, name: str = "change") -> str:
    """The address of one of its pages."""
    return reverse(f"admin:hub_integration_{name}", args=[integration.pk])


def deed(integration: Integration, name: str) -> str:
    """The address of one of its deeds."""
    return reverse("admin:hub_integration_do", args=[integration.pk, name])


def html(client: Client, url: str) -> str:
    """The page, with white space as a browser shows it."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


@pytest.fixture
def form(owner: User, deputy: User) -> Callable[..., dict[str, object]]:
    """What the form sends."""

    def form(**given: object) -> dict[str, object]:
        filled = {
            "title": "Customers to ERP", "name": "customers", "purpose": "Invoices.", "owner": owner.pk,
            "deputy": deputy.pk, "criticality": "high", "schedule": "0 6 * * 1-5", "time_zone": "Europe/Berlin",
            "fresh_minutes": 60, "missed_slots": "once", "grace_minutes": 60,
        }  # fmt: skip
        return {**filled, **given}

    return form


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

        assert len(caught) <= 24

    def test_keeps_itself_fresh(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        shown = html(client_of(owner), page(integration, "live"))

        assert 'id="overview"' in shown
        assert "<html" not in shown


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


class TestEdit:
    def test_saves_audits_and_keeps_the_history(
        self, integration: Integration, owner: User, client_of: ClientOf, form: Callable[..., dict[str, object]]
    ) -> None:
        client = client_of(owner)

        answer = client.post(page(integration, "edit"), form(purpose="Because of invoices."))

        assert answer.headers["Location"] == page(integration)
        shown = html(client, page(integration, "history"))
        assert "Because of invoices." in shown
        assert str(owner) in shown
        event = AuditEvent.objects.get(action="integration.change")
        assert event.actor == owner
        assert "purpose" in {name.lower() for name in event.detail["fields"]}

    def test_plans_a_changed_schedule_anew(
        self, integration: Integration, owner: User, client_of: ClientOf, form: Callable[..., dict[str, object]]
    ) -> None:
        Integration.objects.update(next_run_at="2020-01-01T00:00:00Z")

        client_of(owner).post(page(integration, "edit"), form(schedule="every 1 hour"))

        integration.refresh_from_db()
        assert integration.schedule == "every 1 hour"
        assert integration.next_run_at is None

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"deputy": ""}, "This field is required."),
            ({"schedule": "whenever"}, "cannot be read"),
            ({"time_zone": "Europe/Atlantis"}, "no time zone"),
        ],
    )
    def test_says_what_is_wrong(
        self,
        integration: Integration,
        owner: User,
        client_of: ClientOf,
        form: Callable[..., dict[str, object]],
        given: dict[str, object],
        said: str,
    ) -> None:
        answer = client_of(owner).post(page(integration, "edit"), form(**given))

        assert answer.status_code == 200
        assert said in answer.content.decode()

    def test_refuses_a_deputy_who_is_the_owner(
        self, integration: Integration, owner: User, client_of: ClientOf, form: Callable[..., dict[str, object]]
    ) -> None:
        answer = client_of(owner).post(page(integration, "edit"), form(deputy=owner.pk))

        assert "somebody else than the owner" in answer.content.decode()

    def test_does_not_let_an_owner_give_it_away_beyond_reach(
        self, integration: Integration, owner: User, client_of: ClientOf, form: Callable[..., dict[str, object]]
    ) -> None:
        others = make.UserFactory.create_batch(2)

        answer = client_of(owner).post(page(integration, "edit"), form(owner=others[0].pk, deputy=others[1].pk))

        integration.refresh_from_db()
        assert answer.status_code == 403
        assert integration.owner == owner
        assert list(AuditEvent.objects.values_list("action", "outcome")) == [("access.denied", "denied")]

    def test_proposes_who_adds_one_as_its_owner(self, owner: User, client_of: ClientOf) -> None:
        shown = html(client_of(owner), f"{LIST}add/")

        assert f'<option value="{owner.pk}" selected>' in shown

    def test_adds_one(self, owner: User, client_of: ClientOf, form: Callable[..., dict[str, object]]) -> None:
        client_of(owner).post(f"{LIST}add/", form())

        made = Integration.objects.get()
        assert made.owner == owner
        assert AuditEvent.objects.get(action="integration.add").subject_id == made.pk

    def test_is_not_for_who_may_only_view(self, integration: Integration, auditor: User, client_of: ClientOf) -> None:
        assert client_of(auditor).get(page(integration, "edit")).status_code == 403


class TestDelete:
    def test_is_refused_while_there_are_runs(
        self, integration: Integration, administrator: User, client_of: ClientOf
    ) -> None:
        make.SyncRunFactory(mapping=integration.mappings.first())

        answer = client_of(administrator).post(page(integration, "delete"), {"post": "yes"})

        assert answer.status_code == 403
        assert Integration.objects.filter(pk=integration.pk).exists()
