"""Every page of the desk, narrow and dark: nothing hangs over, everything has a name, nothing leaves the house."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse
from playwright.sync_api import BrowserContext, Page

from hub.models import Mapping, Trigger, User
from hub.services import run as runs
from tests.factories import (
    AuditEventFactory,
    ConnectionCheckFactory,
    CredentialFactory,
    HintFactory,
    MappingVersionFactory,
    UserFactory,
)
from tests.journeys.conftest import PASSWORD, sign_in
from tests.journeys.watch import Watch, nameless, overhang, picture

NARROW = {"viewport": {"width": 375, "height": 812}, "is_mobile": True, "has_touch": True}
# A person's own pages. The last one leads out of the session only when its button is pressed.
OWN = (
    "usersessions_list", "mfa_index", "mfa_activate_totp", "mfa_list_webauthn", "mfa_add_webauthn",
    "account_change_password", "account_reauthenticate", "session_proved", "socialaccount_connections",
    "account_logout",
)  # fmt: skip
# What is open to strangers.
OUTSIDE = ("account_login", "account_inactive", "socialaccount_login_cancelled", "socialaccount_login_error")
DARK = {"color_scheme": "dark", "viewport": {"width": 1360, "height": 900}}


@pytest.fixture
def root(rates: Mapping) -> User:
    """Somebody who may see everything, in a hub in which everything has happened at least once."""
    person = UserFactory(username="root", is_superuser=True)
    person.set_password(PASSWORD)
    person.save()
    runs.request(mapping=rates, trigger=Trigger.PERSON, by=person)
    runs.drain(lane_id=runs.lane_of(rates).pk, owner="journey")
    runs.request(mapping=rates, trigger=Trigger.PERSON, preview=True)
    HintFactory(mapping=rates)
    AuditEventFactory(actor=person, detail={"schedule": ["0 6 * * *", "0 5 * * *"]})
    CredentialFactory()
    ConnectionCheckFactory(connection=rates.source)
    MappingVersionFactory(mapping=rates, number=2)
    return person


def addresses(person: User) -> Iterator[tuple[str, str]]:
    """(name, address) of each page of the desk that this person may open."""
    request = RequestFactory().get("/admin/")
    request.user = person
    yield "home", reverse("admin:index")
    for page_name in OWN:
        yield page_name, reverse(page_name)
    for model, page in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        yield f"{name}-list", reverse(f"admin:{name}_changelist")
        if page.has_add_permission(request):
            yield f"{name}-add", reverse(f"admin:{name}_add")
        row = model._default_manager.order_by("-pk").first()
        if row is not None:
            yield f"{name}-page", reverse(f"admin:{name}_change", args=[row.pk])
            yield from _more(page, name, row.pk, request)


def _more(page: object, name: str, pk: int, request: object) -> Iterator[tuple[str, str]]:
    """The form, the history and the deeds of a row."""
    row = page.get_queryset(request).get(pk=pk)  # type: ignore[attr-defined]
    if getattr(page, "page_template", "") and page.has_change_permission(request, row):  # type: ignore[attr-defined]
        yield f"{name}-edit", reverse(f"admin:{name}_edit", args=[pk])
    if getattr(page, "history_fields", ()):
        yield f"{name}-history", reverse(f"admin:{name}_history", args=[pk])
    for offer in getattr(page, "offers", lambda *_: [])(request, row):
        yield f"{name}-{offer.deed.name}", offer.url


def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands."""
    found = [f"without a name: {one}" for one in nameless(page)]
    if overhang(page):
        found.append(f"{overhang(page)} pixels wider than the window")
    headings = page.locator("h1:visible").count()
    if headings != 1:
        found.append(f"{headings} main headings")
    if page.locator("main").count() != 1:
        found.append("no main part")
    return found


@pytest.mark.parametrize(
    ("context", "look"),
    [pytest.param(NARROW, "narrow", id="narrow"), pytest.param(DARK, "dark", id="dark")],
    indirect=["context"],
)
class TestEveryPage:
    """All pages, found by walking through what is registered."""

    def test_is_whole(self, context: BrowserContext, watch: Watch, root: User, look: str, tmp_path: Path) -> None:
        page = context.new_page()
        sign_in(page, "root")
        found: dict[str, list[str]] = {}

        for name, address in addresses(root):
            page.goto(address)
            page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
            picture(page, tmp_path, f"{name}-{look}")
            if wrong := faults(page):
                found[name] = wrong

        assert not found, "\n".join(f"{name}: {'; '.join(wrong)}" for name, wrong in found.items())

    def test_before_one_is_in_is_whole(
        self, context: BrowserContext, watch: Watch, db: None, look: str, tmp_path: Path
    ) -> None:
        page = context.new_page()
        found: dict[str, list[str]] = {}

        for name in OUTSIDE:
            page.goto(reverse(name))
            page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
            picture(page, tmp_path, f"{name}-{look}")
            if wrong := faults(page):
                found[name] = wrong

        assert not found, "\n".join(f"{name}: {'; '.join(wrong)}" for name, wrong in found.items())

    def test_follows_the_colours_of_the_machine(
        self, context: BrowserContext, watch: Watch, root: User, look: str
    ) -> None:
        page = context.new_page()
        sign_in(page, "root")

        is_dark = page.evaluate("document.documentElement.classList.contains('dark')")

        assert is_dark == (look == "dark")


def test_every_model_of_the_desk_has_a_list() -> None:
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        try:
            reverse(f"admin:{name}_changelist")
        except NoReverseMatch:
            pytest.fail(f"{name} has no list")
