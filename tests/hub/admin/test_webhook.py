"""The pages of webhooks."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hub.models import AuditEvent, Credential, Delivery, Hint, User, Webhook, WebhookHour, WebhookRoute
from hub.services import webhook as webhooks
from tests.conftest import ClientOf
from tests.factories import ConnectionFactory, IntegrationFactory, MappingFactory
from tests.hub.webhooks import DeliveryFactory, WebhookFactory, WebhookRouteFactory, quiet

__all__ = ["quiet"]  # a fixture
SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="


def page(client: Client, row: Any, name: str = "change") -> str:
    answer = client.get(reverse(f"admin:hub_{row._meta.model_name}_{name}", args=[row.pk]))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(answer.content.decode()))


def do(client: Client, row: Any, deed: str, **given: Any) -> str:
    url = reverse(f"admin:hub_{row._meta.model_name}_do", args=[row.pk, deed])
    return html.unescape(client.post(url, given, follow=True).content.decode())


@pytest.mark.django_db
class TestPage:
    def test_shows_the_address_and_how_to_set_it_up(self, administrator: User, client_of: ClientOf) -> None:
        shown = page(client_of(administrator), WebhookFactory(name="shop", style="shopify"))

        assert 'value="http://testserver/hooks/shop"' in shown
        assert "Your webhooks will be signed with" in shown
        assert "No signing secret is set" in shown

    @pytest.mark.parametrize("style", ["standard", "stripe", "github", "generic", "token"])
    def test_tells_every_style(self, administrator: User, client_of: ClientOf, style: str) -> None:
        shown = page(client_of(administrator), WebhookFactory(style=style))

        assert "{url}" not in shown
        assert "Set signing secret" in shown

    def test_shows_what_came_and_what_was_missed(self, administrator: User, client_of: ClientOf) -> None:
        from hub.clock import now

        webhook = WebhookFactory()
        hour = now().replace(minute=0, second=0, microsecond=0)
        WebhookHour.objects.create(webhook=webhook, hour=hour, received=12, refused=3, missed=2)
        DeliveryFactory(webhook=webhook, event="order.paid")

        shown = page(client_of(administrator), webhook)

        assert "12 received, 0 repeated, 3 refused" in shown
        assert "Missed by webhooks: 2 in the last 7 days." in shown
        assert "order.paid" in shown

    def test_says_that_a_sender_is_silent(self, administrator: User, client_of: ClientOf) -> None:
        from hub.clock import now

        assert "Nothing has come since" in page(client_of(administrator), WebhookFactory(silent_since=now()))


@pytest.mark.django_db(transaction=True)
class TestDeeds:
    def test_a_secret_goes_in_and_never_comes_back(self, administrator: User, client_of: ClientOf) -> None:
        """I21."""
        webhook, client = WebhookFactory(), client_of(administrator)

        do(client, webhook, "set_secret", secret=SECRET, overlap="24")

        assert Credential.objects.get().fields == ["secret"]
        assert SECRET not in page(client, webhook)
        assert AuditEvent.objects.filter(action="webhook.secret").exists()

    def test_the_secret_before_stays_good_for_a_while(self, administrator: User, client_of: ClientOf) -> None:
        webhook, client = WebhookFactory(), client_of(administrator)
        do(client, webhook, "set_secret", secret=SECRET, overlap="24")
        do(client, webhook, "set_secret", secret="whsec_b3RoZXI=", overlap="24")

        assert Credential.objects.get().fields == ["previous", "secret"]
        assert "the one before ends in 24 h" in page(client, webhook)

    def test_a_malformed_secret_is_told(self, administrator: User, client_of: ClientOf) -> None:
        assert "must be base64" in do(client_of(administrator), WebhookFactory(), "set_secret", secret="#", overlap="0")

    def test_a_test_delivery_comes_through(self, administrator: User, client_of: ClientOf) -> None:
        webhook = WebhookFactory()
        webhooks.set_secret(webhook=webhook, secret=SECRET, by=None)

        shown = do(client_of(administrator), webhook, "test", body='{"id": "a"}')

        assert "Answered 202" in shown
        assert (Delivery.objects.get().state, Hint.objects.count()) == ("ignored", 0)

    def test_deliveries_are_replayed_by_filter(self, administrator: User, client_of: ClientOf) -> None:
        route = WebhookRouteFactory()
        DeliveryFactory(webhook=route.webhook, state="quarantined", body=b'{"id": "a"}')
        DeliveryFactory(webhook=route.webhook, state="hinted", body=b'{"id": "b"}')

        shown = do(
            client_of(administrator), route.webhook, "replay", which="quarantined", since="24", reason="the route"
        )

        assert "Deliveries followed again: 1" in shown
        assert set(Hint.objects.values_list("source_key", flat=True)) == {"a"}

    def test_nothing_to_replay_is_told(self, administrator: User, client_of: ClientOf) -> None:
        shown = do(client_of(administrator), WebhookFactory(), "replay", which="all", since="", reason="to see")

        assert "None of these can be replayed" in shown


@pytest.mark.django_db
class TestForm:
    GIVEN = {
        "title": "Shop", "name": "shop", "is_active": "on", "style": "generic", "signature": '{"header": "x-sign"}',
        "tolerance_seconds": "300", "id_from": "", "event_from": "", "largest": "1000000", "keep_days": "30",
        "catch_up_minutes": "60", "full_hours": "168",
    }  # fmt: skip

    def save(self, client: Client, **given: Any) -> str:
        given = {**self.GIVEN, "connection": ConnectionFactory().pk, **given}
        return html.unescape(client.post(reverse("admin:hub_webhook_add"), given, follow=True).content.decode())

    def test_makes_a_webhook(self, administrator: User, client_of: ClientOf) -> None:
        self.save(client_of(administrator))

        assert Webhook.objects.get().signature == {"header": "x-sign"}

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"signature": '{"algorithm": "md5"}'}, "algorithm must be sha256"),
            ({"signature": "[1]"}, "Write names with values"),
            ({"id_from": "nowhere"}, "header:name or body:path"),
            ({"keep_days": "1"}, "greater than or equal to 7"),
        ],
    )
    def test_says_what_is_wrong(
        self, administrator: User, client_of: ClientOf, given: dict[str, str], told: str
    ) -> None:
        assert told in self.save(client_of(administrator), **given)
        assert not Webhook.objects.exists()


@pytest.mark.django_db
class TestRoutes:
    def test_an_owner_adds_a_route_to_a_mapping_of_hers(self, owner: User, client_of: ClientOf) -> None:
        mapping = MappingFactory(integration=IntegrationFactory(owner=owner))
        webhook = WebhookFactory(connection=mapping.source)

        client_of(owner).post(
            reverse("admin:hub_webhookroute_add"),
            {"webhook": webhook.pk, "mapping": mapping.pk, "events": "order.*\norder.paid", "keys_from": "body:id"},
        )

        assert WebhookRoute.objects.get().events == ["order.*", "order.paid"]

    def test_the_form_says_what_is_wrong_with_a_place(self, administrator: User, client_of: ClientOf) -> None:
        route = WebhookRouteFactory()
        answer = client_of(administrator).post(
            reverse("admin:hub_webhookroute_change", args=[route.pk]),
            {"webhook": route.webhook_id, "mapping": route.mapping_id, "events": "", "keys_from": "id"},
        )

        assert "must be header:name or body:path" in html.unescape(answer.content.decode())


@pytest.mark.django_db
def test_an_owner_sees_and_replays_but_sets_no_secret(owner: User, client_of: ClientOf) -> None:
    mapping = MappingFactory(integration=IntegrationFactory(owner=owner))
    shown = page(client_of(owner), WebhookFactory(connection=mapping.source))

    assert "Replay deliveries" in shown
    assert "do/set_secret" not in shown


@pytest.mark.django_db
def test_a_stranger_sees_none(stranger: User, client_of: ClientOf) -> None:
    webhook = WebhookFactory()

    assert client_of(stranger).get(reverse("admin:hub_webhook_change", args=[webhook.pk])).status_code in {403, 404}
