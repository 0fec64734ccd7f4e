"""The desk's pages about mappings and their versions."""

import json
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.models import AuditEvent, Link, Mapping, MappingVersion, SyncRun, User, VersionState
from hub.services import credential as credentials
from hub.services import mapping as mappings
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.garden import Garden

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/mapping/"
RULES: dict[str, Any] = {"fields": {"title": {"steps": [{"path": "name"}], "required": True}}}


@pytest.fixture
def mapping(owner: User, garden: Garden, administrator: User) -> Mapping:
    """A mapping of an integration of `owner`, reading a toy, without any version."""
    garden.plant("toy")
    kept = make.CredentialFactory()
    place = "https://toy.example:443"
    credentials.set_values(credential=kept, values={"password": "p"}, by=administrator, origins=[place])
    toybox = make.ConnectionFactory(connector="toy", config={"url": place}, credential=kept)
    made: Mapping = make.MappingFactory(
        integration=make.IntegrationFactory(owner=owner), title="Things", source=toybox, source_stream="things"
    )
    return made


@pytest.fixture
def draft(mapping: Mapping, owner: User) -> MappingVersion:
    """A draft of it."""
    return mappings.save_draft(mapping=mapping, body=RULES, by=owner)


def page(row: Mapping | MappingVersion, name: str = "change") -> str:
    """The address of one of its pages."""
    return reverse(f"admin:hub_{row._meta.model_name}_{name}", args=[row.pk])


def deed(row: Mapping | MappingVersion, name: str) -> str:
    """The address of one of its deeds."""
    return reverse(f"admin:hub_{row._meta.model_name}_do", args=[row.pk, name])


def text(answer: Any) -> str:
    """The page, with white space as a browser shows it."""
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


def save(client: Client, draft: MappingVersion, body: Any, **given: str) -> Any:
    """Send the form of a draft."""
    written = body if isinstance(body, str) else json.dumps(body)
    return client.post(page(draft, "edit"), {"body": written, "note": "", "base": draft.digest, "save": "1", **given})


class TestMappingPage:
    def test_shows_both_ends_and_the_rules_in_plain_words(
        self, draft: MappingVersion, owner: User, client_of: ClientOf
    ) -> None:
        mappings.activate(version=draft, by=owner)

        shown = text(client_of(owner).get(page(draft.mapping)))

        assert str(draft.mapping.source) in shown
        assert "version 1 active" in shown
        assert '<th scope="row" class="hub-mono">title</th> <td>name, required</td>' in shown

    def test_says_what_to_do_without_an_active_version(
        self, mapping: Mapping, owner: User, client_of: ClientOf
    ) -> None:
        shown = text(client_of(owner).get(page(mapping)))

        assert "no active version" in shown
        assert deed(mapping, "run_now") not in shown

    def test_lists_the_versions_with_their_state(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        shown = text(client_of(owner).get(page(draft.mapping)))

        assert page(draft) in shown
        assert 'hub-badge-plain">draft</span>' in shown

    def test_is_not_there_for_others(self, mapping: Mapping, deputy: User, client_of: ClientOf) -> None:
        assert client_of(deputy).get(page(mapping)).status_code == 404

    def test_runs_this_mapping_alone(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        mappings.activate(version=draft, by=owner)
        make.MappingFactory(integration=draft.mapping.integration, active=True)

        answer = client_of(owner).post(deed(draft.mapping, "run_now"), {"how": "full"})

        run = SyncRun.objects.get()
        assert run.mapping == draft.mapping
        assert answer.headers["Location"] == reverse("admin:hub_syncrun_change", args=[run.pk])


class TestMappingForm:
    def filled(self, mapping: Mapping, **given: object) -> dict[str, object]:
        """What the form sends."""
        form = {
            "integration": mapping.integration_id, "title": "Renamed", "name": mapping.name, "position": 3,
            "source": mapping.source_id, "source_stream": "things", "destination": mapping.destination_id,
            "destination_stream": "partners", "semantics": "state", "read_mode": "full", "delete_policy": "exception",
            "direction": "one_way", "back_delete_policy": "exception", "back_archive_fields": "{}",
            "archive_fields": "{}", "page_size": 100, "slices": 1, "max_deletions": 5, "max_deletion_share": "0.010",
        }  # fmt: skip
        return {**form, **given}

    def test_saves(self, mapping: Mapping, owner: User, client_of: ClientOf) -> None:
        client_of(owner).post(page(mapping, "edit"), self.filled(mapping))

        mapping.refresh_from_db()
        assert (mapping.title, mapping.position, mapping.read_mode) == ("Renamed", 3, "full")

    def test_does_not_put_a_mapping_into_a_strange_integration(
        self, mapping: Mapping, owner: User, client_of: ClientOf
    ) -> None:
        strange = make.IntegrationFactory()

        answer = client_of(owner).post(page(mapping, "edit"), self.filled(mapping, integration=strange.pk))

        mapping.refresh_from_db()
        assert "Select a valid choice" in answer.content.decode()
        assert mapping.integration != strange

    def test_does_not_use_a_connection_out_of_sight(self, mapping: Mapping, owner: User, client_of: ClientOf) -> None:
        hidden = make.ConnectionFactory()

        answer = client_of(owner).post(page(mapping, "edit"), self.filled(mapping, source=hidden.pk))

        assert "Select a valid choice" in answer.content.decode()

    def test_adds_one(self, mapping: Mapping, owner: User, client_of: ClientOf) -> None:
        answer = client_of(owner).post(f"{LIST}add/", self.filled(mapping, name="another"))

        assert answer.headers["Location"] == page(Mapping.objects.get(name="another"))


class TestNewVersion:
    def test_begins_with_the_rules_of_the_active_one(
        self, draft: MappingVersion, owner: User, client_of: ClientOf
    ) -> None:
        mappings.activate(version=draft, by=owner)

        answer = client_of(owner).post(deed(draft.mapping, "draft"))

        begun = MappingVersion.objects.get(number=2)
        assert (begun.state, begun.body) == (VersionState.DRAFT, RULES)
        assert answer.headers["Location"] == page(begun, "edit")

    def test_opens_the_draft_that_is_there(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        answer = client_of(owner).post(deed(draft.mapping, "draft"))

        assert answer.headers["Location"] == page(draft, "edit")
        assert MappingVersion.objects.count() == 1

    def test_begins_somewhere_without_any(self, mapping: Mapping, owner: User, client_of: ClientOf) -> None:
        client_of(owner).post(deed(mapping, "draft"))

        assert MappingVersion.objects.get().body["fields"]

    def test_does_nothing_on_a_mere_look(self, mapping: Mapping, owner: User, client_of: ClientOf) -> None:
        client_of(owner).get(deed(mapping, "draft"))

        assert not MappingVersion.objects.exists()

    @pytest.mark.parametrize("name", ["resolver", "auditor", "operator"])
    def test_is_only_for_who_may_draft(
        self, name: str, mapping: Mapping, client_of: ClientOf, request: pytest.FixtureRequest
    ) -> None:
        assert client_of(request.getfixturevalue(name)).post(deed(mapping, "draft")).status_code == 403


class TestDraft:
    def test_is_saved(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        body = {"fields": {"label": {"steps": [{"path": "name"}, {"trim": True}]}}}

        answer = save(client_of(owner), draft, body, note="label instead of title")

        draft.refresh_from_db()
        assert answer.headers["Location"] == page(draft)
        assert (draft.body, draft.note) == (body, "label instead of title")

    def test_lists_every_problem_with_its_place(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        body = {"fields": {"a": {"steps": [{"pat": "name"}]}, "b": {"steps": [{"path": "x"}, {"trimm": True}]}}}

        shown = text(save(client_of(owner), draft, body))

        assert "fields.a.steps[0]" in shown
        assert "fields.b.steps[1]: there is no “trimm” here; did you mean “trim”?" in shown
        draft.refresh_from_db()
        assert draft.body == RULES

    def test_says_where_the_text_is_not_json_and_keeps_it(
        self, draft: MappingVersion, owner: User, client_of: ClientOf
    ) -> None:
        shown = text(save(client_of(owner), draft, '{\n  "fields" {}}'))

        assert "at line 2, column 12" in shown
        assert "&quot;fields&quot; {}}" in shown

    def test_is_only_checked_when_that_is_asked(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        given = {"body": json.dumps({"fields": {"x": {"steps": [{"path": "y"}]}}}), "check": "1", "base": ""}

        shown = text(client_of(owner).post(page(draft, "edit"), given))

        draft.refresh_from_db()
        assert "nothing to correct" in shown
        assert draft.body == RULES

    def test_is_not_written_over_what_somebody_else_saved_meanwhile(
        self, draft: MappingVersion, owner: User, client_of: ClientOf
    ) -> None:
        theirs = {"fields": {"theirs": {"steps": [{"path": "name"}]}}}
        mappings.save_draft(mapping=draft.mapping, body=theirs, by=None)

        shown = text(save(client_of(owner), draft, RULES))

        draft.refresh_from_db()
        assert "Somebody changed this draft meanwhile" in shown
        assert draft.body == theirs

    def test_cannot_change_once_it_was_in_use(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        mappings.activate(version=draft, by=owner)
        client = client_of(owner)

        assert client.get(page(draft, "edit")).status_code == 403
        assert save(client, draft, {"fields": {}}).status_code == 403
        assert "it cannot change" in text(client.get(page(draft)))


class TestTryOut:
    def test_shows_both_sides_of_real_records(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        shown = text(client_of(owner).post(deed(draft, "try_out"), {"limit": "5"}))

        assert "5 would be created" in shown
        assert '<th scope="row">name</th> <td>thing 0</td>' in shown
        assert '<th scope="row">title</th> <td>thing 0</td>' in shown

    def test_shows_what_would_change_at_the_other_side(
        self, draft: MappingVersion, owner: User, client_of: ClientOf
    ) -> None:
        link = make.LinkFactory(mapping=draft.mapping, source_key="0", destination_key="P-77")
        make.LinkImageFactory(link=link, sent={"title": "an old name"})

        shown = text(client_of(owner).post(deed(draft, "try_out")))

        assert "linked to P-77" in shown
        assert "1 would be changed" in shown
        assert "before: <del>an old name</del>" in shown

    def test_shows_problems_at_their_field(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        body = {"fields": {"title": {"steps": [{"path": "nothing"}], "required": True}}}
        mappings.save_draft(mapping=draft.mapping, body=body, by=owner)

        shown = text(client_of(owner).post(deed(draft, "try_out")))

        assert "would become an exception" in shown
        assert '<tr class="hub-wrong">' in shown
        assert "a value is required" in shown

    def test_says_why_the_source_cannot_be_read(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        source = draft.mapping.source
        source.config = {}
        source.save()

        assert "is required" in text(client_of(owner).post(deed(draft, "try_out")))

    def test_writes_nothing_and_reads_nothing_on_a_mere_look(
        self, draft: MappingVersion, owner: User, client_of: ClientOf
    ) -> None:
        client = client_of(owner)

        shown = text(client.get(deed(draft, "try_out")))
        client.post(deed(draft, "try_out"))

        assert "thing 0" not in shown
        assert not SyncRun.objects.exists()
        assert not Link.objects.exists()

    def test_is_not_for_who_may_only_view(self, draft: MappingVersion, auditor: User, client_of: ClientOf) -> None:
        assert client_of(auditor).post(deed(draft, "try_out")).status_code == 403


class TestActivate:
    def test_asks_first(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        shown = text(client_of(owner).get(deed(draft, "activate")))

        draft.refresh_from_db()
        assert "From now on runs use version 1." in shown
        assert draft.state == VersionState.DRAFT

    def test_lets_runs_use_it(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        answer = client_of(owner).post(deed(draft, "activate"))

        draft.refresh_from_db()
        assert answer.headers["Location"] == page(draft.mapping)
        assert (draft.state, draft.activated_by) == (VersionState.ACTIVE, owner)
        assert AuditEvent.objects.filter(action="mappingversion.activate", actor=owner).exists()

    def test_says_why_it_cannot_be_done(self, draft: MappingVersion, owner: User, client_of: ClientOf) -> None:
        body = {"fields": {"party": {"steps": [{"path": "id"}], "reference": "unknown"}}}
        mappings.save_draft(mapping=draft.mapping, body=body, by=owner)

        shown = text(client_of(owner).post(deed(draft, "activate")))

        draft.refresh_from_db()
        assert "refer to unknown" in shown
        assert draft.state == VersionState.DRAFT

    def test_is_not_for_a_developer(self, draft: MappingVersion, developer: User, client_of: ClientOf) -> None:
        assert client_of(developer).post(deed(draft, "activate")).status_code == 403


class TestMappingList:
    @pytest.mark.parametrize("address", [LIST, "/admin/hub/mappingversion/"])
    def test_needs_the_same_few_queries_for_any_number(self, address: str, auditor: User, client_of: ClientOf) -> None:
        def queries() -> int:
            client = client_of(auditor)
            with CaptureQueriesContext(database) as caught:
                assert client.get(address).status_code == 200
            return len(caught)

        make.MappingFactory(active=True)
        few = queries()
        for _ in range(20):
            make.MappingFactory(active=True)

        assert queries() == few <= 12
