"""Uses of credentials: who, for what, in which run, and where the secret was sent."""

from datetime import timedelta

import pytest
import time_machine

from hub import provenance
from hub.clock import now
from hub.models import Credential, User
from hub.services import credential as service
from tests.factories import CredentialFactory, UserFactory

HERE = "https://toy.example:443"


@pytest.fixture
def person(db: None) -> User:
    return UserFactory()


@pytest.fixture
def used(person: User) -> Credential:
    made: Credential = CredentialFactory(name="crm-api", origins=[])
    service.set_values(credential=made, values={"user": "hub", "password": "old"}, by=person, origins=[HERE])
    return made


class TestUse:
    def test_is_noted_by_whom_for_what_and_where_to(self, used: Credential) -> None:
        service.open_values(used, use=service.Use("crm", "call", (HERE, "https://files.example:443")))

        assert [(use.used_by, use.purpose, use.origin, use.number) for use in used.uses.order_by("origin")] == [
            ("crm", "call", "https://files.example:443", 1),
            ("crm", "call", HERE, 1),
        ]

    def test_is_one_row_that_counts_minutes(self, used: Credential) -> None:
        start = now()
        for seconds in (0, 10, 59, 61, 125):
            with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
                service.open_values(used, use=service.Use("crm", "call", (HERE,)))

        use = used.uses.get()
        assert (use.count, use.first_at, use.last_at) == (3, start, start + timedelta(seconds=125))

    def test_tells_versions_apart(self, used: Credential, person: User) -> None:
        service.open_values(used, use=service.Use("crm", "call", (HERE,)))
        service.stage(credential=used, values={"password": "new"}, by=person)
        service.activate(credential=used, by=person, reason="trust me")
        service.open_values(used, use=service.Use("crm", "call", (HERE,)))

        assert set(used.uses.values_list("number", flat=True)) == {1, 2}

    def test_names_the_last_run(self, used: Credential) -> None:
        start = now()
        for seconds, run in ((0, 7), (61, 8)):
            with provenance.within(run_id=run), time_machine.travel(start + timedelta(seconds=seconds), tick=False):
                service.open_values(used, use=service.Use("crm", "call", (HERE,)))

        assert used.uses.get().run_id == 8

    def test_that_goes_nowhere_is_noted_as_that(self, used: Credential) -> None:
        service.open_values(used, use=service.Use("shop", "verify"))

        assert (used.uses.get().origin, used.uses.get().purpose) == ("", "verify")
