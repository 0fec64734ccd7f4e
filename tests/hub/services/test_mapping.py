"""Mappings: drafts may change, versions in use may not, and real records can be tried."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from hub.engine.mapping import MappingError
from hub.models import AuditEvent, Checkpoint, Connection, Mapping, User, VersionState
from hub.sdk import ConfigError
from hub.services import credential, mapping
from tests.factories import (
    CheckpointFactory,
    ConnectionFactory,
    CredentialFactory,
    IntegrationFactory,
    MappingFactory,
    UserFactory,
)
from tests.hub.garden import Garden

NAME: dict[str, Any] = {"fields": {"name": {"steps": [{"path": "name"}]}}}
TITLE: dict[str, Any] = {"fields": {"title": {"steps": [{"path": "name"}]}}}
CHILD: dict[str, Any] = {"fields": {"parent": {"steps": [{"path": "id"}], "reference": "parents"}}}


@pytest.fixture
def person(db: None) -> User:
    return UserFactory()


@pytest.fixture
def things(db: None) -> Mapping:
    return MappingFactory()


class TestSaveDraft:
    def test_begins_a_version_and_then_changes_it(self, things: Mapping, person: User) -> None:
        first = mapping.save_draft(mapping=things, body=NAME, by=person, note="begun")
        second = mapping.save_draft(mapping=things, body=TITLE, by=person)

        assert first == second
        assert [(v.number, v.body, v.state) for v in things.versions.all()] == [(1, TITLE, VersionState.DRAFT)]

    def test_begins_the_next_one_when_the_last_is_in_use(self, things: Mapping, person: User) -> None:
        mapping.activate(version=mapping.save_draft(mapping=things, body=NAME, by=person), by=person)

        assert mapping.save_draft(mapping=things, body=TITLE, by=person).number == 2

    def test_refuses_wrong_rules_naming_all_of_them(self, things: Mapping, person: User) -> None:
        wrong = {"fields": {"a": {"steps": [{"dance": 1}]}, "b": {"steps": []}}}

        with pytest.raises(MappingError) as caught:
            mapping.save_draft(mapping=things, body=wrong, by=person)
        assert len(caught.value.findings) == 2
        assert not things.versions.exists()

    def test_says_who_and_why(self, things: Mapping, person: User) -> None:
        version = mapping.save_draft(mapping=things, body=NAME, by=person, note="for the new ERP")

        assert version.created_by == person
        assert version.history.latest().history_user == person  # type: ignore[attr-defined]
        assert AuditEvent.objects.get(subject="mappingversion").reason == "for the new ERP"


class TestAddVersion:
    def test_leaves_a_persons_draft_alone(self, things: Mapping, person: User) -> None:
        draft = mapping.save_draft(mapping=things, body=NAME, by=person)

        mapping.add_version(mapping=things, body=TITLE, by=None)

        draft.refresh_from_db()
        assert (draft.number, draft.body) == (1, NAME)
        assert things.versions.count() == 2


class TestActivate:
    def test_lets_runs_use_the_version_and_retires_the_one_before(self, things: Mapping, person: User) -> None:
        first = mapping.save_draft(mapping=things, body=NAME, by=person)
        mapping.activate(version=first, by=person)
        second = mapping.save_draft(mapping=things, body=TITLE, by=person)

        mapping.activate(version=second, by=person, reason="the ERP was upgraded")

        things.refresh_from_db()
        first.refresh_from_db()
        assert things.active_version == second
        assert (first.state, second.state) == (VersionState.RETIRED, VersionState.ACTIVE)
        assert second.activated_by == person
        event = AuditEvent.objects.filter(action="mappingversion.activate").latest("pk")
        assert (event.reason, event.detail["replaces"]) == ("the ERP was upgraded", 1)

    def test_can_bring_a_retired_version_back(self, things: Mapping, person: User) -> None:
        first = mapping.add_version(mapping=things, body=NAME, by=person)
        second = mapping.add_version(mapping=things, body=TITLE, by=person)
        for version in (first, second, first):
            version.refresh_from_db()
            mapping.activate(version=version, by=person)

        assert list(things.versions.filter(state=VersionState.ACTIVE)) == [first]

    def test_makes_the_rules_unchangeable(self, things: Mapping, person: User) -> None:
        version = mapping.save_draft(mapping=things, body=NAME, by=person)
        mapping.activate(version=version, by=person)
        version.body, version.digest = TITLE, "other"

        with pytest.raises(ValidationError, match="in use and cannot change"):
            version.save()

    def test_has_the_next_run_read_every_record(self, things: Mapping, person: User) -> None:
        CheckpointFactory(mapping=things, complete_at="2026-01-01T00:00Z")

        mapping.activate(version=mapping.add_version(mapping=things, body=NAME, by=person), by=person)

        assert Checkpoint.objects.get(mapping=things).complete_at is None

    def test_has_the_next_run_read_on_where_every_step_counts(self, things: Mapping, person: User) -> None:
        Mapping.objects.update(semantics="transition")
        CheckpointFactory(mapping=things, complete_at="2026-01-01T00:00Z")

        mapping.activate(version=mapping.add_version(mapping=things, body=NAME, by=person), by=person)

        assert Checkpoint.objects.get(mapping=things).complete_at is not None

    def test_does_nothing_to_the_version_in_use(self, things: Mapping, person: User) -> None:
        version = mapping.add_version(mapping=things, body=NAME, by=person)
        mapping.activate(version=version, by=person)
        CheckpointFactory(mapping=things, complete_at="2026-01-01T00:00Z")

        mapping.activate(version=version, by=person)

        assert AuditEvent.objects.filter(action="mappingversion.activate").count() == 1
        assert Checkpoint.objects.get(mapping=things).complete_at is not None


class TestReferences:
    def family(self, parents_position: int) -> Mapping:
        """The mapping that refers, in second place of an integration whose `parents` stand where they are told."""
        integration = IntegrationFactory(name="family")
        MappingFactory(integration=integration, name="parents", position=parents_position)
        return MappingFactory(integration=integration, name="children", position=2)

    def test_to_an_earlier_mapping_are_accepted(self, person: User) -> None:
        children = self.family(1)

        mapping.activate(version=mapping.add_version(mapping=children, body=CHILD, by=person), by=person)

        assert Mapping.objects.get(pk=children.pk).active_version is not None

    def test_to_a_later_mapping_are_refused_with_those_that_may_be_named(self, person: User) -> None:
        children = self.family(3)
        version = mapping.add_version(mapping=children, body=CHILD, by=person)

        with pytest.raises(ConfigError, match=r"refer to parents, .* runs earlier in “family” \(now: none\)"):
            mapping.activate(version=version, by=person)

    def test_to_a_mapping_of_another_integration_are_refused(self, things: Mapping, person: User) -> None:
        MappingFactory(name="parents", position=0)
        version = mapping.add_version(mapping=things, body=CHILD, by=person)

        with pytest.raises(ConfigError, match="refer to parents"):
            mapping.activate(version=version, by=person)


class TestSample:
    @pytest.fixture
    def toy(self, garden: Garden, person: User) -> Connection:
        garden.plant("toy")
        key = CredentialFactory(origins=[])
        credential.set_values(credential=key, values={"password": "x"}, by=person, origins=["https://toy.example"])
        return ConnectionFactory(connector="toy", config={"url": "https://toy.example"}, credential=key)

    def test_reads_the_first_living_records_over_as_many_pages_as_it_takes(self, toy: Connection) -> None:
        things = MappingFactory(source=toy, source_stream="things")

        records = mapping.sample(mapping=things, limit=6)

        assert [record.key for record in records] == ["0", "2", "3", "4", "5", "6"]

    def test_ends_with_the_source(self, toy: Connection) -> None:
        things = MappingFactory(source=toy, source_stream="things")

        assert len(mapping.sample(mapping=things, limit=50)) == 9

    def test_refuses_a_connection_that_cannot_be_read(self, garden: Garden, db: None) -> None:
        garden.plant("sink", SINK)
        things = MappingFactory(source=ConnectionFactory(connector="sink", title="The sink"))

        with pytest.raises(ConfigError, match="“The sink” cannot be read from"):
            mapping.sample(mapping=things)


SINK = '''
"""A system that takes and never gives."""

from hub.sdk import Connector


class Sink:
    def __init__(self, settings): ...
    def streams(self): return []
    def check(self): return "It gurgles."
    def close(self): ...


CONNECTOR = Connector("sink", "Sink", "Takes.", (), Sink, lambda config: ())
'''
