"""Proof that it is still the person, before rights, secrets, roles and approvals."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client

from hub import clock
from hub.models import AuditEvent, Connection, Credential, IntegrationGrant, User
from tests.conftest import ClientOf
from tests.factories import ConnectionFactory, CredentialFactory, IntegrationFactory, UserFactory
from tests.hub.admin.test_person import form_of, page

pytestmark = pytest.mark.django_db
PASSWORD = "a-password-for-trying-1"
LATER = timedelta(minutes=11)


@pytest.fixture
def ada(administrator: User, client_of: ClientOf, settings: Any) -> Client:
    """The administrator, signed in just now."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    administrator.set_password(PASSWORD)
    administrator.save()
    return client_of(administrator)


def values(credential: Credential) -> str:
    return f"/admin/hub/credential/{credential.pk}/do/set_values/"


def given(credential: Credential) -> dict[str, str]:
    return {"other_name": "token", "other_value": "s3cret", "origins": "\n".join(credential.origins)}


def prove(client: Client, **more: Any) -> Any:
    return client.post("/account/prove/password/", {"password": PASSWORD, **more})


class TestADeedThatWantsAProof:
    def test_is_done_while_the_sign_in_is_fresh(self, ada: Client) -> None:
        credential = CredentialFactory()

        ada.post(values(credential), given(credential))

        credential.refresh_from_db()
        assert credential.fields == ["token"]

    def test_asks_before_its_form_is_shown_and_comes_back_to_it(self, ada: Client) -> None:
        credential = CredentialFactory()
        with time_machine.travel(clock.now() + LATER):
            asked = ada.get(values(credential))
            proved = prove(ada, next=values(credential))

            assert asked.headers["Location"].startswith("/account/prove/password/?next=")
            assert proved.headers["Location"] == values(credential)
            assert ada.get(values(credential)).status_code == 200
        assert AuditEvent.objects.filter(action="session.prove").count() == 1

    def test_refuses_what_was_sent_too_late_and_keeps_what_was_typed_but_no_secret(self, ada: Client) -> None:
        credential = CredentialFactory()
        with time_machine.travel(clock.now() + LATER):
            answer = ada.post(values(credential), given(credential))

        credential.refresh_from_db()
        text = answer.content.decode()
        assert credential.fields == []
        assert 'value="token"' in text
        assert "s3cret" not in text
        assert 'href="/account/prove/?next=%2Faccount%2Fproved%2F" target="_blank"' in text

    def test_is_not_done_with_a_wrong_password(self, ada: Client) -> None:
        credential = CredentialFactory()
        with time_machine.travel(clock.now() + LATER):
            ada.post("/account/prove/password/", {"password": "wrong"})

            ada.post(values(credential), given(credential))

        credential.refresh_from_db()
        assert credential.fields == []

    def test_wants_it_for_many_rows_too(self, ada: Client) -> None:
        group = Group.objects.create(name="team")
        ada.post(
            f"/admin/hub/integration/{IntegrationFactory().pk}/do/give_access/",
            {"group": group.pk, "right": "view_integration", "reason": "They look after it."},
        )
        grant = IntegrationGrant.objects.get()
        chosen = {"action": "take", "_selected_action": [grant.pk], "confirmed": "1", "reason": "No more."}

        with time_machine.travel(clock.now() + LATER):
            late = ada.post("/admin/hub/integrationgrant/", chosen)

        assert "Prove it in another tab" in late.content.decode()
        assert IntegrationGrant.objects.filter(pk=grant.pk).exists()

    def test_is_every_one_about_rights_secrets_and_approvals(self) -> None:
        sensitive = {
            (type(shown).__name__, deed.name)
            for shown in admin.site._registry.values()
            for deed in getattr(shown, "deeds", ())
            if deed.action in {"grant", "set_secret", "approve", "manage"}
            or (type(shown).__name__, deed.name) == ("RecoveryAdmin", "leave")
        }
        proven = {
            (type(shown).__name__, deed.name)
            for shown in admin.site._registry.values()
            for deed in getattr(shown, "deeds", ())
            if deed.proof
        }

        assert sensitive
        assert sensitive - proven == set()


class TestTheFormOfAConnectionThatTakesSecrets:
    @pytest.fixture
    def edit(self) -> str:
        connection = ConnectionFactory(connector="rest", title="Before", config={"base_url": "https://crm.example"})
        return f"/admin/hub/connection/{connection.pk}/edit/"

    def test_asks_for_a_proof(self, ada: Client, edit: str) -> None:
        assert ada.get(edit).status_code == 200
        with time_machine.travel(clock.now() + LATER):
            assert ada.get(edit).headers["Location"].startswith("/account/prove/password/")

    def test_is_not_saved_without_one(self, ada: Client, edit: str) -> None:
        with time_machine.travel(clock.now() + LATER):
            answer = ada.post(edit, {"title": "After", "secret-password": "s3cret"})

        text = answer.content.decode()
        assert "Prove it in another tab" in text
        assert 'value="After"' in text
        assert "s3cret" not in text
        assert Connection.objects.get().title == "Before"


class TestTheFormOfAPerson:
    def test_asks_for_a_proof(self, ada: Client) -> None:
        person = UserFactory()
        with time_machine.travel(clock.now() + LATER):
            assert ada.get(page(person)).headers["Location"].startswith("/account/prove/password/")

    def test_is_not_saved_without_one_and_keeps_what_was_typed(self, ada: Client) -> None:
        person = UserFactory()
        with time_machine.travel(clock.now() + LATER):
            answer = ada.post(page(person), form_of(person, last_name="Changed"))

        person.refresh_from_db()
        assert person.last_name != "Changed"
        assert 'value="Changed"' in answer.content.decode()
        assert "Prove it in another tab" in answer.content.decode()

    def test_sets_no_password_without_one(self, ada: Client) -> None:
        person = UserFactory()
        sent = {"password1": "another-password-9", "password2": "another-password-9", "usable_password": "true"}
        with time_machine.travel(clock.now() + LATER):
            ada.post(f"/admin/hub/user/{person.pk}/password/", sent)

        person.refresh_from_db()
        assert not person.check_password("another-password-9")

    def test_can_be_looked_at_by_who_may_not_change_it(self, auditor: User, client_of: ClientOf) -> None:
        person, looking = UserFactory(), client_of(auditor)
        with time_machine.travel(clock.now() + LATER):
            assert looking.get(page(person)).status_code == 200


class TestOnesOwnFactors:
    def test_want_a_proof_to_be_set_up(self, ada: Client) -> None:
        with time_machine.travel(clock.now() + LATER):
            answer = ada.get("/account/factor/totp/activate/")

        assert answer.headers["Location"].startswith("/account/prove/password/")
