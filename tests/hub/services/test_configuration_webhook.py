"""Webhooks in configuration files."""

from pathlib import Path

import pytest

from hub.models import Credential, Webhook, WebhookRoute
from hub.services import configuration, credential
from hub.services.configuration import ConfigurationError, Plan
from tests.factories import ConnectionFactory, IntegrationFactory, MappingFactory

pytestmark = pytest.mark.django_db
FILE = """
credentials:
  shop-hook:
    values:
      secret: {from_env: SHOP_HOOK}
webhooks:
  shop:
    title: Shop orders
    connection: shop
    style: generic
    signature: {header: x-sign, template: "{timestamp}.{body}", timestamp_header: x-time}
    credential: shop-hook
    catch_up_minutes: 30
    routes:
      - {mapping: orders/orders, events: [orders/*], keys_from: body:order.id}
      - {mapping: orders/orders, events: [refunds/create], keys_from: body:order_id}
"""


@pytest.fixture(autouse=True)
def world() -> None:
    shop = ConnectionFactory(name="shop", title="Shop")
    MappingFactory(integration=IntegrationFactory(name="orders"), name="orders", source=shop)


def planned(tmp_path: Path, text: str = FILE) -> Plan:
    file = tmp_path / "shop.yaml"
    file.write_text(text)
    return configuration.plan([file], {"SHOP_HOOK": "s3cret-of-the-shop"})


def applied(tmp_path: Path, text: str = FILE) -> None:
    configuration.write(planned(tmp_path, text), by=None, answers={})


def test_are_made_with_secret_and_routes(tmp_path: Path) -> None:
    applied(tmp_path)

    webhook = Webhook.objects.get()
    assert (webhook.style, webhook.signature["header"], webhook.catch_up_minutes) == ("generic", "x-sign", 30)
    assert credential.holds(Credential.objects.get(), {"secret": "s3cret-of-the-shop"})
    assert Credential.objects.get().kind == "webhook"  # so that the web process may open it
    assert list(webhook.routes.values_list("events", "keys_from")) == [
        (["orders/*"], "body:order.id"),
        (["refunds/create"], "body:order_id"),
    ]


def test_applied_again_change_nothing(tmp_path: Path) -> None:
    applied(tmp_path)

    assert planned(tmp_path).differences == []


def test_routes_that_stay_keep_their_rows(tmp_path: Path) -> None:
    applied(tmp_path)
    first = WebhookRoute.objects.earliest("id").pk

    applied(tmp_path, FILE.replace("refunds/create", "refunds/*"))

    assert first in set(WebhookRoute.objects.values_list("pk", flat=True))
    assert list(WebhookRoute.objects.values_list("events", flat=True)) == [["orders/*"], ["refunds/*"]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("connection: shop", "connection: market"), "there is no connection “market”"),
        (("mapping: orders/orders, events: [orders/*]", "mapping: orders/carts"), "there is no mapping “orders/carts”"),
        (("body:order.id", "order.id"), "header:name or body:path"),
        (("header: x-sign", "algorithm: md5"), "algorithm must be sha256"),
        (("style: generic", "style: paypal"), "must be one of standard, stripe"),
        (("events: [orders/*]", "event: x"), "unknown part event"),
        (("catch_up_minutes: 30", "catch_up_minutes: often"), "must be a whole number"),
        (("    title: Shop orders\n", ""), "title is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        planned(tmp_path, FILE.replace(*change))

    assert told in str(caught.value)
