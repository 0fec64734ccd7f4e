"""The smallest valid webhook, route and delivery."""

import hashlib
from collections.abc import Iterator

import factory
import pytest
from factory.django import DjangoModelFactory

from hub import models
from hub.clock import now
from hub.services.delivery.endpoint import directory
from hub.services.delivery.writer import writer
from tests.factories import ConnectionFactory, MappingFactory


class WebhookFactory(DjangoModelFactory[models.Webhook]):
    """A webhook in the style of Standard Webhooks, without a secret."""

    class Meta:
        model = models.Webhook

    name = factory.Sequence(lambda number: f"hook-{number}")
    title = factory.Sequence(lambda number: f"Webhook {number}")
    connection = factory.SubFactory(ConnectionFactory)


class WebhookRouteFactory(DjangoModelFactory[models.WebhookRoute]):
    """All events of a webhook for one mapping; the key stands at `id`."""

    class Meta:
        model = models.WebhookRoute

    webhook = factory.SubFactory(WebhookFactory)
    mapping = factory.SubFactory(MappingFactory)


class DeliveryFactory(DjangoModelFactory[models.Delivery]):
    """A delivery that was followed."""

    class Meta:
        model = models.Delivery

    webhook = factory.SubFactory(WebhookFactory)
    received_at = factory.LazyFunction(now)
    delivery_id = factory.Sequence(lambda number: f"msg_{number:05d}")
    body = factory.Sequence(lambda number: b'{"id": "C-%05d"}' % number)
    digest = factory.LazyAttribute(lambda one: hashlib.blake2b(one.body, digest_size=16).hexdigest())
    size = factory.LazyAttribute(lambda one: len(one.body))
    event = "customer.updated"
    headers = factory.LazyFunction(lambda: {"content-type": "application/json"})
    state = models.DeliveryState.HINTED
    key = factory.Sequence(lambda number: f"C-{number:05d}")
    keys = 1


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """An intake of its own: that of another test knows other webhooks. Importing it is enough."""
    directory.forget()
    yield
    writer.close()
    directory.forget()
