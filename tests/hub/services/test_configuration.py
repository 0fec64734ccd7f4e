"""Applying configuration files: what changes is told field by field, written whole or not at all, and only once."""

from pathlib import Path
from typing import Any

import pytest

from hub.models import (
    AuditEvent,
    Connection,
    Credential,
    CredentialSecret,
    DeletePolicy,
    Integration,
    Mapping,
    User,
    VersionState,
)
from hub.services import configuration, credential
from hub.services.configuration import ConfigurationError, Plan
from hub.services.configuration.difference import leaves
from hub.services.configuration.order import positions
from hub.services.mapping import save_draft
from tests.factories import ConnectionFactory, CredentialFactory, LinkFactory, UserFactory
from tests.hub.garden import Garden

WHOLE = """
credentials:
  toy-key:
    title: Key of the toy
    values:
      password: {from_env: TOY_PASSWORD}
connections:
  toy:
    title: The toy
    connector: toy
    owner: olivia
    credential: toy-key
    config: {url: "https://toy.example/v1", size: 3}
  shelf:
    title: The shelf
    connector: toy
    credential: toy-key
    config: {url: "https://shelf.example"}
integrations:
  toys:
    title: Toys on shelves
    purpose: So that nobody trips.
    owner: olivia
    deputy: rashid
    criticality: high
    schedule: every 15 minutes
    mappings:
      bears:
        source: toy/things
        destination: shelf/things
        archive_fields: {active: false}
        max_deletion_share: 0.05
        body:
          fields:
            name: {steps: [{path: name}]}
      cubs:
        source: toy/things
        destination: shelf/things
        delete_policy: delete
        body:
          fields:
            mother: {steps: [{path: mother}], reference: bears}
"""
PASSWORD = "hunter2-and-more"


class Hub:
    """A hub whose configuration file can be edited and applied."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "toys.yaml"
        self.environment = {"TOY_PASSWORD": PASSWORD}
        self.write(WHOLE)

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def edit(self, old: str, new: str) -> None:
        """Replace a part of the file; it must be there."""
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def plan(self, **how: Any) -> Plan:
        return configuration.plan([self.file], self.environment, **how)

    def apply(self, answers: Any = (), **how: Any) -> Plan:
        planned = self.plan(**how)
        configuration.write(planned, by=User.objects.get(username="olivia"), answers=dict(answers))
        return planned

    def told(self, planned: Plan | None = None) -> list[str]:
        """“~ connection toy title” of everything that would change."""
        planned = planned or self.plan()
        return [f"{line.sign} {entry.item.label} {line.path}" for entry in planned.differences for line in entry.lines]

    def line(self, marker: str) -> int:
        """The first line of the file that contains this."""
        return next(n for n, line in enumerate(self.file.read_text().splitlines(), start=1) if marker in line)

    def wrong(self) -> list[str]:
        """Line and text of everything that is wrong with the file."""
        with pytest.raises(ConfigurationError) as caught:
            self.plan()
        return [f"{one.place.line}: {one.text}" for one in caught.value.problems]


@pytest.fixture
def hub(garden: Garden, tmp_path: Path, db: None) -> Hub:
    garden.plant("toy")
    for username in ("olivia", "rashid"):
        UserFactory(username=username)
    return Hub(tmp_path)


class TestFirstTime:
    def test_makes_everything_the_file_describes(self, hub: Hub) -> None:
        hub.apply()

        toys = Integration.objects.get(name="toys")
        bears, cubs = toys.mappings.all()
        assert (toys.owner.username, toys.deputy.username, toys.criticality) == ("olivia", "rashid", "high")
        assert (bears.path, bears.source.name, bears.destination_stream) == ("toys/bears", "toy", "things")
        assert bears.archive_fields == {"active": False}
        assert str(bears.max_deletion_share) == "0.050"
        assert cubs.delete_policy == DeletePolicy.DELETE
        assert cubs.active_version is not None
        assert cubs.active_version.note == "applied from toys.yaml"
        assert Connection.objects.get(name="toy").config == {"url": "https://toy.example/v1", "size": 3}

    def test_seals_the_secrets_for_the_addresses_of_its_connections(self, hub: Hub) -> None:
        hub.apply()

        key = Credential.objects.get(name="toy-key")
        assert key.origins == ["https://shelf.example:443", "https://toy.example:443"]
        assert credential.open_values(key)["password"].reveal() == PASSWORD

    def test_tells_of_all_of_it_beforehand_and_of_no_secret(self, hub: Hub) -> None:
        planned = hub.plan()

        assert all(entry.is_new for entry in planned.differences)
        assert "+ credential toy-key values.password" in hub.told(planned)
        assert "+ mapping toys/bears body.fields.name.steps[0].path" in hub.told(planned)
        assert PASSWORD not in repr(planned)

    def test_leaves_an_audit_event_for_each_thing(self, hub: Hub) -> None:
        hub.apply()

        events = AuditEvent.objects.filter(action__endswith=".add", reason="applied from toys.yaml")
        assert {event.subject for event in events} == {
            "credential", "connection", "integration", "mapping", "mappingversion",
        }  # fmt: skip
        assert {event.actor_name for event in AuditEvent.objects.all()} == {"olivia"}
        assert PASSWORD not in str(list(AuditEvent.objects.values()))


class TestAgain:
    def test_changes_nothing(self, hub: Hub) -> None:
        hub.apply()
        before = AuditEvent.objects.count(), CredentialSecret.objects.get().number

        planned = hub.apply()

        assert (planned.differences, planned.unchanged) == ([], 6)
        assert (AuditEvent.objects.count(), CredentialSecret.objects.get().number) == before

    def test_changes_nothing_when_only_the_spelling_differs(self, hub: Hub) -> None:
        hub.apply()
        hub.edit("name: {steps: [{path: name}]}", "'name':\n              steps:\n                - path: 'name'")

        assert hub.told() == []


class TestChanges:
    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("title: The toy", "title: Our toy", ["~ connection toy title"]),
            ("size: 3", "size: 4", ["~ connection toy config.size"]),
            (", size: 3", "", ["- connection toy config.size"]),
            ("size: 3", "size: 3, mood: silly", ["+ connection toy config.mood"]),
            ("owner: olivia\n    deputy: rashid", "owner: rashid\n    deputy: olivia",
             ["~ integration toys owner", "~ integration toys deputy"]),
            ("0.05", "0.06", ["~ mapping toys/bears max_deletion_share"]),
            ("active: false", "is_active: 0",
             ["+ mapping toys/bears archive_fields.is_active", "- mapping toys/bears archive_fields.active"]),
            ("name: {steps: [{path: name}]}", "name: {steps: [{path: name}, {trim: true}]}",
             ["+ mapping toys/bears body.fields.name.steps[1].trim"]),
            ("credential: toy-key\n    config: {url: \"https://shelf", "config: {url: \"https://shelf",
             []),
        ],
    )  # fmt: skip
    def test_are_told_by_field_and_made(self, hub: Hub, old: str, new: str, told: list[str]) -> None:
        hub.apply()
        hub.edit(old, new)

        assert hub.told() == told
        hub.apply()
        assert hub.told() == []

    def test_leave_what_the_file_does_not_mention(self, hub: Hub) -> None:
        hub.apply()
        Integration.objects.update(fresh_minutes=77)
        hub.edit("    criticality: high\n", "")

        assert hub.told() == []
        assert Integration.objects.get().criticality == "high"

    def test_undo_what_somebody_changed_elsewhere(self, hub: Hub) -> None:
        hub.apply()
        Connection.objects.filter(name="toy").update(title="Somebody's toy")

        assert hub.told() == ["~ connection toy title"]

    def test_have_the_scheduler_think_again_when_the_schedule_differs(self, hub: Hub) -> None:
        hub.apply()
        Integration.objects.update(next_run_at="2030-01-01T00:00Z")
        hub.edit("every 15 minutes", "every 30 minutes")
        hub.apply()

        assert Integration.objects.get().next_run_at is None

    def test_keep_old_and_new_in_the_audit_and_the_person_in_the_history(self, hub: Hub) -> None:
        hub.apply()
        hub.edit("size: 3", "size: 4")
        hub.apply()

        event = AuditEvent.objects.filter(action__endswith=".change").latest("pk")
        assert event.detail == {"config.size": [3, 4]}
        latest = Connection.objects.get(name="toy").history.latest()  # type: ignore[attr-defined]
        assert (latest.history_user.username, latest.history_change_reason) == ("olivia", "applied from toys.yaml")


class TestMappingBodies:
    def test_become_a_new_active_version(self, hub: Hub) -> None:
        hub.apply()
        hub.edit("[{path: name}]", "[{path: title}]")
        hub.apply()

        bears = Mapping.objects.get(name="bears")
        assert [(version.number, version.state) for version in bears.versions.all()] == [
            (2, VersionState.ACTIVE),
            (1, VersionState.RETIRED),
        ]
        assert AuditEvent.objects.filter(
            action="mappingversion.activate", subject_name=str(bears.active_version)
        ).exists()

    def test_leave_a_draft_alone_that_a_person_is_working_on(self, hub: Hub) -> None:
        hub.apply()
        body: dict[str, Any] = {"fields": {"draft": {"steps": [{"path": "x"}]}}}
        draft = save_draft(mapping=Mapping.objects.get(name="bears"), body=body, by=User.objects.first())
        hub.edit("[{path: name}]", "[{path: title}]")
        hub.apply()

        draft.refresh_from_db()
        assert (draft.state, draft.body) == (VersionState.DRAFT, body)

    def test_may_refer_only_to_earlier_mappings(self, hub: Hub) -> None:
        hub.edit("reference: bears", "reference: wolves")

        with pytest.raises(ConfigurationError, match=r"refer to wolves, .* earlier in “toys” \(now: bears\)"):
            hub.apply()
        assert not Integration.objects.exists()


class TestSecrets:
    def test_are_sealed_anew_when_the_value_differs(self, hub: Hub) -> None:
        hub.apply()
        hub.environment["TOY_PASSWORD"] = "swordfish"

        assert hub.told() == ["~ credential toy-key values.password"]
        hub.apply()
        assert credential.open_values(Credential.objects.get())["password"].reveal() == "swordfish"
        assert hub.told() == []

    def test_are_sealed_anew_when_the_addresses_differ(self, hub: Hub) -> None:
        hub.apply()
        hub.edit("https://shelf.example", "https://cupboard.example")

        assert hub.told() == [
            "~ credential toy-key origins[0]",
            "~ credential toy-key values.password",
            "~ connection shelf config.url",
        ]
        hub.apply()
        key = Credential.objects.get()
        assert key.origins == ["https://cupboard.example:443", "https://toy.example:443"]
        assert credential.open_values(key)["password"].reveal() == PASSWORD

    def test_do_not_follow_an_address_that_somebody_changed_without_knowing_them(self, hub: Hub) -> None:
        hub.apply()
        hub.edit("    values:\n      password: {from_env: TOY_PASSWORD}\n", "    origins: [https://thief.example]\n")
        hub.edit("https://toy.example/v1", "https://thief.example")
        hub.edit("https://shelf.example", "https://thief.example")

        with pytest.raises(ConfigurationError, match="every value must be given again: password is missing"):
            hub.apply()
        assert Connection.objects.get(name="toy").config["url"] == "https://toy.example/v1"

    def test_may_go_only_where_their_list_says(self, hub: Hub) -> None:
        hub.edit("    title: Key of the toy\n", "    title: Key of the toy\n    origins: [https://toy.example]\n")

        (wrong,) = hub.wrong()
        assert wrong.startswith("5: The connection “shelf” reaches https://shelf.example:443, but its credential")

    def test_of_a_name_that_no_connector_asks_for_are_refused(self, hub: Hub) -> None:
        hub.edit("password: {from", "pasword: {from")

        (wrong,) = hub.wrong()
        assert wrong == "5: pasword: no connection that uses it asks for this. Known: password, token."

    def test_in_a_config_are_sent_to_the_credential(self, hub: Hub) -> None:
        hub.edit("size: 3", "password: x")

        (wrong,) = hub.wrong()
        assert wrong == (
            f"{hub.line('password: x')}: password: not a setting of this connector. "
            f"It is a secret: write it under the values of a credential"
        )


class TestPrompts:
    @pytest.fixture
    def asking(self, hub: Hub) -> Hub:
        hub.edit("{from_env: TOY_PASSWORD}", "{prompt: Password of the toy}")
        return hub

    def test_are_asked_before_anything_is_written(self, asking: Hub) -> None:
        assert asking.plan().questions == {("toy-key", "password"): "Password of the toy"}

        asking.apply(answers={("toy-key", "password"): "typed"})

        assert credential.open_values(Credential.objects.get())["password"].reveal() == "typed"

    def test_are_not_asked_again(self, asking: Hub) -> None:
        asking.apply(answers={("toy-key", "password"): "typed"})

        assert asking.plan().questions == {}
        assert asking.told() == []

    def test_are_asked_again_when_wished(self, asking: Hub) -> None:
        asking.apply(answers={("toy-key", "password"): "typed"})

        assert asking.plan(ask=True).questions == {("toy-key", "password"): "Password of the toy"}

    def test_are_asked_again_when_the_addresses_differ(self, asking: Hub) -> None:
        asking.apply(answers={("toy-key", "password"): "typed"})
        asking.edit("https://shelf.example", "https://cupboard.example")

        assert asking.plan().questions == {("toy-key", "password"): "Password of the toy"}


class TestDryRun:
    def test_writes_nothing(self, hub: Hub) -> None:
        configuration.write(hub.plan(), by=None, answers={}, dry_run=True)

        assert not Integration.objects.exists()
        assert not Credential.objects.exists()
        assert not AuditEvent.objects.exists()

    def test_finds_what_only_writing_finds(self, hub: Hub) -> None:
        hub.edit("reference: bears", "reference: wolves")

        with pytest.raises(ConfigurationError, match="refer to wolves"):
            configuration.write(hub.plan(), by=None, answers={}, dry_run=True)

    def test_asks_for_nothing(self, hub: Hub) -> None:
        hub.edit("{from_env: TOY_PASSWORD}", "{prompt: Password of the toy}")

        configuration.write(hub.plan(), by=None, answers={}, dry_run=True)

        assert not Credential.objects.exists()


class TestWrongFiles:
    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            (
                "owner: olivia\n    cred",
                "owner: nobody\n    cred",
                "there is no person “nobody”. Add the person in the",
            ),
            ("deputy: rashid", "deputy: olivia", "the deputy must be somebody else than the owner."),
            ("connector: toy\n    owner", "connector: tory\n    owner", "There is no connector “tory”. Known: "),
            (
                "credential: toy-key",
                "credential: other",
                "there is no credential “other”. Add it, or choose one of: toy-",
            ),
            ("size: 3", "size: large", "size: must be a number. How large it is."),
            ("size: 3", "colour: red", "colour: not a setting of this connector"),
            ("every 15 minutes", "now and then", "The schedule “now and then” cannot be read"),
            ("criticality: high", "time_zone: Europe/Atlantis", "There is no time zone “Europe/Atlantis”."),
            ("source: toy/", "source: mars/", "there is no connection “mars”. Add it, or choose one of: shelf, toy."),
            ("[{path: name}]", "[{pth: name}]", "there is no “pth” here; did you mean “path”?"),
            ("archive_fields: {active: false}", "title: bears", "to archive what is deleted at the source, say how"),
            ("purpose: So that", "deputy: rashid #", "purpose is missing. A new integration needs it."),
        ],
    )
    def test_say_where_what_and_how_to_put_it_right(self, hub: Hub, old: str, new: str, told: str) -> None:
        hub.edit(old, new)
        at = {"title: bears": "bears:", "deputy: rashid #": "toys:"}.get(new, new.partition("\n")[0])

        assert any(wrong.startswith(f"{hub.line(at)}: {told}") for wrong in hub.wrong()), hub.wrong()

    def test_tell_everything_at_once_in_the_order_of_the_file(self, hub: Hub) -> None:
        hub.edit("[{path: name}]", "[{pth: name}]")
        hub.edit("deputy: rashid", "deputy: nobody")
        hub.edit("size: 3", "size: large, colour: red")

        lines = [hub.line(marker) for marker in ("colour", "colour", "deputy: nobody", "pth")]
        assert [int(wrong.partition(":")[0]) for wrong in hub.wrong()] == lines

    def test_may_not_name_a_person_who_has_left(self, hub: Hub) -> None:
        User.objects.filter(username="rashid").update(is_active=False)

        (wrong,) = hub.wrong()
        assert wrong == f"{hub.line('rashid')}: “rashid” can no longer sign in. Name somebody who can."

    def test_write_nothing(self, hub: Hub) -> None:
        hub.edit("deputy: rashid", "deputy: nobody")

        hub.wrong()

        assert not Connection.objects.exists()

    def test_may_not_move_a_mapping_that_has_links(self, hub: Hub) -> None:
        hub.apply()
        LinkFactory(mapping=Mapping.objects.get(name="bears"))
        hub.edit("source: toy/things\n        destination: shelf/things\n        arch",
                 "source: toy/others\n        destination: shelf/things\n        arch")  # fmt: skip

        (wrong,) = hub.wrong()
        told = "the source of a mapping that has links cannot change. Make a new mapping instead."
        assert wrong == f"{hub.line('toy/others')}: {told}"

    def test_of_a_connector_that_fails_are_not_the_hubs_end(self, hub: Hub, garden: Garden) -> None:
        garden.plant("torn", "import there_is_no_such_thing")
        hub.edit("connector: toy\n    owner", "connector: torn\n    owner")

        (wrong,) = hub.wrong()
        assert wrong.startswith("10: the connector “torn” cannot be loaded: No module named")


class TestWhatIsThere:
    def test_may_be_referred_to(self, hub: Hub) -> None:
        hub.apply()
        hub.write(
            "integrations:\n  toys:\n    mappings:\n      owls:\n        source: toy/things\n"
            "        destination: shelf/owls\n        delete_policy: ignore\n"
            "        body: {fields: {name: {steps: [{path: name}]}}}"
        )
        hub.apply()

        owls = Mapping.objects.get(name="owls")
        assert owls.source == Connection.objects.get(name="toy")
        assert owls.position == 3

    def test_counts_where_a_credential_is_sent(self, hub: Hub) -> None:
        key = CredentialFactory(name="toy-key", origins=[])
        ConnectionFactory(name="attic", connector="toy", credential=key, config={"url": "https://attic.example"})

        hub.apply()

        key.refresh_from_db()
        assert "https://attic.example:443" in key.origins


class TestPositions:
    def test_are_the_order_of_a_file_that_mentions_all(self) -> None:
        assert positions(["b", "a", "new"], {"a": 1, "b": 2}) == {"b": 1, "a": 2, "new": 3}

    def test_stay_in_a_file_that_mentions_some(self) -> None:
        assert positions(["b", "c"], {"a": 1, "b": 2, "c": 5}) == {"b": 2, "c": 5}

    def test_of_new_mappings_come_last_beside_others(self) -> None:
        assert positions(["new", "newer"], {"a": 1, "b": 2}) == {"new": 3, "newer": 4}

    def test_follow_the_file_where_it_has_another_order(self) -> None:
        assert positions(["b", "a"], {"a": 1, "b": 2, "c": 3}) == {"b": 2, "a": 3}


class TestLeaves:
    def test_name_the_entries_of_a_list_by_what_they_are_called(self) -> None:
        assert leaves([{"name": "a", "x": 1}, {"name": "b"}], "list") == {
            "list[a].name": "a",
            "list[a].x": 1,
            "list[b].name": "b",
        }

    def test_count_them_when_they_have_no_names(self) -> None:
        assert leaves({"steps": [{"path": "x"}, 5], "none": {}}) == {
            ".steps[0].path": "x",
            ".steps[1]": 5,
            ".none": {},
        }
