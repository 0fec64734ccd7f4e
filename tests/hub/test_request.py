"""Each request says who is behind it; what was refused is written down."""

import pytest

from hub.models import AuditEvent, Integration, User
from tests.conftest import ClientOf
from tests.factories import IntegrationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration(owner: User, deputy: User) -> Integration:
    return IntegrationFactory(owner=owner, deputy=deputy)


def test_says_from_where_and_in_which_request_something_was_done(
    integration: Integration, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)

    client.post(f"/admin/hub/integration/{integration.pk}/do/pause/", {"reason": "close"}, REMOTE_ADDR="192.0.2.7")

    event = AuditEvent.objects.get(action="integration.pause")
    assert (event.method, event.address, len(event.request)) == ("session", "192.0.2.7", 36)
    assert event.session
    assert event.session not in str(client.session.session_key)


def test_writes_down_what_a_person_was_refused(integration: Integration, auditor: User, client_of: ClientOf) -> None:
    path = f"/admin/hub/integration/{integration.pk}/do/pause/"

    assert client_of(auditor).post(path, {"reason": "because"}).status_code == 403

    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.actor, event.detail) == (
        "access.denied", "denied", auditor, {"asked": f"POST {path}"}
    )  # fmt: skip


def test_keeps_a_refusal_that_took_its_transaction_back(
    integration: Integration, owner: User, client_of: ClientOf, stranger: User, resolver: User
) -> None:
    form = {
        "name": integration.name, "title": "Taken back", "purpose": "x", "owner": stranger.pk, "deputy": resolver.pk,
        "criticality": "normal", "time_zone": "UTC", "missed_slots": "once", "grace_minutes": 1, "fresh_minutes": 1,
    }  # fmt: skip
    User.objects.filter(pk__in=[stranger.pk, resolver.pk]).update(is_staff=True)

    answer = client_of(owner).post(f"/admin/hub/integration/{integration.pk}/edit/", form)

    integration.refresh_from_db()
    assert answer.status_code == 403
    assert integration.title != "Taken back"
    assert AuditEvent.objects.get().outcome == "denied"
