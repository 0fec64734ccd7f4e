"""No write to a governed table goes unseen, whatever its way, and each says who made it."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate
from django.utils import timezone

from hub import provenance
from hub.models import CaptureActor, CapturedRow, Credential, CredentialSecret, Integration, User, guard
from hub.services import pause
from hub.services.credential import open_values, set_values
from tests.conftest import ClientOf
from tests.factories import (
    CredentialFactory,
    IntegrationFactory,
    MappingFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
ADA = provenance.Provenance(actor="ada", actor_id=7, method="session", request="r-1")
IS_POSTGRESQL = connection.vendor == "postgresql"


@pytest.fixture
def guarded(db: None) -> None:
    """The triggers, put up within the test's transaction and gone with it."""
    guard.install(connection)


@pytest.fixture
def integration(db: None) -> Integration:
    """One made before the guard was put up."""
    made: Integration = IntegrationFactory(title="Customers")
    return made


def sql(statement: str, *values: str | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


def captured(table: str = "hub_integration") -> list[tuple[str, str]]:
    """Operation and actor of each captured write, oldest first."""
    rows = CapturedRow.objects.filter(table_name=table).order_by("id")
    return list(rows.values_list("operation", "actor_name"))


def by_form(integration: Integration, person: User, client_of: ClientOf) -> str:
    form = {
        "name": integration.name, "title": "Renamed", "purpose": "x", "owner": integration.owner_id,
        "deputy": integration.deputy_id, "criticality": "normal", "time_zone": "UTC", "missed_slots": "once",
        "grace_minutes": 60, "fresh_minutes": 1440,
    }  # fmt: skip
    answer = client_of(person).post(f"/admin/hub/integration/{integration.pk}/edit/", form)
    assert answer.status_code == 302
    return person.username


def by_deed(integration: Integration, person: User, client_of: ClientOf) -> str:
    client_of(person).post(f"/admin/hub/integration/{integration.pk}/do/pause/", {"reason": "close"})
    return person.username


def by_command(integration: Integration, person: User, client_of: ClientOf) -> str:
    call_command("pause", "integration", integration.name, reason="close", by=person.username)
    return person.username


def by_worker(integration: Integration, person: User, client_of: ClientOf) -> str:
    with provenance.acting(provenance.Provenance(method="worker")):
        pause.pause(row=integration, by=None, reason="close")
    return "the hub"


def by_update(integration: Integration, person: User, client_of: ClientOf) -> str:
    with provenance.acting(ADA):
        Integration.objects.filter(pk=integration.pk).update(title="Renamed")
    return "ada"


def by_bulk_update(integration: Integration, person: User, client_of: ClientOf) -> str:
    integration.title = "Renamed"
    with provenance.acting(ADA):
        Integration.objects.bulk_update([integration], ["title"])
    return "ada"


def by_import(integration: Integration, person: User, client_of: ClientOf) -> str:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "renamed.yaml"
        file.write_text(f"integrations: {{{integration.name}: {{title: Renamed}}}}")
        call_command("apply", str(file), yes=True, by=person.username, stdout=StringIO())
    return person.username


def by_migration(integration: Integration, person: User, client_of: ClientOf) -> str:
    sender = apps.get_app_config("hub")
    pre_migrate.send(sender=sender, app_config=sender, verbosity=0, interactive=False, using="default", plan=[])
    Integration.objects.filter(pk=integration.pk).update(title="Renamed")
    return "a migration"


def by_sql(integration: Integration, person: User, client_of: ClientOf) -> str:
    with provenance.acting(ADA):
        sql("update hub_integration set title = %s where id = %s", "Renamed", integration.pk)
    return "ada"


def by_hand(integration: Integration, person: User, client_of: ClientOf) -> str:
    sql("update hub_integration set title = %s where id = %s", "Renamed", integration.pk)
    return "db-direct"


WAYS = (by_form, by_deed, by_command, by_worker, by_update, by_bulk_update, by_import, by_migration, by_sql, by_hand)


@pytest.mark.usefixtures("guarded")
class TestEveryWayToWrite:
    @pytest.mark.parametrize("way", WAYS)
    def test_leaves_exactly_one_captured_change_with_who_made_it(
        self, way: Callable[..., str], client_of: ClientOf
    ) -> None:
        person = UserFactory(username="root", is_superuser=True)
        integration = IntegrationFactory()
        before = len(captured())

        who = way(integration, person, client_of)

        assert captured()[before:] == [("update", who)]

    def test_leaves_one_for_each_row_of_many(self) -> None:
        people = UserFactory.create_batch(2)
        rows = [
            Integration(name=f"i-{number}", title="x", purpose="x", owner=people[0], deputy=people[1])
            for number in range(3)
        ]

        with provenance.acting(ADA):
            Integration.objects.bulk_create(rows)
            Integration.objects.update(title="all of them")
            Integration.objects.all().delete()

        assert captured() == [*[("insert", "ada")] * 3, *[("update", "ada")] * 3, *[("delete", "ada")] * 3]

    def test_leaves_one_of_groups_memberships_and_rights(self) -> None:
        person, group = UserFactory(), Group.objects.create(name="night shift")
        right = Permission.objects.get(codename="view_auditevent")

        with provenance.acting(ADA):
            person.groups.add(group)
            group.permissions.add(right)
            person.user_permissions.add(right)

        assert captured("auth_group") == [("insert", "db-direct")]
        for table in ("hub_user_groups", "auth_group_permissions", "hub_user_user_permissions"):
            assert captured(table) == [("insert", "ada")]

    def test_leaves_nobodys_name_for_what_comes_after(self) -> None:
        with provenance.acting(ADA):
            integration = IntegrationFactory()

        assert not CaptureActor.objects.exists()
        if not IS_POSTGRESQL:  # there the name holds until the transaction ends
            by_hand(integration, integration.owner, lambda person: None)  # type: ignore[arg-type,return-value]
            assert captured()[-1] == ("update", "db-direct")

    @pytest.mark.skipif(IS_POSTGRESQL, reason="PostgreSQL carries the name in no table")
    def test_goes_on_before_the_migration_that_makes_the_table_of_the_name(self) -> None:
        guard.remove(connection)
        sql("drop table hub_captureactor")

        with provenance.acting(ADA):
            assert IntegrationFactory().pk

    @pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite cannot empty a table at once")
    def test_is_seen_when_a_table_is_emptied_at_once(self, integration: Integration) -> None:
        sql("set constraints all immediate")
        sql("truncate hub_integration cascade")

        assert ("truncate", "db-direct") in captured()


@pytest.mark.usefixtures("guarded")
class TestACapturedRow:
    def test_holds_the_row_before_and_after(self, integration: Integration) -> None:
        with provenance.acting(ADA):
            Integration.objects.filter(pk=integration.pk).update(title="Renamed")

        row = CapturedRow.objects.latest("id")
        assert row.before is not None
        assert row.after is not None
        assert (row.key, row.before["title"], row.after["title"]) == (str(integration.pk), "Customers", "Renamed")
        assert (row.actor_id, row.method, row.request) == (7, "session", "r-1")
        assert abs((row.at - timezone.now()).total_seconds()) < 60

    def test_holds_json_as_such(self) -> None:
        mapping = MappingFactory(archive_fields={"active": False})

        row = CapturedRow.objects.get(table_name="hub_mapping", operation="insert", key=str(mapping.pk))

        assert row.after is not None
        assert row.after["archive_fields"] == {"active": False}

    def test_is_not_made_of_what_a_run_writes_all_the_time(self, integration: Integration) -> None:
        credential = CredentialFactory()
        set_values(credential=credential, values={"password": "open"}, by=None)
        CredentialFactory()
        before = CapturedRow.objects.count()

        open_values(credential)
        Integration.objects.update(next_run_at=timezone.now())
        User.objects.update(last_login=timezone.now())
        Integration.objects.update(title="Customers")

        assert CapturedRow.objects.count() == before

    def test_holds_no_secret(self) -> None:
        person, credential = UserFactory(), CredentialFactory()

        person.set_password("a-long-secret-1")
        person.save()
        set_values(credential=credential, values={"password": "open"}, by=None)

        kept = str(list(CapturedRow.objects.values("before", "after")))
        sealed = bytes(CredentialSecret.objects.get().sealed).hex()
        assert person.password not in kept
        assert sealed not in kept
        assert CapturedRow.objects.filter(table_name="hub_user", operation="update").count() == 1
        assert sealed[-8:] in kept
        assert Credential.objects.count() == 1
