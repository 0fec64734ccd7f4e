"""Rotation: staged values wait, are tried, are put to use without a gap, and the ones before go after an overlap."""

from datetime import timedelta
from typing import Any

import pytest

from hub.clock import now
from hub.models import (
    AuditEvent,
    CheckState,
    Connection,
    ConnectionCheck,
    Credential,
    CredentialSecret,
    CredentialState,
    CredentialVersion,
    User,
)
from hub.sdk import ConfigError
from hub.services import connection as connections
from hub.services import credential as service
from tests.factories import ConnectionFactory, CredentialFactory, UserFactory
from tests.hub.garden import Garden

HERE = "https://toy.example:443"


@pytest.fixture
def person(db: None) -> User:
    return UserFactory()


@pytest.fixture
def used(person: User, garden: Garden) -> Credential:
    """A credential whose first version is in use."""
    garden.plant("toy")
    made: Credential = CredentialFactory(name="crm-api", origins=[])
    service.set_values(credential=made, values={"user": "hub", "password": "old"}, by=person, origins=[HERE])
    return made


def stage(row: Credential, person: User, **more: Any) -> CredentialVersion:
    return service.stage(credential=row, values={"password": "new"}, by=person, **more)


def password(row: Credential, **which: Any) -> str:
    return service.open_values(row, **which)["password"].reveal()


def states(row: Credential) -> dict[int, str]:
    return dict(CredentialVersion.objects.filter(credential=row).values_list("number", "state"))


def kept(row: Credential) -> set[int]:
    return set(CredentialSecret.objects.filter(credential=row).values_list("number", flat=True))


class TestSettingTheFirstValues:
    def test_puts_them_to_use_at_once(self, used: Credential) -> None:
        assert states(used) == {1: "active"}

    def test_is_no_rotation(self, person: User) -> None:
        with pytest.raises(ConfigError, match="no values yet, so there is nothing to rotate"):
            stage(CredentialFactory(), person)


class TestStaging:
    def test_leaves_the_values_in_use_as_they_are(self, used: Credential, person: User) -> None:
        version = stage(used, person)

        assert (password(used), password(used, number=version.number)) == ("old", "new")
        assert states(used) == {1: "active", 2: "staged"}

    def test_keeps_the_values_that_are_not_given(self, used: Credential, person: User) -> None:
        stage(used, person)

        assert service.open_values(used, number=2)["user"].reveal() == "hub"

    def test_drops_what_was_staged_before(self, used: Credential, person: User) -> None:
        stage(used, person)
        stage(used, person)

        assert states(used) == {1: "active", 2: "revoked", 3: "staged"}
        assert kept(used) == {1, 3}

    def test_is_audited_without_the_values(self, used: Credential, person: User) -> None:
        stage(used, person)

        event = AuditEvent.objects.get(action="credential.stage")
        assert (event.actor, event.detail) == (person, {"fields": ["password"], "number": 2})


class TestActivating:
    def test_is_refused_without_a_test(self, used: Credential, person: User) -> None:
        stage(used, person)

        with pytest.raises(ConfigError, match=r"has not been found to work\. Test it first, or give the reason"):
            service.activate(credential=used, by=person)

        assert password(used) == "old"

    def test_needs_no_test_with_a_reason(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.activate(credential=used, by=person, reason="the vendor is down")

        assert password(used) == "new"
        assert AuditEvent.objects.get(action="credential.activate").detail["tested"] is False

    def test_lets_the_values_before_retire(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.activate(credential=used, by=person, reason="trust me", overlap=timedelta(hours=2))

        version = CredentialVersion.objects.get(credential=used, number=1)
        assert states(used) == {1: "retiring", 2: "active"}
        assert version.retires_at is not None
        assert abs(version.retires_at - now() - timedelta(hours=2)) < timedelta(minutes=1)
        assert password(used, number=1) == "old"

    def test_takes_over_the_date_of_expiry(self, used: Credential, person: User) -> None:
        ends = now() + timedelta(days=90)
        stage(used, person, expires_at=ends)
        service.activate(credential=used, by=person, reason="trust me")

        assert used.expires_at == ends

    def test_is_refused_when_the_values_have_ended(self, used: Credential, person: User) -> None:
        stage(used, person, expires_at=now() - timedelta(days=1))

        with pytest.raises(ConfigError, match=r"Version 2 of .* expired on"):
            service.activate(credential=used, by=person, reason="trust me")

    def test_without_overlap_removes_the_values_before(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.activate(credential=used, by=person, reason="leaked", overlap=timedelta(0))

        assert kept(used) == {2}

    def test_is_refused_when_nothing_is_staged(self, used: Credential, person: User) -> None:
        with pytest.raises(ConfigError, match="Stage new ones first"):
            service.activate(credential=used, by=person, reason="why not")


class TestAfterTheOverlap:
    def test_the_values_before_are_removed_and_the_hub_says_so(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.activate(credential=used, by=person, reason="trust me", overlap=timedelta(hours=2))

        assert service.end_overlaps(now() + timedelta(hours=1)) == 0
        assert service.end_overlaps(now() + timedelta(hours=3)) == 1
        assert (states(used), kept(used)) == ({1: "revoked", 2: "active"}, {2})
        assert AuditEvent.objects.get(action="credential.retire").detail == {"number": 1}

    def test_it_happens_once(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.activate(credential=used, by=person, reason="trust me", overlap=timedelta(hours=2))
        late = now() + timedelta(hours=3)

        assert [service.end_overlaps(late), service.end_overlaps(late)] == [1, 0]


class TestGoingBack:
    def test_uses_the_values_before_again(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.activate(credential=used, by=person, reason="trust me")
        service.go_back(credential=used, by=person, reason="refused everywhere")

        assert password(used) == "old"
        assert states(used) == {1: "active", 2: "retiring"}

    def test_is_refused_when_they_are_gone(self, used: Credential, person: User) -> None:
        with pytest.raises(ConfigError, match="are gone"):
            service.go_back(credential=used, by=person, reason="please")

    def test_gives_no_number_twice(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.activate(credential=used, by=person, reason="trust me")
        service.go_back(credential=used, by=person, reason="refused everywhere")

        assert stage(used, person).number == 3


class TestRevoking:
    def test_removes_a_version_that_is_not_in_use(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.revoke(credential=used, number=2, by=person)

        assert (states(used), kept(used)) == ({1: "active", 2: "revoked"}, {1})

    def test_is_refused_for_the_one_in_use(self, used: Credential, person: User) -> None:
        with pytest.raises(ConfigError, match="is in use"):
            service.revoke(credential=used, number=1, by=person)

    def test_is_refused_for_none(self, used: Credential, person: User) -> None:
        with pytest.raises(ConfigError, match="no version 7"):
            service.revoke(credential=used, number=7, by=person)


class TestReplacingAtOnce:
    def test_leaves_no_version_but_the_new_one(self, used: Credential, person: User) -> None:
        stage(used, person)
        service.activate(credential=used, by=person, reason="trust me")
        stage(used, person)
        service.set_values(credential=used, values={"password": "leaked no more"}, by=person)

        assert password(used) == "leaked no more"
        assert kept(used) == {4}
        assert [state for _, state in sorted(states(used).items())] == ["revoked", "revoked", "revoked", "active"]


class TestTesting:
    @pytest.fixture
    def toys(self, used: Credential) -> list[Connection]:
        return [ConnectionFactory(connector="toy", config={"url": HERE}, credential=used) for _ in range(2)]

    def answer(self, check: ConnectionCheck, state: CheckState) -> None:
        check.state = state
        check.save()
        service.note_test(check)

    def test_asks_for_one_of_each_connection_with_the_staged_version(
        self, used: Credential, person: User, toys: list[Connection]
    ) -> None:
        stage(used, person)

        assert connections.request_checks(of=used, by=person) == 2
        assert set(ConnectionCheck.objects.values_list("connection", "number")) == {(toy.pk, 2) for toy in toys}

    def test_without_a_staged_one_asks_with_the_values_in_use(
        self, used: Credential, person: User, toys: list[Connection]
    ) -> None:
        connections.request_checks(of=used, by=person)

        assert set(ConnectionCheck.objects.values_list("number", flat=True)) == {None}

    def test_needs_a_connection(self, used: Credential, person: User) -> None:
        with pytest.raises(ConfigError, match="nothing to test it with"):
            connections.request_checks(of=used, by=person)

    @pytest.mark.django_db(transaction=True)
    def test_opens_the_staged_values(
        self, used: Credential, person: User, toys: list[Connection], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage(used, person)

        _, given = connections.prepared(toys[0], number=2)

        assert given.secrets["password"].reveal() == "new"
        assert connections.prepared(toys[0])[1].secrets["password"].reveal() == "old"

    def test_counts_once_every_connection_was_reached(
        self, used: Credential, person: User, toys: list[Connection]
    ) -> None:
        stage(used, person)
        connections.request_checks(of=used, by=person)
        found = []
        for check in ConnectionCheck.objects.order_by("pk"):
            self.answer(check, CheckState.REACHABLE)
            found.append(CredentialVersion.objects.get(number=2).tested_at is not None)

        assert found == [False, True]
        service.activate(credential=used, by=person)
        assert password(used) == "new"

    def test_that_fails_later_takes_it_back(self, used: Credential, person: User, toys: list[Connection]) -> None:
        version = stage(used, person)
        connections.request_checks(of=used, by=person)
        for check in ConnectionCheck.objects.all():
            self.answer(check, CheckState.REACHABLE)
        self.answer(connections.request_check(connection=toys[0], by=person, number=2), CheckState.UNAUTHORISED)

        version.refresh_from_db()
        assert version.tested_at is None


def test_a_version_is_active_staged_or_neither_but_never_two(used: Credential, person: User) -> None:
    stage(used, person)

    assert CredentialVersion.objects.filter(credential=used, state=CredentialState.ACTIVE).count() == 1
