"""The pages of egress zones."""

from typing import Any

import pytest
from django.test import Client

from hub.models import AuditEvent, EgressZone, User
from tests.conftest import ClientOf
from tests.factories import EgressZoneFactory, UserFactory

pytestmark = pytest.mark.django_db
ADD = "/admin/hub/egresszone/add/"
FILLED = {
    "title": "ERP", "name": "erp", "networks": "10.20.0.0/24\nfd12:3456::/64", "ports": "443", "ca_bundle": "",
    "reason": "The ERP has no public address.",
}  # fmt: skip


@pytest.fixture
def sigrid(db: None) -> User:
    made: User = UserFactory(username="sigrid", groups=["Security admin"])
    return made


@pytest.fixture
def desk(sigrid: User, client_of: ClientOf) -> Client:
    return client_of(sigrid)


class TestProposing:
    def test_makes_a_closed_zone_and_one_event(self, desk: Client, sigrid: User) -> None:
        answer = desk.post(ADD, FILLED)

        made = EgressZone.objects.get(name="erp")
        assert answer.url == f"/admin/hub/egresszone/{made.pk}/change/"  # type: ignore[attr-defined]
        assert (made.networks, made.ports, made.is_open) == (["10.20.0.0/24", "fd12:3456::/64"], [443], False)
        assert made.proposed_by == sigrid
        assert [one.action for one in AuditEvent.objects.filter(subject="egresszone")] == ["egresszone.add"]

    @pytest.mark.parametrize(
        ("parts", "told"),
        [
            ({"networks": "0.0.0.0/0"}, "does not lie within one"),
            ({"networks": "erp.intern"}, "is not a network"),
            ({"ports": "https"}, "Write numbers"),
            ({"ca_bundle": "x"}, "does not hold certificates"),
        ],
    )
    def test_says_what_is_wrong_beside_the_field(self, desk: Client, parts: dict[str, Any], told: str) -> None:
        answer = desk.post(ADD, FILLED | parts)

        assert answer.status_code == 200
        assert told in answer.content.decode()
        assert not EgressZone.objects.exists()


class TestAnOpenZone:
    def test_is_closed_by_an_edit_that_widens_it_and_the_page_says_so(self, desk: Client) -> None:
        row = EgressZoneFactory(is_open=True, networks=["10.20.0.0/24"])

        desk.post(f"/admin/hub/egresszone/{row.pk}/edit/", {**FILLED, "networks": "10.0.0.0/8", "ports": ""})

        row.refresh_from_db()
        assert not row.is_open
        page = desk.get(f"/admin/hub/egresszone/{row.pk}/change/").content.decode()
        assert "closed until it is opened" in page
        assert "Nothing in it can be reached now" in page

    def test_says_before_it_is_opened_what_it_lets_in(self, desk: Client) -> None:
        row = EgressZoneFactory(ports=[8080], allow_http=True)

        page = desk.get(f"/admin/hub/egresszone/{row.pk}/do/open/").content.decode()

        assert "may then reach 10.20.0.0/16 at port 8080, by plain http as well" in page

    def test_is_opened_and_closed_with_a_reason(self, desk: Client) -> None:
        row = EgressZoneFactory()

        for deed, is_open in (("open", True), ("close", False)):
            desk.post(f"/admin/hub/egresszone/{row.pk}/do/{deed}/", {"reason": "For the invoices."})
            row.refresh_from_db()
            assert row.is_open is is_open

        told = AuditEvent.objects.filter(subject="egresszone").order_by("id").values_list("action", "reason")
        assert list(told) == [("zone.open", "For the invoices."), ("zone.close", "For the invoices.")]

    def test_is_seen_by_everybody_who_sees_connections(self, client_of: ClientOf) -> None:
        row = EgressZoneFactory(is_open=True)
        viewer: User = UserFactory(groups=["Viewer"])

        page = client_of(viewer).get(f"/admin/hub/egresszone/{row.pk}/change/").content.decode()

        assert "10.20.0.0/16" in page
        assert "The ERP stands there." in page
        assert "hub&#x27;s own database and Redis" in page or "hub's own database and Redis" in page

    def test_that_an_upgrade_opened_asks_to_be_narrowed(self, desk: Client) -> None:
        row = EgressZoneFactory(name="before-zones", is_open=True)

        assert "An upgrade opened this zone" in desk.get(f"/admin/hub/egresszone/{row.pk}/change/").content.decode()
