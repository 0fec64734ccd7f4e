"""Exports on the desk: asked for with a proof and a reason, watched, fetched, removed."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from hub.evidence.verifier import verify_lines
from hub.models import AuditEvent, Export, ExportState, User
from hub.services import audit
from hub.services import export as exports
from hub.services.audit.seal import seal
from tests.conftest import ClientOf
from tests.factories import AuditEventFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=connection.vendor == "postgresql")
ASK = "/admin/hub/export/ask/"
SENT = {"format": "jsonl", "reason": "For the auditors of the year."}


@pytest.fixture
def client(auditor: User, client_of: ClientOf) -> Client:
    """The auditor's, with something sealed to export."""
    AuditEventFactory(action="integration.pause")
    AuditEventFactory(action="integration.change")
    seal()
    return client_of(auditor)


def asked(client: Client, query: str = "?what=event&action=integration.pause") -> Export:
    answer = client.post(ASK + query, SENT)
    assert answer.status_code == 302, answer.content.decode()
    return Export.objects.get()


class TestAsking:
    def test_says_what_was_chosen_and_wants_a_reason(self, client: Client) -> None:
        text = client.get(f"{ASK}?action=integration.pause").content.decode()
        answer = client.post(f"{ASK}?action=integration.pause", {"format": "csv", "reason": "so"})

        assert "action: integration.pause" in text
        assert answer.status_code == 200
        assert not Export.objects.exists()

    def test_with_a_filter_that_makes_no_sense_exports_nothing(self, client: Client) -> None:
        answer = client.post(f"{ASK}?object=x", SENT)

        assert "is no number" in answer.content.decode()
        assert not Export.objects.exists()

    def test_wants_a_fresh_proof(self, client: Client) -> None:
        session = client.session
        session["hub_begun"] = 0
        session["account_authentication_methods"] = []
        session.save()

        assert client.get(ASK).status_code == 302
        client.post(ASK, SENT)
        assert not Export.objects.exists()

    def test_is_for_auditors_only(self, administrator: User, client_of: ClientOf) -> None:
        assert client_of(administrator).get(ASK).status_code == 403
        assert client_of(administrator).get("/admin/hub/export/").status_code == 403


class TestTheFile:
    def test_is_watched_and_fetched_and_holds(self, client: Client) -> None:
        row = asked(client)
        assert "waiting for a worker" in client.get(reverse("admin:hub_export_live", args=[row.pk])).content.decode()
        exports.write(row.pk)

        live = client.get(reverse("admin:hub_export_live", args=[row.pk]))
        file = client.get(reverse("admin:hub_export_file", args=[row.pk]))

        assert live.headers["X-Refresh"] == "stop"
        body = b"".join(file.streaming_content)  # type: ignore[attr-defined]
        assert int(file.headers["Content-Length"]) == len(body)
        assert verify_lines(body.decode().splitlines(), audit.public_keys()).code == 0
        assert AuditEvent.objects.filter(action="export.fetch").count() == 1

    def test_is_removed(self, client: Client) -> None:
        row = asked(client)
        exports.write(row.pk)

        client.post(reverse("admin:hub_export_do", args=[row.pk, "remove"]))

        row.refresh_from_db()
        assert row.state == ExportState.EXPIRED
        assert client.get(reverse("admin:hub_export_file", args=[row.pk])).status_code == 404

    def test_is_seen_by_auditors_and_by_who_asked(self, client: Client, client_of: ClientOf) -> None:
        row = asked(client)
        other = client_of(UserFactory(groups=["Auditor"]))
        page = reverse("admin:hub_export_change", args=[row.pk])

        assert other.get(page).status_code == 200
        assert client_of(UserFactory(groups=["Security admin"])).get(page).status_code == 404
        assert "jsonl" in client.get("/admin/hub/export/").content.decode()
