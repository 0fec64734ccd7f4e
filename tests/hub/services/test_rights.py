"""Rights as of a moment are those that the hub would have decided by then, whatever was given and taken since."""

from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TransactionTestCase

from hub.clock import now
from hub.models import CapturedRow, Connection, Credential, CredentialGrant, Integration, IntegrationGrant, User, guard
from hub.services import access, rights
from hub.services.rights.told import actions
from tests import factories as make

ROLES = ("Viewer", "Auditor", "Integration owner", "Operator", "Credential admin", "Security admin", access.WHOLE_HUB)
TEAMS = ("North", "South")
PEOPLE, OBJECTS = 3, 2
RIGHTS = (
    *((Integration, name) for name in access.INTEGRATION_RIGHTS),
    *((Credential, n) for n in access.CREDENTIAL_RIGHTS),
)

a_person = st.integers(0, PEOPLE - 1)
an_object = st.integers(0, OBJECTS - 1)
a_step = st.one_of(
    st.tuples(st.just("join"), a_person, st.sampled_from((*ROLES, *TEAMS))),
    st.tuples(st.just("leave"), a_person, st.sampled_from((*ROLES, *TEAMS))),
    st.tuples(
        st.just("give"), st.sampled_from(TEAMS), an_object, st.sampled_from(RIGHTS), st.sampled_from(((), ("north",)))
    ),
    st.tuples(st.just("take"), an_object, st.booleans()),
    st.tuples(st.just("own"), a_person, an_object, st.booleans()),
    st.tuples(st.just("activate"), a_person, st.booleans(), st.booleans()),
    st.tuples(
        st.just("carry"),
        st.sampled_from(TEAMS),
        st.sampled_from(("view_integration", "change_integration", "view_credential")),
    ),
    st.tuples(st.just("connect"), an_object, an_object),
    st.tuples(st.just("remove a team"), st.sampled_from(TEAMS)),
)


class World:
    """People, teams and objects, and the steps that change their rights."""

    def __init__(self) -> None:
        access.ensure_roles()
        self.people = [make.UserFactory() for _ in range(PEOPLE)]
        for team in TEAMS:
            Group.objects.get_or_create(name=team)
        self.credentials = [make.CredentialFactory() for _ in range(OBJECTS)]
        self.sources = [make.ConnectionFactory(credential=one) for one in self.credentials]
        self.integrations = [make.IntegrationFactory() for _ in range(OBJECTS)]
        for integration, source in zip(self.integrations, self.sources, strict=True):
            make.MappingFactory(integration=integration, source=source)

    def do(self, deed: str, *more: Any) -> None:
        getattr(self, f"_{deed.replace(' ', '_')}")(*more)

    def _join(self, person: int, group: str) -> None:
        self.people[person].groups.add(Group.objects.get_or_create(name=group)[0])

    def _leave(self, person: int, group: str) -> None:
        self.people[person].groups.remove(Group.objects.get_or_create(name=group)[0])

    def _give(self, team: str, place: int, right: tuple[type[Any], str], scopes: tuple[str, ...] = ()) -> None:
        model, codename = right
        table: Any = IntegrationGrant if model is Integration else CredentialGrant
        subject = (self.integrations if model is Integration else self.credentials)[place]
        permission = Permission.objects.get(codename=codename, content_type__model=model._meta.model_name)
        group = Group.objects.get_or_create(name=team)[0]
        limit = {"defaults": {"scopes": list(scopes)}} if scopes and model is Integration else {}
        table.objects.get_or_create(content_object=subject, group=group, permission=permission, **limit)

    def _take(self, place: int, is_of_integration: bool) -> None:
        rows: Any = self.integrations[place].grants if is_of_integration else self.credentials[place].grants
        rows.all().delete()

    def _own(self, person: int, place: int, is_owner: bool) -> None:
        column = "owner" if is_owner else "deputy"
        other = "deputy" if is_owner else "owner"  # nobody is both
        rows = Integration.objects.filter(pk=self.integrations[place].pk).exclude(**{other: self.people[person]})
        rows.update(**{column: self.people[person]})

    def _activate(self, person: int, is_active: bool, is_superuser: bool) -> None:
        User.objects.filter(pk=self.people[person].pk).update(is_active=is_active, is_superuser=is_superuser)

    def _carry(self, team: str, codename: str) -> None:
        permission = Permission.objects.get(codename=codename, content_type__app_label="hub")
        Group.objects.get_or_create(name=team)[0].permissions.add(permission)

    def _connect(self, place: int, other: int) -> None:
        Connection.objects.filter(pk=self.sources[place].pk).update(credential=self.credentials[other])

    def _remove_a_team(self, team: str) -> None:
        Group.objects.filter(name=team).delete()

    def decided(self) -> set[tuple[int, str, str, int]]:
        """All that is allowed now, as services.access decides it."""
        return {
            (person.pk, action, model.__name__, row.pk)
            for person in User.objects.filter(pk__in=[one.pk for one in self.people])
            for model, rows in ((Integration, self.integrations), (Credential, self.credentials))
            for row in rows
            for action in actions(model)
            if access.can(person, action, model.objects.get(pk=row.pk))
        }

    def reckoned(self, then: rights.Past) -> set[tuple[int, str, str, int]]:
        """The same from what is there now and what was captured since."""
        return {
            (person.pk, action, model.__name__, row.pk)
            for person in self.people
            for model, rows in ((Integration, self.integrations), (Credential, self.credentials))
            for row in rows
            for action in actions(model)
            if then.may(person.pk, action, model, row.pk)
        }


class TestAnyHistory(TransactionTestCase):
    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=st.lists(a_step, min_size=1, max_size=10))
    def test_is_told_as_it_was_decided_at_each_moment(self, steps: list[tuple[Any, ...]]) -> None:
        guard.install(connection)
        try:
            world = World()
            known = []
            for step in [("join", 0, "Viewer"), *steps]:
                world.do(*step)
                sleep(0.003)  # SQLite tells milliseconds
                known.append((now(), world.decided(), step))
                sleep(0.003)
            for at, decided, step in known:
                assert world.reckoned(rights.past(at)) == decided, step
            assert world.reckoned(rights.past(now())) == world.decided()
        finally:
            guard.remove(connection)


@pytest.mark.django_db
class TestAPerson:
    @pytest.fixture(autouse=True)
    def _guarded(self, db: None) -> Any:
        guard.install(connection)
        yield
        guard.remove(connection)

    def test_is_told_with_roles_grants_and_what_they_answered_for(self) -> None:
        team = Group.objects.create(name="North")
        person = make.UserFactory(username="vera", groups=["Viewer", "North"])
        integration = make.IntegrationFactory(title="Orders", owner=person)
        IntegrationGrant.objects.create(
            content_object=integration, group=team, given_by="ada", reason="Asked for by the owner.",
            permission=Permission.objects.get(codename="operate_integration"),
        )  # fmt: skip
        sleep(0.003)
        at = now()
        sleep(0.003)
        person.groups.clear()
        IntegrationGrant.objects.all().delete()
        Integration.objects.update(owner=make.UserFactory())

        told = rights.of_person(rights.past(at), person.pk)
        today = rights.of_person(rights.past(now()), person.pk)

        assert told is not None
        assert [(one.what, one.through) for one in told.roles] == [("North", "group"), ("Viewer", "built-in role")]
        assert [(one.what, one.through, one.by) for one in told.grants] == [
            ("Orders: run, pause and replay it", "North", "ada")
        ]
        assert [(one.what, one.through) for one in told.owned] == [("Orders", "owner")]
        assert today is not None
        assert (today.roles, today.grants, today.owned) == ([], [], [])

    def test_that_was_not_there_has_none(self) -> None:
        at = now()
        sleep(0.003)
        person = make.UserFactory()

        assert rights.of_person(rights.past(at), person.pk) is None

    def test_before_evidence_began_is_told_without_certainty(self) -> None:
        begins = rights.begins()

        assert begins is not None
        assert not rights.past(begins - timedelta(days=1)).is_certain
        assert rights.past(now()).is_certain

    def test_is_uncertain_before_a_table_was_emptied_at_once(self) -> None:
        CapturedRow.objects.create(
            uid="00000000000000000000000000000001", at=now(), table_name="hub_user_groups", operation="truncate",
            actor_name="db-direct",
        )  # fmt: skip

        assert not rights.past(now() - timedelta(seconds=1)).is_certain
        sleep(0.003)
        assert rights.past(now()).is_certain
