"""The database guards its evidence: nothing of it is altered, and tells when the guard is down."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from hub.checks import everything_is_owned
from hub.models import AuditEvent, User, guard
from tests.factories import (
    AuditEventFactory,
    IntegrationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
IS_POSTGRESQL = connection.vendor == "postgresql"


@pytest.fixture
def guarded(db: None) -> None:
    """The triggers, put up within the test's transaction and gone with it."""
    guard.install(connection)


def sql(statement: str, *values: str | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


@pytest.mark.usefixtures("guarded")
class TestEvidence:
    STATEMENTS = ("update {} set id = id", "delete from {}")

    @pytest.mark.parametrize("statement", STATEMENTS)
    @pytest.mark.parametrize("table", ["hub_auditevent", "hub_capturedrow"])
    def test_is_neither_changed_nor_removed(self, table: str, statement: str) -> None:
        AuditEventFactory()
        IntegrationFactory()

        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            sql(statement.format(table))

    def test_is_not_replaced(self) -> None:
        event = AuditEventFactory(reason="as it was")
        names = [str(field.column) for field in AuditEvent._meta.fields]
        values = ["'as I like it'" if name == "reason" else name for name in names]
        how = "insert" if IS_POSTGRESQL else "insert or replace"

        with pytest.raises(IntegrityError), transaction.atomic():
            sql(f"{how} into hub_auditevent ({', '.join(names)}) select {', '.join(values)} from hub_auditevent")

        assert AuditEvent.objects.get(pk=event.pk).reason == "as it was"

    @pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite has no other ways")
    def test_is_not_emptied_nor_touched_by_a_replica(self) -> None:
        AuditEventFactory()

        with pytest.raises(IntegrityError, match="truncate"), transaction.atomic():
            sql("truncate hub_auditevent")
        sql("set local session_replication_role = replica")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            sql("delete from hub_auditevent")

    def test_does_not_keep_a_person_from_going(self) -> None:
        person = UserFactory()
        event = AuditEventFactory(actor=person)

        User.objects.filter(pk=person.pk).delete()

        assert AuditEvent.objects.get(pk=event.pk).actor_id == person.pk


class TestTheGuard:
    @pytest.fixture(autouse=True)
    def _guarded(self, guarded: None) -> None:
        """It is up."""

    def test_misses_nothing_once_it_is_up(self) -> None:
        assert guard.missing(connection) == []
        assert not [found for found in everything_is_owned(["default"]) if found.id == "hub.W011"]

    def lowered(self) -> Iterator[str]:
        on = " on hub_auditevent" if IS_POSTGRESQL else ""
        name = "hub_append_only" if IS_POSTGRESQL else "hub_append_only_update_hub_auditevent"
        yield f"drop trigger {name}{on}"
        if IS_POSTGRESQL:
            yield f"alter table hub_auditevent disable trigger {name}"
            yield "create or replace function hub_refuse() returns trigger language plpgsql as 'begin return new; end'"

    def test_tells_what_was_taken_down_switched_off_or_altered_and_puts_it_up_again(self) -> None:
        for statement in self.lowered():
            sql(statement)

            assert len(guard.missing(connection)) == 1
            assert [found.id for found in everything_is_owned(["default"])] == ["hub.W011"]
            guard.install(connection)
            assert guard.missing(connection) == []

    def test_is_put_up_after_a_migrate_and_not_after_a_flush(self, django_db_blocker: Any) -> None:
        from django.core.management.sql import emit_post_migrate_signal

        guard.remove(connection)

        emit_post_migrate_signal(0, False, "default")
        assert guard.missing(connection)
        emit_post_migrate_signal(0, False, "default", plan=[])
        assert guard.missing(connection) == []
