"""Evidence is verified every day, and tells of versions without a hash of what was sealed before changing."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.urls import reverse

from hub import __version__
from hub.clock import now
from hub.models import AuditEvent, User, Verification, guard
from hub.services import access, audit
from hub.services.audit import verification
from hub.services.audit.content import contents
from hub.services.audit.seal import seal
from tests.conftest import ClientOf
from tests.factories import AuditEventFactory, IntegrationFactory

pytestmark = pytest.mark.django_db(transaction=connection.vendor == "postgresql")


@pytest.fixture
def guarded(db: None) -> Any:
    guard.install(connection)
    yield
    guard.remove(connection)


def verified(**more: Any) -> Verification:
    asked = {"begun_at": now(), "done_at": now(), "code": 0, "told": "All is well."}
    return Verification.objects.create(**asked | more)


class TestEveryDay:
    def test_it_is_asked_once_and_kept(self, guarded: None) -> None:
        AuditEventFactory()
        seal()
        later = now() + timedelta(hours=2)

        assert verification.ask_due(later)
        assert not verification.ask_due(later)
        verification.run(Verification.objects.get().pk)

        done = Verification.objects.get()
        assert (done.code, done.done_at is not None) == (0, True), done.told
        assert verification.alarms() == []
        assert not verification.ask_due(later + timedelta(hours=20))
        assert verification.ask_due(later + timedelta(hours=23))

    def test_it_is_asked_again_when_a_ring_was_lost(self) -> None:
        Verification.objects.create(begun_at=now())

        assert not verification.ask_due(now() + timedelta(hours=1))
        assert verification.ask_due(now() + timedelta(hours=3))

    def test_what_is_found_is_evidence_and_an_alarm(self, guarded: None) -> None:
        event = AuditEventFactory()
        seal()
        guard.remove(connection)
        AuditEvent.objects.filter(pk=event.pk).update(reason="nothing")
        guard.install(connection)

        Verification.objects.create(begun_at=now())
        verification.run(Verification.objects.get().pk)

        assert "position 1" in verification.alarms()[0]
        assert AuditEvent.objects.get(action="verification.fail").detail["position"] == 1

    def test_what_is_overdue_is_an_alarm_and_a_check(self) -> None:
        verified(done_at=now() - timedelta(hours=27))

        assert "not been verified for 27 hours" in verification.alarms()[0]
        assert "hub.W020" in {one.id for one in run_checks(databases=["default"])}

    def test_a_new_hub_has_a_day_for_the_first_time(self) -> None:
        AuditEventFactory()
        seal()

        assert verification.alarms() == []
        assert not verification.ask_due(now())
        assert verification.ask_due(now() + timedelta(hours=2))


class TestTheHomePage:
    def test_says_first_what_is_wrong(self, auditor: User, operator: User, stranger: User, client_of: ClientOf) -> None:
        verified(code=1, told="This entry does not say what was sealed.", position=7)
        IntegrationFactory()

        for person, is_told in ((auditor, True), (operator, True), (stranger, False)):
            text = client_of(person).get(reverse("admin:index")).content.decode()
            assert ("is not as it was sealed from position 7 on" in text) == is_told


class TestVersions:
    def test_of_hub_and_rules_are_in_every_event(self) -> None:
        audit.record(actor=None, action="integration.pause", subject=IntegrationFactory())
        audit.denied(actor=None, what="GET /", reason="No.")

        for event in AuditEvent.objects.all():
            assert (event.app_version, event.policy_version) == (__version__, access.policy_version())
            assert contents("event", [event.pk])[event.pk]["policy_version"] == access.policy_version()

    def test_are_no_part_of_what_was_sealed_without_them(self) -> None:
        event = AuditEventFactory(app_version="", policy_version="")

        assert not {"app_version", "policy_version"} & set(contents("event", [event.pk])[event.pk])

    def test_is_that_of_the_project(self) -> None:
        import tomllib
        from pathlib import Path

        project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
        assert project["project"]["version"] == __version__
