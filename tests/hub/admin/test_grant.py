"""The pages of access: who reaches what is on the page itself, given there and taken there."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from hub.models import Integration, IntegrationGrant, User
from tests.conftest import ClientOf
from tests.factories import IntegrationFactory, UserFactory


@pytest.fixture
def giver(db: None) -> User:
    made: User = UserFactory(username="sigrid", groups=["Security admin"])
    return made


def page(integration: Integration) -> str:
    return reverse("admin:hub_integration_change", args=[integration.pk])


def given(integration: Integration, group: str = "Viewer", right: str = "view_integration") -> dict[str, object]:
    return {"group": Group.objects.get(name=group).pk, "right": right, "reason": "Their daily work."}


class TestAccess:
    def test_is_given_on_the_page_of_an_integration(self, giver: User, client_of: ClientOf) -> None:
        mine = IntegrationFactory()

        answer = client_of(giver).post(f"/admin/hub/integration/{mine.pk}/do/give_access/", given(mine), follow=True)

        shown = answer.content.decode()
        assert "“Viewer” may now see it." in shown
        assert "Take away" in shown

    def test_is_taken_on_the_same_page(self, giver: User, client_of: ClientOf) -> None:
        mine, client = IntegrationFactory(), client_of(giver)
        client.post(f"/admin/hub/integration/{mine.pk}/do/give_access/", given(mine))
        grant = IntegrationGrant.objects.get()

        answer = client.post(f"/admin/hub/integrationgrant/{grant.pk}/do/take/", {"reason": "Moved on."})

        assert answer["Location"] == page(mine)
        assert not IntegrationGrant.objects.exists()

    def test_is_seen_but_not_given_by_the_owner(self, owner: User, client_of: ClientOf) -> None:
        mine, client = IntegrationFactory(owner=owner), client_of(owner)

        assert "Who has access" in client.get(page(mine)).content.decode()
        assert client.post(f"/admin/hub/integration/{mine.pk}/do/give_access/", given(mine)).status_code == 403
        assert not IntegrationGrant.objects.exists()

    def test_lists_all_grants_to_auditors(self, giver: User, auditor: User, client_of: ClientOf) -> None:
        mine = IntegrationFactory(title="Customers to ERP")
        client_of(giver).post(f"/admin/hub/integration/{mine.pk}/do/give_access/", given(mine))

        listed = client_of(auditor).get("/admin/hub/integrationgrant/").content.decode()

        assert "Customers to ERP" in listed
        assert (
            client_of(auditor)
            .get(f"/admin/hub/integrationgrant/{IntegrationGrant.objects.get().pk}/do/take/")
            .status_code
            == 403
        )

    def test_lets_a_viewer_see_only_what_was_given(self, giver: User, client_of: ClientOf) -> None:
        mine, other = IntegrationFactory(), IntegrationFactory()
        viewer = client_of(UserFactory(groups=["Viewer"]))
        assert viewer.get(page(mine)).status_code == 404

        client_of(giver).post(f"/admin/hub/integration/{mine.pk}/do/give_access/", given(mine))

        assert viewer.get(page(mine)).status_code == 200
        assert viewer.get(page(other)).status_code == 404
