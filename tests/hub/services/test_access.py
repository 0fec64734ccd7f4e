"""Who may do what: roles reach everywhere, owners and deputies reach what is theirs, and lists agree with decisions."""

import pytest
from django.contrib.auth.models import Group
from django.db.models import Model

from hub.models import (
    AccessLine,
    AccessReview,
    AuditEvent,
    Connection,
    Credential,
    Integration,
    MappingVersion,
    ReconciliationException,
    SyncRun,
    User,
    VersionState,
)
from hub.services import access
from tests import factories as make

EVERYBODY = ("owner", "deputy", "resolver", "auditor", "administrator", "operator", "developer", "stranger")
SEEING = {"view", "view_body", "view_events", "view_payload", "view_personal", "use", "export", "watch"}
ACTIONS = sorted({action for rule in access.RULES.values() for action in rule.needs} | {"dance"})


@pytest.fixture
def world(owner: User, deputy: User) -> dict[str, Model]:
    """One row of each table that belongs to `owner`, deputised by `deputy`, and strangers' rows beside them."""
    for who in ({"owner": owner, "deputy": deputy}, {}):
        integration = make.IntegrationFactory(**who)
        source = make.ConnectionFactory(credential=make.CredentialFactory())
        mapping = make.MappingFactory(integration=integration, source=source, active=True)
        draft = make.MappingVersionFactory(mapping=mapping)
        run = make.SyncRunFactory(mapping=mapping)
        change = make.ChangeFactory(run=run)
        rows = [
            integration, source, source.credential, mapping, draft, mapping.active_version, run, change,
            make.ConnectionCheckFactory(connection=source), make.AttemptFactory(change=change),
            make.ReconciliationExceptionFactory(mapping=mapping), make.LinkFactory(mapping=mapping),
            make.LaneFactory(mapping=mapping), make.CheckpointFactory(mapping=mapping),
            make.HintFactory(mapping=mapping),
        ]  # fmt: skip
        rows.append(make.LinkImageFactory(link=rows[11]))
    make.AuditEventFactory()
    return {type(row).__name__: row for row in rows}


class TestDecisionsAndLists:
    @pytest.mark.parametrize("name", EVERYBODY)
    def test_agree_for_every_row_action_and_person(
        self, name: str, world: dict[str, Model], request: pytest.FixtureRequest
    ) -> None:
        person: User = request.getfixturevalue(name)

        for model in access.RULES:
            for action in ACTIONS:
                listed = set(access.visible(person, action, model).values_list("pk", flat=True))
                decided = {row.pk for row in model._default_manager.all() if access.can(person, action, row)}

                assert listed == decided, f"{name} {action} {model.__name__}"

    @pytest.mark.parametrize("name", EVERYBODY)
    def test_list_no_row_twice(self, name: str, world: dict[str, Model], request: pytest.FixtureRequest) -> None:
        person: User = request.getfixturevalue(name)
        make.MappingFactory(source=Connection.objects.first(), integration=Integration.objects.first())

        for model in access.RULES:
            keys = list(access.visible(person, "view", model).values_list("pk", flat=True))

            assert len(keys) == len(set(keys)), model.__name__


class TestOwner:
    def test_may_run_pause_and_change_what_is_owned(self, owner: User) -> None:
        mine = make.IntegrationFactory(owner=owner)

        assert all(access.can(owner, action, mine) for action in ("view", "change", "run", "preview", "pause"))

    def test_may_do_the_same_as_deputy(self, deputy: User) -> None:
        theirs = make.IntegrationFactory(deputy=deputy)

        assert all(access.can(deputy, action, theirs) for action in ("view", "change", "run", "preview", "pause"))

    def test_sees_nothing_of_other_integrations(self, owner: User) -> None:
        run = make.SyncRunFactory()
        make.ReconciliationExceptionFactory(mapping=run.mapping)

        for model in (Integration, SyncRun, ReconciliationException, Connection):
            assert not access.visible(owner, "view", model).exists()

    def test_sees_the_connections_used_but_may_not_change_them(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner))

        assert access.can(owner, "view", mapping.source)
        assert access.can(owner, "check", mapping.destination)
        assert not access.can(owner, "change", mapping.source)

    def test_never_sets_a_secret(self, owner: User) -> None:
        credential = make.CredentialFactory()
        make.MappingFactory(
            integration=make.IntegrationFactory(owner=owner), source=make.ConnectionFactory(credential=credential)
        )

        assert access.can(owner, "view", credential)
        assert not access.can(owner, "set_secret", credential)


class TestRoles:
    def test_a_resolver_may_retry_but_not_run(self, resolver: User) -> None:
        exception = make.ReconciliationExceptionFactory()

        assert access.can(resolver, "retry", exception)
        assert not access.can(resolver, "run", exception.integration)

    def test_an_auditor_sees_everything_and_changes_nothing(self, auditor: User, world: dict[str, Model]) -> None:
        changing = [action for action in ACTIONS if action not in SEEING]
        deciding = {(AccessReview, "decide"), (AccessLine, "decide")}  # which marks, and takes nothing

        for model in access.RULES:
            assert access.can(auditor, "view", model)
            found = {(model, action) for action in changing if access.can(auditor, action, model)}
            assert found <= deciding, model

    def test_a_developer_may_draft_but_not_activate(self, developer: User) -> None:
        version = make.MappingVersionFactory()

        assert access.can(developer, "change", version)
        assert access.can(developer, "preview", version.mapping)
        assert not access.can(developer, "activate", version)

    def test_only_who_manages_credentials_sets_secrets(self, request: pytest.FixtureRequest) -> None:
        may = [name for name in EVERYBODY if access.can(request.getfixturevalue(name), "set_secret", Credential)]

        assert may == ["administrator"]

    def test_are_as_written_after_every_migrate(self, db: None) -> None:
        group = Group.objects.get(name="Resolver")
        group.permissions.clear()

        access.ensure_roles()

        codenames = set(group.permissions.values_list("codename", flat=True))
        assert codenames == set(access.ROLES["Resolver"].codenames)
        assert set(Group.objects.values_list("name", flat=True)) >= set(access.ROLES)


class TestRefusal:
    def test_says_that_a_used_version_cannot_change(self, administrator: User) -> None:
        version = make.MappingVersionFactory(state=VersionState.ACTIVE)

        decision = access.can(administrator, "change", version)

        assert not decision
        assert "Make a new version" in decision.reason

    def test_says_that_an_integration_with_runs_is_kept(self, administrator: User) -> None:
        run = make.SyncRunFactory()

        decision = access.can(administrator, "delete", run.integration)

        assert not decision
        assert "evidence" in decision.reason

    def test_meets_everybody_who_was_deactivated(self, administrator: User) -> None:
        administrator.is_active = False

        assert not access.can(administrator, "view", Integration)
        assert not access.visible(administrator, "view", Integration).exists()

    def test_meets_a_superuser_who_would_change_the_audit_trail(self, db: None) -> None:
        root = make.UserFactory(is_superuser=True)
        event = make.AuditEventFactory()

        assert access.can(root, "view", event)
        assert not any(access.can(root, action, event) for action in ("add", "change", "delete"))

    def test_meets_an_administrator_who_would_change_a_superuser(self, administrator: User) -> None:
        root = make.UserFactory(is_superuser=True)

        assert not access.can(administrator, "change", root)
        assert access.can(root, "change", root)

    def test_meets_what_has_no_rule(self, administrator: User) -> None:
        from django.contrib.sessions.models import Session

        assert not access.can(administrator, "view", Session)
        assert not access.visible(administrator, "view", Session).exists()

    def test_of_versions_ends_where_the_draft_does(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner), active=True)
        draft = make.MappingVersionFactory(mapping=mapping)

        assert list(access.visible(owner, "change", MappingVersion)) == [draft]

    def test_leaves_the_choice_of_a_colleague_to_everybody(self, stranger: User) -> None:
        gone = make.UserFactory(is_active=False)

        assert access.can(stranger, "use", stranger)
        assert not access.can(stranger, "use", gone)
        assert not access.can(stranger, "view", AuditEvent)
