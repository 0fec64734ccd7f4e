"""The application's role adds evidence and never alters it; the owner's role migrates."""

import os
import secrets
from collections.abc import Iterator
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from hub.models import AuditEvent, CapturedRow, Seal, guard
from hub.services import audit, pause
from hub.services.audit import verify
from hub.services.audit.seal import seal
from tests.factories import AuditEventFactory, IntegrationFactory, UserFactory

IS_POSTGRESQL = connection.vendor == "postgresql"
OWNER, APP = f"owner_{os.getpid()}", f"app_{os.getpid()}"
EVIDENCE = ("hub_auditevent", "hub_capturedrow", "hub_sealedentry", "hub_seal")


@pytest.mark.skipif(IS_POSTGRESQL, reason="PostgreSQL has roles")
def test_sqlite_has_no_roles() -> None:
    with pytest.raises(CommandError, match="Only PostgreSQL"):
        call_command("audit_roles", "--owner", "a", "--app", "b")


@pytest.fixture
def as_application(transactional_db: None) -> Iterator[None]:
    """The hub connects as the application's role; afterwards everything is as it was."""
    with connection.cursor() as cursor:
        cursor.execute("select current_user")
        me = cursor.fetchone()[0]
        for role in (OWNER, APP):
            cursor.execute(f"create role {role} login password '{secrets.token_hex(8)}'")
        cursor.execute(f"grant {OWNER} to current_user")
    guard.install(connection)
    call_command("audit_roles", "--owner", OWNER, "--app", APP, "--apply", stdout=StringIO(), stderr=StringIO())
    with connection.cursor() as cursor:
        cursor.execute(f"set session authorization {APP}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("reset session authorization")
        cursor.execute(f"reassign owned by {OWNER} to {me}")
        cursor.execute("grant create on schema public to public")
        for role in (APP, OWNER):
            cursor.execute(f"drop owned by {role}")
            cursor.execute(f"drop role {role}")
    guard.remove(connection)


def refused(statement: str) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except Exception as error:  # noqa: BLE001  which kind it is is what is asked
        return isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)
    return False


@pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite has no roles")
class TestTheApplication:
    def test_works_and_leaves_evidence(self, as_application: None) -> None:
        ada = UserFactory(is_superuser=True)
        integration = IntegrationFactory()

        pause.pause(row=integration, by=ada, reason="Month-end close.")
        AuditEventFactory()

        assert seal() >= 2
        assert Seal.objects.exists()
        assert CapturedRow.objects.filter(table_name="hub_integration").exists()
        assert AuditEvent.objects.filter(action="integration.pause", actor=ada).exists()
        assert verify.verify().code == 0
        assert audit.ACTIONS

    @pytest.mark.parametrize("table", EVIDENCE)
    def test_cannot_alter_evidence_nor_what_guards_it(self, table: str, as_application: None) -> None:
        for statement in (
            f"update {table} set at = now()" if table != "hub_sealedentry" else f"update {table} set leaf = ''",
            f"delete from {table}",
            f"truncate {table}",
            f"alter table {table} disable trigger all",
            f"drop trigger hub_append_only on {table}",
            f"drop table {table}",
        ):
            assert refused(statement), statement

    def test_cannot_make_what_guards_say_otherwise(self, as_application: None) -> None:
        for statement in (
            "alter table hub_user disable trigger hub_captured",
            "drop function hub_refuse() cascade",
            "create or replace function hub_capture() returns trigger language plpgsql as $$begin return null; end$$",
            "create table mine (id int)",
            f"set role {OWNER}",
        ):
            assert refused(statement), statement


@pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite has no roles")
@pytest.mark.django_db
def test_one_role_cannot_be_both() -> None:
    with pytest.raises(CommandError, match="two roles"):
        call_command("audit_roles", "--owner", "a", "--app", "a")
    assert 'grant select, insert on "hub_seal"' in _printed()


def _printed() -> str:
    out = StringIO()
    call_command("audit_roles", "--owner", "a", "--app", "b", stdout=out)
    return out.getvalue()
