"""An administrator lets a sender in, and brings back what came before the webhook had a route."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from hub import clock
from hub.engine import signature
from hub.models import Delivery, Hint, Mapping, User, Webhook
from hub.services import delivery
from hub.services import webhook as webhooks
from hub.services.delivery.endpoint import directory
from tests.factories import UserFactory
from tests.hub.webhooks import quiet
from tests.journeys.conftest import PASSWORD, sign_in
from tests.journeys.watch import Watch, overhang, picture

__all__ = ["quiet"]  # a fixture
SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="
NARROW = {"viewport": {"width": 375, "height": 812}, "color_scheme": "dark"}


@pytest.fixture
def ada(db: None) -> User:
    """The administrator."""
    person = UserFactory(
        username="ada",
        first_name="Ada",
        groups=["Integration owner", "Operator", "Credential admin", "Security admin", "Whole hub"],
    )
    person.set_password(PASSWORD)
    person.save()
    return person


def told(code: str) -> int:
    """What the sender is answered when it tells that this rate changed."""
    webhook = Webhook.objects.get()
    how, body = webhooks.scheme_of(webhook), json.dumps({"type": "rate.changed", "id": code}).encode()
    at = int(clock.now().timestamp())
    headers = signature.sign(how, signature.key_of(how, SECRET), body, id_=f"m-{code}", timestamp=at)
    request = delivery.Request({"content-type": "application/json", **headers}, len(body), lambda size: body[:size])
    return delivery.receive(webhook.name, request).status.value


def shown(page: Page) -> None:
    """Open the webhook's page."""
    page.goto(f"/admin/hub/webhook/{Webhook.objects.get().pk}/change/")


def add(page: Page) -> None:
    page.goto("/admin/hub/webhook/")
    page.get_by_role("link", name="Add webhook").first.click()
    page.get_by_label("Title").fill("Rates of the carrier")
    page.locator("#id_name").fill("carrier")
    page.locator("#id_connection").select_option(label="Files of the carrier")
    page.get_by_role("button", name="Save", exact=True).click()
    shown(page)


def set_secret(page: Page) -> None:
    page.get_by_role("link", name="Set signing secret").click()
    page.locator("#id_secret").fill(SECRET)
    page.get_by_role("button", name="Set signing secret").click()
    expect(page.get_by_text("No signing secret is set")).to_have_count(0)
    directory.forget()  # it is looked up again within seconds


def add_route(page: Page, mapping: Mapping) -> None:
    page.get_by_role("link", name="Add a route").click()
    page.locator("#id_mapping").select_option(value=str(mapping.pk))
    page.get_by_role("button", name="Save", exact=True).click()
    shown(page)


def replay(page: Page) -> None:
    page.get_by_role("link", name="Replay deliveries").click()
    page.locator("#id_reason").fill("The route was missing.")
    page.get_by_role("button", name="Replay deliveries").click()
    expect(page.get_by_text("Deliveries followed again: 1.")).to_be_visible()


@pytest.mark.parametrize("context", [{}, NARROW], ids=["wide", "narrow and dark"], indirect=True)
def test_from_nothing_to_a_record_that_is_read_again(
    context: BrowserContext, watch: Watch, ada: User, rates: Mapping, tmp_path: Path
) -> None:
    page = context.new_page()
    sign_in(page, "ada")

    add(page)
    expect(page.get_by_text("No signing secret is set")).to_be_visible()
    expect(page.locator("#hook-url")).to_have_value(f"{page.url.partition('/admin')[0]}/hooks/carrier")
    assert told("R-001") == 503

    set_secret(page)
    assert told("R-002") == 202
    delivery.take_waiting()
    page.reload()
    expect(page.get_by_role("link", name="1 set aside")).to_be_visible()
    picture(page, tmp_path, "set-aside")

    add_route(page, rates)
    replay(page)
    picture(page, tmp_path, "replayed")
    assert overhang(page) == 0
    delivery.take_waiting()
    assert list(Hint.objects.values_list("mapping", "source_key")) == [(rates.pk, "R-002")]
    assert list(Delivery.objects.values_list("state", flat=True)) == ["hinted"]
