"""The pages of deliveries."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from hub.models import AuditEvent, Hint, User
from tests.conftest import ClientOf
from tests.factories import UserFactory
from tests.hub.webhooks import DeliveryFactory, WebhookRouteFactory


def shown(client: Client, url: str, **query: Any) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(answer.content.decode()))


@pytest.mark.django_db
class TestList:
    URL = "/admin/hub/delivery/"

    def test_finds_by_the_beginning_of_an_id_or_a_key(self, administrator: User, client_of: ClientOf) -> None:
        DeliveryFactory(delivery_id="evt_17", key="C-1")
        DeliveryFactory(delivery_id="other", key="K-2")
        client = client_of(administrator)

        assert "evt_17" in shown(client, self.URL, q="evt")
        assert "other" not in shown(client, self.URL, q="evt")
        assert "other" in shown(client, self.URL, q="K-")

    def test_is_narrowed_by_state(self, administrator: User, client_of: ClientOf) -> None:
        DeliveryFactory(delivery_id="aside-1", state="quarantined")
        DeliveryFactory(delivery_id="well-1")

        found = shown(client_of(administrator), self.URL, state="aside")

        assert "aside-1" in found
        assert "well-1" not in found

    def test_says_what_to_do_when_it_is_empty(self, administrator: User, client_of: ClientOf) -> None:
        assert "Nothing has been delivered yet" in shown(client_of(administrator), self.URL)

    def test_asks_few_questions_and_reads_no_body(
        self, administrator: User, client_of: ClientOf, django_assert_max_num_queries: Any
    ) -> None:
        route = WebhookRouteFactory()
        for _ in range(30):
            DeliveryFactory(webhook=route.webhook)
        client = client_of(administrator)
        client.get(self.URL)

        with django_assert_max_num_queries(14) as asked:
            client.get(self.URL)
        assert not any('"hub_delivery"."body"' in query["sql"] for query in asked.captured_queries)


@pytest.mark.django_db
class TestPage:
    def test_shows_the_body_to_those_who_may_see_it(self, auditor: User, client_of: ClientOf) -> None:
        delivery = DeliveryFactory(body=b'{"id":"C-1","name":"Ada"}')

        assert '"name": "Ada"' in shown(client_of(auditor), f"/admin/hub/delivery/{delivery.pk}/change/")

    def test_leaves_evidence_of_who_read_the_body(self, auditor: User, client_of: ClientOf) -> None:
        delivery = DeliveryFactory()
        viewer = UserFactory(groups=["Viewer", "Whole hub"])

        for person in (auditor, viewer):
            shown(client_of(person), f"/admin/hub/delivery/{delivery.pk}/change/")

        seen = AuditEvent.objects.filter(action="payload.view", subject_id=delivery.pk)
        assert [event.actor for event in seen] == [auditor]

    def test_hides_it_from_others(self, stranger: User, client_of: ClientOf) -> None:
        stranger.groups.add(Group.objects.get(name="Whole hub"), viewers := Group.objects.create(name="viewers"))
        viewers.permissions.add(Permission.objects.get(codename="view_delivery"))
        delivery = DeliveryFactory(body=b'{"id":"C-1","name":"Ada"}')

        found = shown(client_of(stranger), f"/admin/hub/delivery/{delivery.pk}/change/")

        assert "Ada" not in found
        assert "hidden" in found

    def test_one_is_replayed_with_a_reason(self, administrator: User, client_of: ClientOf) -> None:
        route = WebhookRouteFactory()
        delivery = DeliveryFactory(webhook=route.webhook, state="quarantined", body=b'{"id": "a"}')

        client_of(administrator).post(f"/admin/hub/delivery/{delivery.pk}/do/replay/", {"reason": "route corrected"})

        delivery.refresh_from_db()
        assert (delivery.state, delivery.replays, Hint.objects.get().source_key) == ("hinted", 1, "a")

    def test_a_refused_one_offers_no_replay(self, administrator: User, client_of: ClientOf) -> None:
        delivery = DeliveryFactory(state="refused", body=b"", reason="the signature does not match")

        found = shown(client_of(administrator), f"/admin/hub/delivery/{delivery.pk}/change/")

        assert "the signature does not match" in found
        assert "do/replay" not in found
