"""Whoever the person, whatever they were given: a list holds exactly the rows of which the decision says yes."""

from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from hub.models import Connection, Credential, CredentialGrant, Integration, IntegrationGrant, User
from hub.services import access
from tests import factories as make

ROLES = sorted([*access.ROLES, access.WHOLE_HUB])
TEAMS = ("North", "South")
INTEGRATIONS, CREDENTIALS = 3, 2
ACTIONS = sorted({action for rule in access.RULES.values() for action in rule.needs})

a_person = st.tuples(st.sets(st.sampled_from(ROLES), max_size=3), st.sets(st.sampled_from(TEAMS)), st.booleans())
SCOPES = ("", "north", "south")
a_grant = st.tuples(
    st.sampled_from(TEAMS),
    st.integers(0, INTEGRATIONS - 1),
    st.sampled_from(list(access.INTEGRATION_RIGHTS)),
    st.sets(st.sampled_from(SCOPES[1:])).map(sorted).map(tuple),
)
a_credential_grant = st.tuples(
    st.sampled_from(TEAMS), st.integers(0, CREDENTIALS - 1), st.sampled_from(list(access.CREDENTIAL_RIGHTS))
)


def world(owner: User) -> None:
    """Three integrations with what hangs on them; the first is the owner's, the second uses their connection."""
    for number in range(INTEGRATIONS):
        held = {"owner": owner} if number == 0 else {}
        credential = make.CredentialFactory() if number < CREDENTIALS else None
        source = make.ConnectionFactory(credential=credential, owner=owner if number == 1 else None)
        mapping = make.MappingFactory(integration=make.IntegrationFactory(**held), source=source, active=True)
        make.MappingVersionFactory(mapping=mapping)
        change = make.ChangeFactory(run=make.SyncRunFactory(mapping=mapping))
        make.AttemptFactory(change=change)
        for scope in SCOPES:
            make.ReconciliationExceptionFactory(mapping=mapping, scope=scope)
        make.LinkImageFactory(link=make.LinkFactory(mapping=mapping))
        make.ConnectionCheckFactory(connection=source)
        make.LaneFactory(mapping=mapping)
        make.CheckpointFactory(mapping=mapping)
    make.AuditEventFactory()


def permission(codename: str, model: type[Model]) -> Permission:
    return Permission.objects.get(codename=codename, content_type__model=model._meta.model_name)


class TestAnyPerson(TestCase):
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        person=a_person, grants=st.lists(a_grant, max_size=4, unique_by=lambda grant: grant[:3]),
        credential_grants=st.lists(a_credential_grant, max_size=2, unique=True), mine=st.booleans(),
    )  # fmt: skip
    def test_sees_in_lists_exactly_what_decisions_allow(
        self,
        person: tuple[set[str], set[str], bool],
        grants: list[tuple[str, int, str, tuple[str, ...]]],
        credential_grants: list[tuple[str, int, str]],
        mine: bool,
    ) -> None:
        roles, teams, is_active = person
        for team in TEAMS:
            Group.objects.get_or_create(name=team)
        user = make.UserFactory(groups=[*roles, *teams], is_active=is_active)
        world(user if mine else make.UserFactory())
        integrations = list(Integration.objects.order_by("pk"))
        credentials = [row.credential for row in Connection.objects.exclude(credential=None).order_by("pk")]
        for team, number, right, scopes in grants:
            IntegrationGrant.objects.create(
                group=Group.objects.get(name=team), content_object=integrations[number],
                permission=permission(right, Integration), scopes=list(scopes),
            )  # fmt: skip
        for team, number, right in credential_grants:
            CredentialGrant.objects.create(
                group=Group.objects.get(name=team), content_object=credentials[number],
                permission=permission(right, Credential),
            )  # fmt: skip

        for model in access.RULES:
            rows = list(model._default_manager.all())
            for action in ACTIONS:
                listed = list(access.visible(user, action, model).values_list("pk", flat=True))
                decided = {row.pk for row in rows if access.can(user, action, row)}
                assert len(listed) == len(set(listed)), f"{action} {model.__name__} twice"
                assert set(listed) == decided, f"{sorted(roles)} {action} {model.__name__}"
                if decided:
                    assert access.can(user, action, model), f"{action} {model.__name__} of no row, but of one"
        assert is_active or not any(access.visible(user, "view", model).exists() for model in access.RULES)
