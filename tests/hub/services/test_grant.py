"""Rights on single objects: given to groups by those whose task it is, never to themselves, with a reason."""

import pytest
from django.contrib.auth.models import Group

from hub.models import AuditEvent, Credential, Integration, IntegrationGrant, Link, ReconciliationException, User
from hub.sdk import FatalError
from hub.services import access, grant
from tests.factories import (
    ChangeFactory,
    CredentialFactory,
    IntegrationFactory,
    MappingFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
    UserFactory,
)


@pytest.fixture
def giver(db: None) -> User:
    made: User = UserFactory(username="sigrid", groups=["Security admin"])
    return made


@pytest.fixture
def team(db: None) -> Group:
    return Group.objects.create(name="Sales team")


def give(integration: Integration, team: Group, right: str, by: User) -> None:
    grant.give(subject=integration, group=team, right=right, by=by, reason="They work with it.")


class TestGiving:
    def test_lets_the_roles_of_a_member_reach_the_object_and_what_hangs_on_it(self, giver: User, team: Group) -> None:
        run, other = SyncRunFactory(), SyncRunFactory()
        person = UserFactory(groups=["Operator", "Sales team"])

        give(run.integration, team, "operate_integration", giver)

        assert access.can(person, "run", run.mapping)
        assert access.can(person, "cancel", run)
        assert not access.can(person, "view", other)

    def test_gives_nobody_more_than_their_role(self, giver: User, team: Group) -> None:
        mine = MappingFactory().integration
        person = UserFactory(groups=["Viewer", "Sales team"])

        give(mine, team, "own_integration", giver)

        assert access.can(person, "view", mine)
        assert not access.can(person, "run", mine)

    def test_gives_no_role_more_than_the_right(self, giver: User, team: Group) -> None:
        mine = MappingFactory().integration
        person = UserFactory(groups=["Operator", "Sales team"])

        give(mine, team, "view_integration", giver)

        refused = access.can(person, "run", mine)
        assert access.can(person, "view", mine)
        assert not refused
        assert "none of your groups" in refused.reason

    def test_reaches_a_credential_and_the_connections_that_use_it(self, giver: User, team: Group) -> None:
        source = MappingFactory(source__credential=CredentialFactory()).source
        person = UserFactory(groups=["Credential admin", "Sales team"])
        assert not access.can(person, "view", source)

        grant.give(subject=source.credential, group=team, right="manage_credential", by=giver, reason="Theirs.")

        assert access.can(person, "set_secret", source.credential)
        assert access.can(person, "change", source)
        assert not access.can(person, "view", MappingFactory().source)

    def test_is_refused_to_who_would_give_it_to_themselves(self, team: Group) -> None:
        giver = UserFactory(groups=["Security admin", "Sales team"])

        with pytest.raises(FatalError, match="to themselves"):
            give(IntegrationFactory(), team, "view_integration", giver)

        assert not IntegrationGrant.objects.exists()

    @pytest.mark.parametrize("role", [role for role in access.ROLES if role != "Security admin"])
    def test_is_refused_to_every_other_role(self, role: str, team: Group) -> None:
        with pytest.raises(FatalError, match="may not grant"):
            give(IntegrationFactory(), team, "view_integration", UserFactory(groups=[role, "Whole hub"]))

    def test_twice_says_who_gave_it_before(self, giver: User, team: Group) -> None:
        mine = IntegrationFactory()
        give(mine, team, "view_integration", giver)

        with pytest.raises(FatalError, match="already, from sigrid"):
            give(mine, team, "view_integration", giver)

    def test_is_written_down_with_its_reason(self, giver: User, team: Group) -> None:
        mine = IntegrationFactory()

        give(mine, team, "view_integration", giver)

        event = AuditEvent.objects.get(action="grant.give", subject_id=mine.pk)
        assert (event.reason, event.detail["group"]) == ("They work with it.", "Sales team")


class TestLimitedGiving:
    """A right for a part of the records: those whose scope field has one of some values."""

    @pytest.fixture
    def north(self, db: None) -> ReconciliationException:
        mapping = MappingFactory(scope_field="region", active=True)
        made: ReconciliationException = ReconciliationExceptionFactory(mapping=mapping, scope="north")
        return made

    @pytest.fixture
    def person(self, north: ReconciliationException, team: Group, giver: User) -> User:
        grant.give(
            subject=north.integration, group=team, right="resolve_integration", by=giver, reason="Their region.",
            scopes=["north", " ", "north "],
        )  # fmt: skip
        made: User = UserFactory(groups=["Resolver", "Sales team"])
        return made

    def test_lets_settle_and_see_exceptions_of_that_part(self, north: ReconciliationException, person: User) -> None:
        assert access.can(person, "retry", north)
        assert access.can(person, "view_payload", north)

    def test_reaches_no_exception_of_another_part_nor_of_none(
        self, north: ReconciliationException, person: User
    ) -> None:
        others = [
            ReconciliationExceptionFactory(mapping=north.mapping, scope=scope) for scope in ("south", "", "NORTH")
        ]

        assert list(access.visible(person, "view", ReconciliationException)) == [north]
        assert not any(access.can(person, "retry", other) for other in others)

    def test_reaches_no_other_record_of_the_integration(self, north: ReconciliationException, person: User) -> None:
        run = SyncRunFactory(mapping=north.mapping)
        change = ChangeFactory(run=run)

        assert not access.can(person, "view", change)
        assert not access.visible(person, "view", Link).exists()
        assert not access.can(person, "view_payload", north.mapping)

    def test_shows_the_integration_and_its_runs(self, north: ReconciliationException, person: User) -> None:
        assert access.can(person, "view", north.integration)
        assert access.can(person, "view", north.mapping)
        assert not access.can(person, "run", north.integration)

    def test_says_its_limit_and_is_written_down_with_it(self, north: ReconciliationException, person: User) -> None:
        made = IntegrationGrant.objects.get()

        assert grant.said(made) == "settle its exceptions, only where it is north"
        assert AuditEvent.objects.get(action="grant.give").detail["scopes"] == "north"

    def test_is_refused_where_no_mapping_has_a_scope_field(self, team: Group, giver: User) -> None:
        with pytest.raises(FatalError, match="scope field"):
            grant.give(
                subject=IntegrationFactory(),
                group=team,
                right="resolve_integration",
                by=giver,
                reason="x",
                scopes=["a"],
            )

    def test_is_refused_for_rights_about_the_whole(
        self, north: ReconciliationException, team: Group, giver: User
    ) -> None:
        with pytest.raises(FatalError, match="cannot be limited"):
            grant.give(
                subject=north.integration, group=team, right="operate_integration", by=giver, reason="x", scopes=["a"]
            )


class TestTaking:
    def test_ends_the_reach_at_once(self, giver: User, team: Group) -> None:
        mine = IntegrationFactory()
        person = UserFactory(groups=["Viewer", "Sales team"])
        give(mine, team, "view_integration", giver)

        grant.take(grant=IntegrationGrant.objects.get(), by=giver, reason="They left.")

        assert not access.can(person, "view", mine)
        assert AuditEvent.objects.filter(action="grant.take", reason="They left.").exists()

    def test_goes_with_the_object(self, giver: User, team: Group) -> None:
        mine = IntegrationFactory()
        give(mine, team, "view_integration", giver)

        mine.delete()

        assert not IntegrationGrant.objects.exists()


class TestHolders:
    def test_are_owner_groups_and_who_reaches_everything(self, giver: User, team: Group) -> None:
        mine = IntegrationFactory(owner=UserFactory(first_name="Olga", last_name="Berg"))
        UserFactory(first_name="Vera", last_name="Lund", groups=["Sales team"])
        give(mine, team, "operate_integration", giver)

        told = [(one.name, one.right, one.people) for one in grant.holders(mine)]

        assert told[0] == ("Owner", "do all that concerns it", "Olga Berg")
        assert ("Sales team", "run, pause and replay it", "Vera Lund") in told
        assert told[-1][0] == "Security admin"

    def test_of_a_credential_name_no_owner(self, db: None) -> None:
        assert grant.holders(CredentialFactory()) == []
        assert list(grant.rights_of(Credential)) == ["view_credential", "use_credential", "manage_credential"]
