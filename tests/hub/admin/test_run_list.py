"""The desk's list of runs."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.models import RunState, SyncRun, User
from tests.conftest import ClientOf
from tests.factories import (
    IntegrationFactory,
    MappingFactory,
    SyncRunFactory,
)
from tests.hub.admin.pages import html

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/syncrun/"


def many_runs(count: int) -> None:
    """`count` runs of several mappings."""
    mappings = [MappingFactory(active=True) for _ in range(3)]
    for number in range(count):
        SyncRunFactory(mapping=mappings[number % 3], requested_by=mappings[0].integration.owner)


class TestRunList:
    """The list of runs."""

    def test_shows_the_newest_first_and_pages_by_key(self, auditor: User, client_of: ClientOf) -> None:
        many_runs(55)
        client = client_of(auditor)
        newest = SyncRun.objects.order_by("-pk").values_list("pk", flat=True)

        first = client.get(LIST)
        older = first.context["cl"].older_url()
        second = client.get(LIST + older)
        back = client.get(LIST + second.context["cl"].newer_url())

        assert [run.pk for run in first.context["cl"].result_list] == list(newest[:50])
        assert [run.pk for run in second.context["cl"].result_list] == list(newest[50:])
        assert [run.pk for run in back.context["cl"].result_list] == list(newest[:50])
        assert second.context["cl"].older_url() == ""

    @pytest.mark.parametrize("place", ["after-x", "before-", "7", "after-99999999999999999999999", "' or 1=1"])
    def test_takes_a_spoilt_place_for_the_first_page(self, place: str, auditor: User, client_of: ClientOf) -> None:
        many_runs(2)

        answer = client_of(auditor).get(LIST, {"p": place})

        assert len(answer.context["cl"].result_list) == 2

    def test_begins_anew_when_it_is_narrowed_otherwise(self, auditor: User, client_of: ClientOf) -> None:
        many_runs(55)
        client = client_of(auditor)
        place = client.get(LIST).context["cl"].older_url().partition("=")[2]

        answer = client.get(LIST, {"p": place, "state": "succeeded"})

        assert len(answer.context["cl"].result_list) == 50
        assert answer.context["cl"].newer_url() == ""

    def test_is_narrowed_by_state(self, auditor: User, client_of: ClientOf) -> None:
        failed = SyncRunFactory(state=RunState.FAILED)
        SyncRunFactory()

        answer = client_of(auditor).get(LIST, {"state": "failed"})

        assert list(answer.context["cl"].result_list) == [failed]

    def test_is_narrowed_by_integration_mapping_trigger_and_kind(self, auditor: User, client_of: ClientOf) -> None:
        wanted = SyncRunFactory(is_preview=True, trigger="person")
        SyncRunFactory()
        query = {
            "integration__id__exact": wanted.integration_id,
            "mapping__id__exact": wanted.mapping_id,
            "trigger__exact": "person",
            "is_preview__exact": "1",
        }

        answer = client_of(auditor).get(LIST, query)

        assert list(answer.context["cl"].result_list) == [wanted]

    def test_offers_an_owner_only_what_is_theirs(self, owner: User, client_of: ClientOf) -> None:
        mine = SyncRunFactory(mapping=MappingFactory(integration=IntegrationFactory(owner=owner)))
        other = SyncRunFactory()

        answer = client_of(owner).get(LIST)

        assert list(answer.context["cl"].result_list) == [mine]
        assert str(other.integration) not in answer.content.decode()

    def test_refuses_to_be_asked_about_other_columns(self, auditor: User, client_of: ClientOf) -> None:
        answer = client_of(auditor).get(LIST, {"requested_by__password__startswith": "pbkdf2"})

        assert answer.status_code in {302, 400}

    def test_costs_the_same_for_many_rows(
        self, owner: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        client = client_of(owner)
        for _ in range(4):
            mapping = MappingFactory(integration=IntegrationFactory(owner=owner), active=True)
            for _ in range(12):
                SyncRunFactory(mapping=mapping, requested_by=owner)

        with django_assert_max_num_queries(9):
            client.get(LIST)

    def test_teaches_when_it_is_empty(self, auditor: User, client_of: ClientOf) -> None:
        assert "Nothing has run yet" in html(client_of(auditor), LIST)
