"""The desk's pages about the audit trail, lanes and checkpoints."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from hub.clock import now
from hub.models import AuditEvent, User
from tests.conftest import ClientOf
from tests.factories import AuditEventFactory, CheckpointFactory, IntegrationFactory, LaneFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/auditevent/"


class TestAuditTrail:
    """The audit trail."""

    def test_tells_who_did_what_to_what_and_why(self, auditor: User, client_of: ClientOf) -> None:
        AuditEventFactory(action="integration.pause", subject_name="Customers to ERP", reason="month-end close")

        text = client_of(auditor).get(LIST).content.decode()

        assert "paused <b>Customers to ERP</b>" in text
        assert "month-end close" in text

    def test_shows_what_an_event_changed(self, auditor: User, client_of: ClientOf) -> None:
        integration = IntegrationFactory()
        event = AuditEventFactory(
            subject_id=integration.pk, detail={"schedule": ["every 5 minutes", "every 15 minutes"]}
        )

        text = client_of(auditor).get(reverse("admin:hub_auditevent_change", args=[event.pk])).content.decode()

        assert "every <mark>1</mark>5 minutes" in text
        assert reverse("admin:hub_integration_change", args=[integration.pk]) in text

    def test_is_narrowed_by_person_deed_and_kind_of_thing(self, auditor: User, client_of: ClientOf) -> None:
        wanted = AuditEventFactory(action="integration.pause", actor=auditor)
        AuditEventFactory(action="integration.pause")
        AuditEventFactory(action="integration.change", actor=auditor)

        answer = client_of(auditor).get(
            LIST, {"actor": str(auditor.pk), "action": "integration.pause", "subject": "integration"}
        )

        assert list(answer.context["cl"].result_list) == [wanted]

    def test_finds_events_written_when_their_action_was_called_otherwise(
        self, auditor: User, client_of: ClientOf
    ) -> None:
        old = AuditEventFactory(action="pause")
        AuditEventFactory(action="pause", subject="connection")

        answer = client_of(auditor).get(LIST, {"action": "integration.pause"})

        assert list(answer.context["cl"].result_list) == [old]
        assert "paused <b>" in answer.content.decode()

    def test_tells_whether_and_for_whom_it_was_done(self, auditor: User, client_of: ClientOf) -> None:
        event = AuditEventFactory(outcome="denied", on_behalf="Olivia Owens", run_id=4711, ticket="OPS-7")

        listed = client_of(auditor).get(LIST).content.decode()
        page = client_of(auditor).get(reverse("admin:hub_auditevent_change", args=[event.pk])).content.decode()

        assert all(word in listed for word in ("denied", "Olivia Owens"))
        assert all(word in page for word in ("denied", "Olivia Owens", "4711", "OPS-7"))

    def test_tells_what_the_hub_did_by_itself(self, auditor: User, client_of: ClientOf) -> None:
        wanted = AuditEventFactory(actor=None, actor_name="the hub", action="slot.missed")
        AuditEventFactory()

        answer = client_of(auditor).get(LIST, {"actor": "hub"})

        assert list(answer.context["cl"].result_list) == [wanted]

    def test_is_for_those_who_may_see_it(self, owner: User, resolver: User, client_of: ClientOf) -> None:
        event = AuditEventFactory()

        for person in (owner, resolver):
            assert client_of(person).get(LIST).status_code == 403
            assert client_of(person).get(f"{LIST}{event.pk}/change/").status_code == 404

    def test_cannot_be_changed_even_by_a_superuser(self, client_of: ClientOf) -> None:
        event = AuditEventFactory(reason="as it was")
        client = client_of(UserFactory(is_superuser=True))

        client.post(f"{LIST}{event.pk}/change/", {"reason": "as I like it"})
        client.post(f"{LIST}{event.pk}/delete/", {"post": "yes"})

        assert AuditEvent.objects.get(pk=event.pk).reason == "as it was"

    def test_is_cheap(
        self, auditor: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        for _ in range(20):
            AuditEventFactory(actor=auditor)
        client = client_of(auditor)

        with django_assert_max_num_queries(11):  # the first look of the hour is an event as well
            client.get(LIST)


class TestLanes:
    """Lanes and checkpoints, for operators."""

    def test_tell_whether_a_worker_holds_them(self, operator: User, client_of: ClientOf) -> None:
        LaneFactory(lease_until=now() + timedelta(minutes=1), owner="worker-1")
        LaneFactory(lease_until=now() - timedelta(minutes=1), owner="worker-2")
        LaneFactory()

        text = client_of(operator).get("/admin/hub/lane/").content.decode()

        assert all(f">{word}</span>" in text for word in ("held", "lapsed", "free"))

    def test_checkpoints_show_where_the_next_read_begins(self, operator: User, client_of: ClientOf) -> None:
        CheckpointFactory(cursor={"since": 4711})

        assert "4711" in client_of(operator).get("/admin/hub/checkpoint/").content.decode()
