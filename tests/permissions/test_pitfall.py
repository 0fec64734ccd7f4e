"""Each known hole of the admin, guardian and simple-history is closed, and a test says so."""

import ast
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db.models import FileField, ManyToManyField
from django.urls import NoReverseMatch, reverse

import hub
from hub import models
from hub.models.guard import governed
from hub.services import access, grant
from hub.services import credential as credentials
from hub.services.history import save_as
from tests import factories as make
from tests.conftest import ClientOf
from tests.permissions.pitfall import CLOSED

pytestmark = pytest.mark.django_db
TESTS = Path(__file__).parents[1]
DESK = admin.site._registry


def names_in(path: Path) -> set[str]:
    """The tests of a file: “function” and “Class::function”."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return found


class TestTheRegister:
    def test_knows_every_one(self) -> None:
        assert list(CLOSED) == [f"P-{number:02d}" for number in range(1, 35)]

    @pytest.mark.parametrize("pitfall", CLOSED)
    def test_names_a_test_that_is_there(self, pitfall: str) -> None:
        file, _, test = CLOSED[pitfall][1].partition("::")

        assert test in names_in(TESTS / file)


class TestAdmin:
    def test_a_right_on_one_row_is_none_on_another(self, rf: Any, owner: models.User) -> None:
        mine, other = make.IntegrationFactory(owner=owner), make.IntegrationFactory()
        desk, request = DESK[models.Integration], rf.get("/")
        request.user = owner

        for ask in (desk.has_view_permission, desk.has_change_permission):
            assert ask(request, mine)
            assert not ask(request, other)

    @pytest.mark.parametrize("role", access.ROLES)
    def test_a_list_offers_only_what_the_person_may_do(self, rf: Any, role: str) -> None:
        request = rf.get("/")
        request.user = make.UserFactory(groups=[role, access.WHOLE_HUB])

        for model, desk in DESK.items():
            deeds = {deed.name: deed.action for deed in getattr(desk, "deeds", ())}
            for name in desk.get_actions(request):
                assert desk.may(request, deeds[name]), f"{name} of {model.__name__}"  # type: ignore[attr-defined]

    def test_a_list_is_asked_by_its_filters_and_nothing_else(
        self, administrator: models.User, client_of: ClientOf
    ) -> None:
        make.ConnectionFactory(config={"url": "https://crm.example"})
        client = client_of(administrator)

        for asked in ("config__url", "credential__fields__contains", "owner__password__startswith", "id__gt"):
            answer = client.get(f"/admin/hub/connection/?{asked}=1")
            assert answer.status_code in (302, 400), asked

    def test_no_list_counts_beside_its_filters(self) -> None:
        assert {desk.show_facets.name for desk in DESK.values()} == {"NEVER"}

    def test_the_admins_own_log_is_neither_written_nor_shown(
        self, administrator: models.User, client_of: ClientOf
    ) -> None:
        mapping = make.MappingFactory()
        client = client_of(administrator)

        answer = client.post(reverse("admin:hub_mapping_delete", args=[mapping.pk]), {"post": "yes"})

        assert answer.status_code == 302
        assert not LogEntry.objects.exists()
        assert LogEntry not in DESK

    def test_a_confirmation_names_nothing_out_of_sight(self, client_of: ClientOf) -> None:
        group = Group.objects.create(name="Setters")
        integration = make.IntegrationFactory()
        mapping = make.MappingFactory(integration=integration, active=True)
        make.LinkFactory(mapping=mapping, source_key="kryptonite")
        keeper = make.UserFactory(username="keeper", groups=["Security admin"])
        grant.give(subject=integration, group=group, right="own_integration", by=keeper, reason="Theirs.")
        person = make.UserFactory(groups=["Integration owner", "Setters"])

        answer = client_of(person).get(reverse("admin:hub_integration_delete", args=[integration.pk]))

        assert answer.status_code == 200
        assert "kryptonite" not in answer.content.decode()

    def test_a_right_that_was_taken_is_gone_with_the_next_request(self, client_of: ClientOf) -> None:
        person = make.UserFactory(groups=["Operator", "Whole hub"])
        integration = make.IntegrationFactory()
        client, page = client_of(person), reverse("admin:hub_integration_change", args=[integration.pk])
        before = client.get(page).status_code

        person.groups.clear()

        assert before == 200
        assert client.get(page).status_code != 200

    def test_an_error_shows_nothing_of_what_was_at_hand(
        self, administrator: models.User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any, **__: Any) -> None:
            secret = "kryptonite"
            raise RuntimeError(secret)

        monkeypatch.setattr("hub.admin.home._home", broken)
        client = client_of(administrator)
        client.raise_request_exception = False

        answer = client.get("/admin/")

        assert answer.status_code == 500
        assert "kryptonite" not in answer.content.decode()
        assert not settings.ADMINS
        assert not settings.DEBUG

    def test_nothing_is_uploaded_and_served_again(self) -> None:
        ours = apps.get_app_config("hub").get_models()

        assert not [field for model in ours for field in model._meta.get_fields() if isinstance(field, FileField)]
        assert not settings.MEDIA_URL.strip("/")


class TestGuardian:
    def test_there_is_no_anonymous_account(self) -> None:
        assert settings.ANONYMOUS_USER_NAME is None
        assert not models.User.objects.filter(username__icontains="anonymous").exists()

    @pytest.mark.parametrize("model", [models.Integration, models.Credential])
    def test_its_page_of_permissions_is_not_there(self, model: Any) -> None:
        for page in ("permissions", "permissions_manage_user", "permissions_manage_group"):
            with pytest.raises(NoReverseMatch):
                reverse(f"admin:hub_{model._meta.model_name}_{page}", args=[1])

    def test_an_action_that_is_not_known_is_refused(self, administrator: models.User) -> None:
        integration = make.IntegrationFactory()

        for action in ("view_payloads", "hub.view_integration", "auth.change_user", ""):
            assert not access.can(administrator, action, integration)
            assert not access.visible(administrator, action, models.Integration).exists()

    def test_decides_nothing_here(self) -> None:
        """Its tables hold rights; its helpers and its backend, which decide in their own ways, are used by nothing."""
        assert not [backend for backend in settings.AUTHENTICATION_BACKENDS if "guardian" in backend]
        asked = ("has_perm", "get_objects_for", "get_perms", "ObjectPermissionChecker", "prefetch_perms")
        code = {path: path.read_text() for path in Path(hub.__file__).parent.rglob("*.py")}

        assert not [(path.name, word) for path, text in code.items() for word in asked if f"{word}(" in text]


class TestHistory:
    def test_tells_of_named_fields_only_and_of_no_secret(self, administrator: models.User, client_of: ClientOf) -> None:
        credential = make.CredentialFactory(origins=["https://crm.example:443"])
        credentials.set_values(credential=credential, values={"password": "kryptonite"}, by=administrator)

        answer = client_of(administrator).get(reverse("admin:hub_credential_history", args=[credential.pk]))

        assert answer.status_code == 200
        assert "kryptonite" not in answer.content.decode()
        for model, desk in DESK.items():
            known = {field.name for field in model._meta.get_fields()}
            assert set(getattr(desk, "history_fields", ())) <= known, model.__name__

    def test_knows_who_acted_where_there_is_no_request(self, owner: models.User) -> None:
        integration = make.IntegrationFactory()
        integration.title = "Another"

        save_as(integration, by=owner, reason="asked by mail")

        assert integration.history.latest().history_user == owner

    def test_is_not_what_evidence_rests_on(self) -> None:
        """Cleaning histories away removes conveniences: each change is an audit event and a captured row as well."""
        with_history = {model._meta.db_table for model in DESK if hasattr(model, "history")}

        assert with_history
        assert with_history <= {one.table for one in governed.GOVERNED}

    def test_memberships_and_rights_of_groups_are_captured(self) -> None:
        kept = {one.table for one in governed.GOVERNED}
        many = [field for model in DESK for field in model._meta.get_fields() if isinstance(field, ManyToManyField)]
        through = {field.remote_field.through._meta.db_table for field in many}  # type: ignore[union-attr]

        assert {"hub_user_groups", "auth_group_permissions"} <= through <= kept
