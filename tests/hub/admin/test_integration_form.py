"""The form of an integration, and deleting one."""

from collections.abc import Callable

import pytest

from hub.models import AuditEvent, Integration, User
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.admin.pages import html, page

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/integration/"


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
