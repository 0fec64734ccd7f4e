"""Credentials: values go in, are used, and never come out in any other way."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import serializers
from django.db import connection as database

from hub.clock import now
from hub.models import AuditEvent, Credential, CredentialSecret, User
from hub.sdk import ConfigError
from hub.services import credential as service
from tests.factories import CredentialFactory, UserFactory

HERE, THERE = "https://crm.example:443", "https://thief.example:443"
PASSWORD = "hunter2-and-more"


@pytest.fixture
def person(db: None) -> User:
    return UserFactory()


@pytest.fixture
def sealed(person: User) -> Credential:
    credential = CredentialFactory(name="crm-api", origins=[])
    service.set_values(
        credential=credential, values={"user": "hub", "password": PASSWORD}, by=person, origins=["https://CRM.example"]
    )
    return credential


def revealed(credential: Credential) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in service.open_values(credential).items()}


class TestSetValues:
    def test_seals_them_so_that_they_can_be_used(self, sealed: Credential) -> None:
        assert revealed(sealed) == {"user": "hub", "password": PASSWORD}

    def test_keeps_the_names_the_time_and_the_address_in_one_form(self, sealed: Credential) -> None:
        assert sealed.fields == ["password", "user"]
        assert sealed.origins == [HERE]
        assert sealed.number == 1
        assert sealed.set_at is not None

    def test_leaves_the_others_as_they_are(self, sealed: Credential, person: User) -> None:
        service.set_values(credential=sealed, values={"password": "other"}, by=person)

        assert revealed(sealed) == {"user": "hub", "password": "other"}

    def test_removes_what_was_replaced(self, sealed: Credential, person: User) -> None:
        service.set_values(credential=sealed, values={"password": "other"}, by=person)

        assert [secret.number for secret in CredentialSecret.objects.filter(credential=sealed)] == [2]

    def test_refuses_an_empty_value(self, sealed: Credential, person: User) -> None:
        with pytest.raises(ConfigError, match="password of credential “crm-api” would be empty"):
            service.set_values(credential=sealed, values={"password": ""}, by=person)

    def test_asks_for_every_value_again_when_the_address_changes(self, sealed: Credential, person: User) -> None:
        with pytest.raises(ConfigError, match="every value must be given again: password is missing"):
            service.set_values(credential=sealed, values={"user": "hub"}, by=person, origins=[THERE])

        assert Credential.objects.get(pk=sealed.pk).origins == [HERE]

    def test_does_not_ask_again_when_the_address_stays(self, sealed: Credential, person: User) -> None:
        service.set_values(credential=sealed, values={"user": "you"}, by=person, origins=[HERE])

        assert revealed(sealed)["password"] == PASSWORD

    @pytest.mark.parametrize("origin", ["crm.example", "https://u:p@crm.example", "sftp://u@host", "s3://a b", ""])
    def test_refuses_an_address_that_is_none(self, sealed: Credential, person: User, origin: str) -> None:
        with pytest.raises(ConfigError):
            service.set_values(credential=sealed, values={"user": "a", "password": "b"}, by=person, origins=[origin])

    def test_is_audited_without_the_values(self, sealed: Credential, person: User) -> None:
        event = AuditEvent.objects.get(action="credential.set_secret")

        assert (event.actor, event.subject_name) == (person, str(sealed))
        assert event.detail == {"fields": ["password", "user"], "number": 1, "origins": [HERE]}

    def test_says_in_the_history_who_did_it(self, sealed: Credential, person: User) -> None:
        latest = sealed.history.latest()  # type: ignore[attr-defined]

        assert (latest.history_user, latest.history_change_reason) == (person, "values set")


class TestOpenValues:
    def test_refuses_after_the_address_was_edited_in_the_table(self, sealed: Credential) -> None:
        Credential.objects.filter(pk=sealed.pk).update(origins=[THERE])

        with pytest.raises(ConfigError, match=r"“crm-api” cannot be opened: .*another owner, address or environment"):
            service.open_values(sealed)

    def test_refuses_in_another_environment(self, sealed: Credential, settings: Any) -> None:
        settings.HUB_ENVIRONMENT = "staging"

        with pytest.raises(ConfigError, match="Set all its values again"):
            service.open_values(sealed)

    def test_refuses_what_was_moved_from_another_credential(self, sealed: Credential) -> None:
        other = CredentialFactory(name="other", origins=[HERE], number=1)
        CredentialSecret.objects.filter(credential=sealed).update(credential=other)

        with pytest.raises(ConfigError, match="cannot be opened"):
            service.open_values(other)

    def test_refuses_when_nothing_was_set(self, db: None) -> None:
        with pytest.raises(ConfigError, match="has no values yet"):
            service.open_values(CredentialFactory())

    def test_refuses_after_the_date_of_expiry(self, sealed: Credential) -> None:
        Credential.objects.filter(pk=sealed.pk).update(expires_at=datetime.fromisoformat("2026-01-31T00:00Z"))

        with pytest.raises(ConfigError, match="expired on 2026-01-31"):
            service.open_values(sealed)

    def test_notes_the_use_at_most_once_a_minute(self, sealed: Credential) -> None:
        start = now()
        uses = []
        for seconds in (0, 30, 61):
            with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
                service.open_values(sealed)
            uses.append(Credential.objects.get(pk=sealed.pk).last_used_at)

        assert uses == [start, start, start + timedelta(seconds=61)]

    def test_gives_secrets_that_do_not_print(self, sealed: Credential) -> None:
        assert PASSWORD not in f"{service.open_values(sealed)} {service.open_values(sealed)['password']:>20}"


class TestHolds:
    def test_knows_the_values_it_has(self, sealed: Credential) -> None:
        assert service.holds(sealed, {"password": PASSWORD})
        assert service.holds(sealed, {"password": PASSWORD, "user": "hub"})

    @pytest.mark.parametrize("values", [{"password": "other"}, {"token": PASSWORD}, {"password": ""}])
    def test_knows_no_others(self, sealed: Credential, values: dict[str, str]) -> None:
        assert not service.holds(sealed, values)

    def test_says_no_when_they_cannot_be_opened(self, sealed: Credential, settings: Any) -> None:
        settings.HUB_ENVIRONMENT = "staging"

        assert not service.holds(sealed, {"password": PASSWORD})

    def test_is_no_use_of_the_secret(self, sealed: Credential) -> None:
        service.holds(sealed, {"password": PASSWORD})

        assert Credential.objects.get(pk=sealed.pk).last_used_at is None


class TestTheValue:
    def test_stands_in_no_table_and_no_history(self, sealed: Credential, person: User) -> None:
        service.set_values(credential=sealed, values={"password": PASSWORD + "!"}, by=person)
        forms = {PASSWORD, PASSWORD.encode().hex(), json.dumps(PASSWORD)[1:-1]}

        with database.cursor() as cursor:
            everything = ""
            for table in database.introspection.table_names(cursor):
                cursor.execute(f'select * from "{table}"')
                everything += repr([[bytes(cell) if isinstance(cell, memoryview) else cell for cell in row]
                                    for row in cursor.fetchall()])  # fmt: skip
        assert not [form for form in forms if form in everything]

    def test_is_in_no_serialised_form(self, sealed: Credential) -> None:
        rows = [*Credential.objects.all(), *Credential.history.all(), *CredentialSecret.objects.all()]  # type: ignore[attr-defined]

        assert PASSWORD not in serializers.serialize("json", rows) + repr(rows) + str([vars(row) for row in rows])
