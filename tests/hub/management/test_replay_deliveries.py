"""Deliveries are replayed from the shell."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from hub.models import AuditEvent, Hint, User
from tests.hub.webhooks import DeliveryFactory, WebhookRouteFactory

pytestmark = pytest.mark.django_db


def told(*words: str) -> str:
    out = StringIO()
    call_command("replay_deliveries", *words, stdout=out)
    return out.getvalue()


def test_those_set_aside_are_followed_again(administrator: User) -> None:
    route = WebhookRouteFactory(webhook__name="shop")
    DeliveryFactory(webhook=route.webhook, state="quarantined", body=b'{"id": "a"}')
    DeliveryFactory(webhook=route.webhook, state="hinted", body=b'{"id": "b"}')

    assert told("shop", "--by", "ada", "--reason", "route corrected") == "Followed again: 1.\n"
    assert Hint.objects.get().source_key == "a"
    assert AuditEvent.objects.get(action="delivery.replay").actor == administrator


def test_one_is_chosen_by_its_id() -> None:
    route = WebhookRouteFactory(webhook__name="shop")
    for key in "abc":
        DeliveryFactory(webhook=route.webhook, delivery_id=f"m-{key}", body=b'{"id": "%s"}' % key.encode())

    told("shop", "--state", "all", "--id", "m-b", "--hours", "1", "--event", "customer.updated")

    assert Hint.objects.get().source_key == "b"


def test_an_unknown_webhook_is_told() -> None:
    WebhookRouteFactory(webhook__name="shop")

    with pytest.raises(CommandError, match="no webhook “shoq”"):
        told("shoq")


def test_nothing_to_replay_is_told() -> None:
    WebhookRouteFactory(webhook__name="shop")

    with pytest.raises(CommandError, match="None of these"):
        told("shop")
