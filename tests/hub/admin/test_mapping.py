"""The desk's pages about mappings: list, page and form."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.models import Mapping, MappingVersion, SyncRun, User
from hub.services import mapping as mappings
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.admin.pages import deed, page, text

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/mapping/"


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
