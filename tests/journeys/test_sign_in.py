"""Getting in with more than a password, in a real browser."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from hub.models import AuditEvent, User
from tests.factories import CredentialFactory, UserFactory
from tests.journeys.conftest import PASSWORD, sign_in
from tests.journeys.watch import Watch, picture


@pytest.fixture
def ada(db: None) -> User:
    """An administrator."""
    person = UserFactory(username="ada", first_name="Ada", groups=["Credential admin", "Whole hub"])
    person.set_password(PASSWORD)
    person.save()
    return person


def with_a_key(context: BrowserContext, page: Page) -> None:
    """Give the browser a passkey of its own, as a phone or a laptop has it."""
    tools = context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def add_passkey(page: Page) -> None:
    page.goto("/account/factor/webauthn/add/")
    page.locator("#id_name").fill("My laptop")
    page.locator("#id_passwordless").check()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url("**/account/factor/recovery-codes/**")


def sign_out(page: Page) -> None:
    page.goto("/account/logout/")
    page.get_by_role("button", name="Sign Out").click()
    page.wait_for_url("**/account/login/**")


class TestAPasskey:
    def test_is_set_up_and_signs_in_alone(
        self, context: BrowserContext, watch: Watch, ada: User, tmp_path: Path, settings: Any
    ) -> None:
        settings.HUB_SECOND_FACTOR = "writers"
        page = context.new_page()
        with_a_key(context, page)
        page.goto("/account/login/")
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_text("Set up a second factor to go on")).to_be_visible()
        picture(page, tmp_path, "factor-first")

        add_passkey(page)
        picture(page, tmp_path, "recovery-codes")
        sign_out(page)
        page.get_by_role("button", name="Sign in with a passkey").click()

        expect(page).to_have_url("/admin/")
        events = AuditEvent.objects.filter(action="session.begin").order_by("pk")
        assert [event.detail["methods"] for event in events] == [["password"], ["mfa"]]

    def test_is_asked_for_after_the_password(self, context: BrowserContext, watch: Watch, ada: User) -> None:
        page = context.new_page()
        with_a_key(context, page)
        sign_in(page, "ada")
        add_passkey(page)
        sign_out(page)

        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("button", name="Use a security key").click()

        expect(page).to_have_url("/admin/")


class TestAProof:
    def test_that_ran_out_while_typing_is_given_in_another_tab(
        self, context: BrowserContext, watch: Watch, ada: User, settings: Any, tmp_path: Path
    ) -> None:
        credential = CredentialFactory()
        page = context.new_page()
        sign_in(page, "ada")
        page.goto(f"/admin/hub/credential/{credential.pk}/do/set_values/")
        page.locator("#id_other_name").fill("token")
        page.locator("#id_other_value").fill("s3cret")
        longer = settings.HUB_PROOF_HOLDS
        settings.HUB_PROOF_HOLDS = longer * 0
        page.get_by_role("button", name="Set values").click()
        expect(page.locator("#id_other_name")).to_have_value("token")
        picture(page, tmp_path, "proof")
        settings.HUB_PROOF_HOLDS = longer

        with context.expect_page() as opened:
            page.get_by_role("link", name="Prove it in another tab").click()
        other = opened.value
        other.get_by_label("Password").fill(PASSWORD)
        other.get_by_role("button", name="Confirm").click()
        expect(other.get_by_role("heading", name="Proved")).to_be_visible()
        other.close()
        page.locator("#id_other_value").fill("s3cret")
        page.get_by_role("button", name="Set values").click()
        page.wait_for_url("**/change/")

        credential.refresh_from_db()
        assert credential.fields == ["token"]
