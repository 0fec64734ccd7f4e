"""The desk's pages about versions of a mapping: begun, drafted, tried out, activated."""

import json
from typing import Any

import pytest
from django.test import Client

from hub.models import AuditEvent, Link, Mapping, MappingVersion, SyncRun, User, VersionState
from hub.services import mapping as mappings
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.admin.pages import RULES, deed, page, text

pytestmark = pytest.mark.django_db


def save(client: Client, draft: MappingVersion, body: Any, **given: str) -> Any:
    """Send the form of a draft."""
    written = body if isinstance(body, str) else json.dumps(body)
    return client.post(page(draft, "edit"), {"body": written, "note": "", "save": "1", **given})


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
        given = {"body": json.dumps({"fields": {"x": {"steps": [{"path": "y"}]}}}), "check": "1"}

        shown = text(client_of(owner).post(page(draft, "edit"), given))

        draft.refresh_from_db()
        assert "nothing to correct" in shown
        assert draft.body == RULES

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
