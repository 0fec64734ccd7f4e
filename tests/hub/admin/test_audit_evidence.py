"""Filters, timelines, captured rows and rights on the desk."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import reverse

from hub.clock import now
from hub.models import AuditEvent, CapturedRow, Integration, User, guard
from hub.services.audit import selection
from tests.conftest import ClientOf
from tests.factories import (
    AuditEventFactory,
    ConnectionFactory,
    CredentialFactory,
    IntegrationFactory,
    MappingFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
LIST, ROWS, TIMELINE = "/admin/hub/auditevent/", "/admin/hub/capturedrow/", "/admin/hub/auditevent/timeline/"
RIGHTS = "/admin/hub/auditevent/rights/"


def captured(**more: Any) -> CapturedRow:
    given = {
        "uid": UserFactory.build().pk or "0" * 32, "at": now(), "table_name": "hub_integration", "key": "1",
        "operation": "update", "actor_name": "ada", "before": {"title": "Old"}, "after": {"title": "New"},
    }  # fmt: skip
    made: CapturedRow = CapturedRow.objects.create(**given | more)
    return made


def shown(client_of: ClientOf, person: User, **asked: str) -> list[AuditEvent]:
    return list(client_of(person).get(LIST, asked).context["cl"].result_list)


class TestFilters:
    @pytest.mark.parametrize(
        ("name", "value", "wanted"),
        [
            ("family", "grant", {"action": "grant.give"}),
            ("action", "grant.give", {"action": "grant.give"}),
            ("outcome", "denied", {"outcome": "denied"}),
            ("subject", "user", {"subject": "user"}),
            ("object", "4711", {"subject_id": 4711}),
            ("run", "12", {"run_id": 12}),
            ("request", "abc", {"request": "abc"}),
        ],
    )
    def test_narrow_the_list(
        self, name: str, value: str, wanted: dict[str, Any], auditor: User, client_of: ClientOf
    ) -> None:
        event = AuditEventFactory(**wanted)
        AuditEventFactory()

        assert shown(client_of, auditor, **{name: value}) == [event]

    def test_narrow_it_to_a_span_of_time(self, auditor: User, client_of: ClientOf) -> None:
        old, wanted = AuditEventFactory(at=now() - timedelta(days=9)), AuditEventFactory(at=now() - timedelta(days=5))
        AuditEventFactory()
        since, until = ((now() - timedelta(days=days)).isoformat() for days in (7, 3))

        assert shown(client_of, auditor, since=since, until=until) == [wanted]
        assert shown(client_of, auditor, until=until) == [wanted, old]
        assert shown(client_of, auditor, since=since)[-1] == wanted

    def test_find_also_what_is_dated_otherwise_than_its_place(self, auditor: User, client_of: ClientOf) -> None:
        AuditEventFactory(at=now() - timedelta(days=5))
        AuditEventFactory()
        wanted = AuditEventFactory(at=now() - timedelta(days=30))

        until = (now() - timedelta(days=20)).isoformat()
        assert shown(client_of, auditor, until=until) == [wanted]

    @pytest.mark.parametrize("asked", [{"since": "soon"}, {"object": "x"}, {"run": "9" * 30}, {"actor": "olga"}])
    def test_that_make_no_sense_match_nothing(self, asked: dict[str, str], auditor: User, client_of: ClientOf) -> None:
        AuditEventFactory()

        assert shown(client_of, auditor, **asked) == []

    def test_can_be_taken_into_an_export(self, auditor: User, client_of: ClientOf) -> None:
        text = client_of(auditor).get(LIST, {"action": "grant.give"}).content.decode()

        assert f"{reverse('admin:hub_export_ask')}?action=grant.give&amp;what=event" in text

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="a plan of PostgreSQL")
    def test_are_answered_by_an_index(self, transactional_db: None) -> None:
        AuditEventFactory.create_batch(300)
        with connection.cursor() as cursor:
            cursor.execute("analyze hub_auditevent")
            cursor.execute("set enable_seqscan = off")
        for asked in ({"action": "grant.give"}, {"actor": "1"}, {"run": "1"}, {"request": "x"}, {"outcome": "denied"}):
            plan = selection.selected("event", asked).order_by("-pk")[:51].explain()
            assert "Index" in plan, plan


class TestReading:
    def test_is_noted_once_an_hour_for_each_kind_of_page(self, auditor: User, client_of: ClientOf) -> None:
        client = client_of(auditor)
        event = AuditEventFactory()
        for _ in range(2):
            client.get(LIST)
            client.get(ROWS)
            client.get(reverse("admin:hub_auditevent_change", args=[event.pk]))

        told = AuditEvent.objects.filter(action="audit.view", actor=auditor)
        assert sorted(told.values_list("subject_name", flat=True)) == ["event", "list of events", "list of rows"]

    def test_is_noted_of_nobody_who_was_refused(self, owner: User, client_of: ClientOf) -> None:
        client_of(owner).get(LIST)

        assert not AuditEvent.objects.filter(action="audit.view").exists()


class TestCapturedRows:
    def test_of_a_hand_at_the_database_stand_out(self, auditor: User, client_of: ClientOf) -> None:
        captured()
        hand = captured(actor_name="db-direct", database_user="postgres")

        answer = client_of(auditor).get(ROWS, {"actor": "db-direct"})
        page = client_of(auditor).get(reverse("admin:hub_capturedrow_change", args=[hand.pk])).content.decode()

        assert list(answer.context["cl"].result_list) == [hand]
        assert "Nobody the hub knows of wrote this" in page

    def test_show_only_what_may_be_read(self, auditor: User, client_of: ClientOf) -> None:
        row = captured(
            table_name="hub_user",
            before={"email": "a@x", "password": "$$$one"},
            after={"email": "b@x", "password": "$$$two"},
        )

        page = client_of(auditor).get(reverse("admin:hub_capturedrow_change", args=[row.pk])).content.decode()

        assert "<mark>b</mark>@x" in page
        assert "$$$" not in page
        assert "not shown here: password" in page


class TestTimelines:
    def test_join_what_the_hub_said_and_what_the_database_saw(self, auditor: User, client_of: ClientOf) -> None:
        row = IntegrationFactory(title="Orders")
        AuditEventFactory(
            subject="integration", subject_id=row.pk, action="integration.pause", at=now() - timedelta(hours=2)
        )
        captured(key=str(row.pk), at=now() - timedelta(hours=1))
        AuditEventFactory(subject="integration", subject_id=row.pk + 1, reason="of another one")

        answer = client_of(auditor).get(TIMELINE, {"of": f"integration.{row.pk}"})

        assert [told.is_event for told in answer.context["told"]] == [False, True]
        assert "of another one" not in answer.content.decode()

    def test_go_on_page_by_page(self, auditor: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.services.story.timeline.SIZE", 3)
        row = IntegrationFactory()
        for number in range(8):
            at = now() - timedelta(minutes=number)
            if number % 3:
                captured(key=str(row.pk), at=at)
            else:
                AuditEventFactory(subject="integration", subject_id=row.pk, at=at)
        client, url, seen = client_of(auditor), f"{TIMELINE}?of=integration.{row.pk}", []
        while url:
            answer = client.get(url)
            seen += [(told.is_event, told.row.pk) for told in answer.context["told"]]
            url = TIMELINE + answer.context["older_url"] if answer.context["older_url"] else ""

        assert len(seen) == len(set(seen)) == 8

    def test_of_a_person_tell_what_they_did_and_what_was_done_to_them(self, auditor: User, client_of: ClientOf) -> None:
        person, group = UserFactory(), Group.objects.get(name="Viewer")
        AuditEventFactory(actor=person, reason="did it")
        AuditEventFactory(subject="user", subject_id=person.pk, action="session.begin", reason="came in")
        captured(table_name="hub_user_groups", key="9", operation="insert", before=None,
                 after={"user_id": person.pk, "group_id": group.pk})  # fmt: skip

        text = client_of(auditor).get(TIMELINE, {"of": f"user.{person.pk}"}).content.decode()

        assert all(words in text for words in ("did it", "came in", "hub_user_groups 9", "Viewer"))

    def test_of_their_own_are_for_owners_and_keepers_of_credentials(self, client_of: ClientOf) -> None:
        owner = UserFactory(groups=["Integration owner"])
        keeper = UserFactory(groups=["Credential admin", "Whole hub"])
        mine, other, credential = IntegrationFactory(owner=owner), IntegrationFactory(), CredentialFactory()
        mapping = MappingFactory(integration=mine)

        for person, row, status in (
            (owner, mine, 200), (owner, mapping, 200), (owner, other, 404), (owner, credential, 404),
            (owner, owner, 404), (keeper, credential, 200), (keeper, mine, 404), (keeper, ConnectionFactory(), 200),
        ):  # fmt: skip
            address = f"{row._meta.model_name}.{row.pk}"
            assert client_of(person).get(TIMELINE, {"of": address}).status_code == status, (person, address)
        assert (
            reverse("admin:hub_auditevent_timeline")
            in client_of(owner).get(reverse("admin:hub_integration_change", args=[mine.pk])).content.decode()
        )

    @pytest.mark.parametrize(
        "asked", ["", "integration", "integration.x", "nothing.1", "captureactor.1", "integration.9" + "9" * 20]
    )
    def test_of_nothing_are_not_there(self, asked: str, auditor: User, client_of: ClientOf) -> None:
        assert client_of(auditor).get(TIMELINE, {"of": asked}).status_code == 404


class TestRights:
    def test_of_a_person_are_told_for_a_moment(self, auditor: User, client_of: ClientOf) -> None:
        person = UserFactory(username="vera", groups=["Operator"])

        text = client_of(auditor).get(RIGHTS, {"of": f"user.{person.pk}"}).content.decode()

        assert "built-in role" in text
        assert "Operator" in text

    def test_on_an_object_are_told_too(self, auditor: User, client_of: ClientOf) -> None:
        row: Integration = IntegrationFactory(owner=UserFactory(username="olga"))

        text = client_of(auditor).get(RIGHTS, {"of": f"integration.{row.pk}"}).content.decode()

        assert "olga" in text
        assert "owner" in text

    def test_of_a_moment_before_evidence_are_called_uncertain(self, auditor: User, client_of: ClientOf) -> None:
        answer = client_of(auditor).get(RIGHTS, {"of": f"user.{auditor.pk}", "at": "2020-01-01T00:00"})

        assert "This is not certain" in answer.content.decode()

    @pytest.mark.parametrize("asked", [{"at": "soon"}, {"at": "2999-01-01T00:00"}, {"of": "user.x"}, {"of": "x.1"}])
    def test_of_nonsense_are_refused_in_words(self, asked: dict[str, str], auditor: User, client_of: ClientOf) -> None:
        assert client_of(auditor).get(RIGHTS, {"of": f"user.{auditor.pk}", **asked}).status_code == 200


def test_every_governed_table_says_what_may_be_read(auditor: User) -> None:
    from hub.admin.audit.timeline import allowed

    hidden = {"hub_credentialsecret"}
    assert {one.table for one in guard.GOVERNED} - set(allowed()) == hidden
    secret = {"password", "sealed", "secret", "token"}
    assert not any(secret & columns for columns in allowed().values())
