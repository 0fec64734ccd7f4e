"""Sessions: who may have one, when it is over, and ending those of a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group

from hub.models import AuditEvent, User
from hub.services import session
from tests.factories import IntegrationFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


class TestASession:
    @pytest.mark.parametrize(
        ("begun", "seen", "told"),
        [
            (timedelta(hours=8), timedelta(0), "8 hours"),
            (timedelta(minutes=31), timedelta(minutes=30), "30 minutes"),
            (timedelta(hours=7, minutes=59), timedelta(minutes=29), ""),
        ],
    )
    def test_ends_by_the_clock(self, begun: timedelta, seen: timedelta, told: str) -> None:
        why = session.ending(begun=NOW - begun, seen=NOW - seen, now=NOW)

        assert told in why
        assert bool(why) == bool(told)

    @pytest.mark.parametrize("lacking", ["is_active", "is_staff"])
    def test_is_for_people_who_are_active_and_work_here(self, lacking: str) -> None:
        assert session.refusal(UserFactory()) == ""
        assert session.refusal(UserFactory(**{lacking: False}))

    def test_has_lost_a_right_when_a_role_is_taken_and_not_when_one_is_given(self) -> None:
        person = UserFactory(groups=["Viewer"])
        held = session.rights_held(person)
        person.groups.add(Group.objects.get(name="Operator"))

        richer = User.objects.get(pk=person.pk)
        assert not session.lost(held, richer)
        person.groups.remove(Group.objects.get(name="Viewer"))
        assert session.lost(held, User.objects.get(pk=person.pk))

    def test_has_lost_a_right_when_its_holder_is_no_superuser_any_more(self) -> None:
        person = UserFactory(is_superuser=True)
        held = session.rights_held(person)
        person.is_superuser = False

        assert session.lost(held, person)


class TestASecondFactor:
    @pytest.mark.parametrize(
        ("rule", "role", "is_forced"),
        [
            ("off", "Operator", False),
            ("writers", "Operator", True),
            ("writers", "Viewer", False),
            ("writers", "Auditor", True),  # takes evidence out of the hub, and reviews access
            ("all", "Viewer", True),
        ],
    )
    def test_is_forced_by_the_setting(self, settings: Any, rule: str, role: str, is_forced: bool) -> None:
        settings.HUB_SECOND_FACTOR = rule

        assert session.must_add_factor(UserFactory(groups=[role])) is is_forced

    def test_is_forced_on_owners_without_a_role(self, settings: Any) -> None:
        settings.HUB_SECOND_FACTOR = "writers"

        assert session.must_add_factor(IntegrationFactory().owner)

    def test_ends_the_asking(self, settings: Any) -> None:
        settings.HUB_SECOND_FACTOR = "all"
        person = UserFactory()
        Authenticator.objects.create(user=person, type=Authenticator.Type.RECOVERY_CODES, data={})
        assert session.must_add_factor(person)

        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})

        assert not session.must_add_factor(person)

    def test_that_was_lost_is_taken_with_all_sessions(self, administrator: User) -> None:
        person = UserFactory()
        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
        UserSession.objects.create(user=person, ip="192.0.2.1", session_key="gone", user_agent="a browser")

        session.remove_factors(person=person, by=administrator, reason="Lost their phone.")

        assert not session.has_factor(person)
        assert not UserSession.objects.filter(user=person).exists()
        told = AuditEvent.objects.get(action="factor.remove_all")
        assert (told.actor, told.detail, told.reason) == (administrator, {"kinds": ["totp"]}, "Lost their phone.")
