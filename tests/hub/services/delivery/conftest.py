"""A webhook with a secret, and a sender that signs."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest

from hub import clock
from hub.engine import signature
from hub.models import Webhook, WebhookRoute
from hub.services import delivery
from hub.services import webhook as webhooks
from hub.services.delivery import Receipt, Request
from hub.services.delivery.endpoint import directory
from hub.services.delivery.writer import writer
from tests.factories import MappingFactory
from tests.hub.webhooks import WebhookFactory

SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="
numbers = itertools.count()


def request_of(headers: dict[str, str], body: bytes) -> Request:
    return Request({"content-type": "application/json", **headers}, len(body), lambda size: body[:size])


@dataclass
class Sender:
    """The system that sends, and the webhook it sends to."""

    webhook: Webhook

    def signed(self, body: bytes, id_: str, secret: str = SECRET) -> Request:
        """A delivery, signed now."""
        how = webhooks.scheme_of(self.webhook)
        at = int(clock.now().timestamp())
        return request_of(signature.sign(how, signature.key_of(how, secret), body, id_=id_, timestamp=at), body)

    def send(self, data: Any = None, *, id_: str | None = None, secret: str = SECRET) -> Receipt:
        """Send one; without an id it has one of its own."""
        body = data if isinstance(data, bytes) else json.dumps(data if data is not None else {"id": "a"}).encode()
        return delivery.receive(self.webhook.name, self.signed(body, id_ or f"m{next(numbers)}", secret))

    def told(self, *keys: str) -> None:
        """Tell that these records changed."""
        for key in keys:
            assert self.send({"type": "thing.changed", "id": key}).status is HTTPStatus.ACCEPTED

    def routed(self, **more: Any) -> WebhookRoute:
        """A route for its events."""
        return WebhookRoute.objects.create(webhook=self.webhook, mapping=MappingFactory(), **more)


@pytest.fixture
def new_sender(transactional_db: None) -> Iterator[Callable[..., Sender]]:
    """`new_sender(style=…)`: a webhook with a secret, and who sends to it."""
    directory.forget()

    def made(secret: str = SECRET, **more: Any) -> Sender:
        webhook = WebhookFactory(**more)
        webhooks.set_secret(webhook=webhook, secret=secret, by=None)
        return Sender(webhook)

    yield made
    writer.close()
    directory.forget()


@pytest.fixture
def sender(new_sender: Callable[..., Sender]) -> Sender:
    """A sender in the style of Standard Webhooks."""
    return new_sender()
