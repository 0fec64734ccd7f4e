"""The desk's page of a run, and the part of it that moves."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from hub.clock import now
from hub.engine.intent import State
from hub.models import RunState, User
from tests.conftest import ClientOf
from tests.factories import (
    AttemptFactory,
    ChangeFactory,
    IntegrationFactory,
    MappingFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
)
from tests.hub.admin.pages import html, page

pytestmark = pytest.mark.django_db


class TestRunPage:
    """The page of a run."""

    def test_says_what_it_is_how_it_stands_and_what_to_do(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(state=RunState.FAILED, reason="The ERP refused the credentials.", reason_code="auth")

        text = html(client_of(auditor), page(run))

        assert f"Run {run.pk}: {run.integration} / {run.mapping}" in text
        assert "The ERP refused the credentials." in text
        assert "Set its values anew" in text

    def test_shows_counts_that_visibly_add_up(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(unchanged=1198, updated=4, created=1, excepted=1)

        context = client_of(auditor).get(page(run)).context

        assert [(term.count, term.word) for term in context["terms"]] == [
            (1198, "unchanged"),
            (5, "written"),
            (0, "held"),
            (0, "left out"),
            (1, "in exception"),
            (0, "in flight"),
        ]
        assert context["adds_up"]

    def test_links_each_number_to_the_list_behind_it(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(updated=1, held=1, excepted=1, in_flight=1)

        text = html(client_of(auditor), page(run))

        for shows in ("applied", "held", "flight"):
            assert f'href="{page(run)}?show={shows}#changes"' in text
        assert f'href="/admin/hub/reconciliationexception/?run={run.pk}&amp;state=all"' in text

    def test_puts_before_and_after_side_by_side(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(updated=1)
        ChangeFactory(
            run=run, before={"street": "Markt 1"}, fields={"street": "Markt 1b"}, after={"street": "Markt 1b"}
        )

        text = html(client_of(auditor), page(run))

        assert "Markt 1<mark>b</mark>" in text

    def test_shows_redacted_request_and_response_of_attempts(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(updated=1)
        change = ChangeFactory(run=run)
        AttemptFactory(change=change, request="PUT /partners/1\nAuthorization: [redacted]", response="<b>200 OK</b>")

        text = html(client_of(auditor), page(run))

        assert "Authorization: [redacted]" in text
        assert "&lt;b&gt;200 OK&lt;/b&gt;" in text
        assert "41 ms" in text

    def test_shows_what_a_preview_would_write(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(is_preview=True, planned=1)
        ChangeFactory(run=run, state=State.PLANNED, before={"name": "Old"}, fields={"name": "New"})

        text = html(client_of(auditor), page(run))

        assert "What would be written" in text
        assert "after, as planned" in text
        assert "No attempt yet" not in text

    def test_narrows_changes_by_what_became_of_them_and_by_operation(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(updated=1, created=1, excepted=1)
        ChangeFactory(run=run)
        ChangeFactory(run=run, operation="create")
        refused = ChangeFactory(run=run, state=State.REJECTED)
        client = client_of(auditor)

        by_state = client.get(page(run) + "?show=refused").context["told"]
        by_both = client.get(page(run) + "?show=applied&operation=create").context["told"]

        assert [told.change for told in by_state] == [refused]
        assert [told.change.operation for told in by_both] == ["create"]

    def test_pages_changes_by_key_in_the_order_they_were_made(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(updated=60)
        ids = [ChangeFactory(run=run).pk for _ in range(60)]
        client = client_of(auditor)

        first = client.get(page(run)).context["page"]
        second = client.get(page(run) + f"?p={first.older}").context["page"]
        back = client.get(page(run) + f"?p={second.newer}").context["page"]

        assert [change.pk for change in first.rows] == ids[:25]
        assert [change.pk for change in second.rows] == ids[25:50]
        assert [change.pk for change in back.rows] == ids[:25]

    def test_lists_what_needs_a_person(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(excepted=1, state=RunState.PARTIAL)
        raised = ReconciliationExceptionFactory(mapping=run.mapping, last_run=run, reason="No such country: XK.")

        text = html(client_of(auditor), page(run))

        assert "No such country: XK." in text
        assert reverse("admin:hub_reconciliationexception_change", args=[raised.pk]) in text

    def test_is_not_there_for_a_stranger(self, owner: User, client_of: ClientOf) -> None:
        assert client_of(owner).get(page(SyncRunFactory())).status_code == 404

    def test_hides_the_lease_from_those_who_only_look(self, auditor: User, operator: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(epoch=4)

        assert "epoch 4" not in html(client_of(auditor), page(run))
        assert "epoch 4" in html(client_of(operator), page(run))

    @pytest.mark.parametrize("count", [3, 25])
    def test_costs_the_same_for_few_and_many_changes(
        self, count: int, owner: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        mapping = MappingFactory(integration=IntegrationFactory(owner=owner), active=True)
        run = SyncRunFactory(mapping=mapping, updated=count, requested_by=owner, excepted=2)
        for _ in range(count):
            AttemptFactory(change=ChangeFactory(run=run))
        ReconciliationExceptionFactory(mapping=mapping, last_run=run)
        client = client_of(owner)

        with django_assert_max_num_queries(17):
            client.get(page(run))


class TestLivePart:
    """The part of the page that moves while the run goes on."""

    def test_shows_how_far_it_is(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(
            state=RunState.RUNNING, unchanged=250, expected=1000, pages=2, started_at=now() - timedelta(seconds=5)
        )

        text = html(client_of(auditor), f"/admin/hub/syncrun/{run.pk}/live/")

        assert '<progress max="100" value="25"' in text
        assert "records a second" in text
        assert "<html" not in text

    def test_tells_the_page_to_load_again_once_it_has_ended(self, auditor: User, client_of: ClientOf) -> None:
        going = SyncRunFactory(state=RunState.RUNNING)
        ended = SyncRunFactory()
        client = client_of(auditor)

        assert "X-Refresh" not in client.get(f"/admin/hub/syncrun/{going.pk}/live/").headers
        assert client.get(f"/admin/hub/syncrun/{ended.pk}/live/").headers["X-Refresh"] == "reload"

    def test_is_asked_for_only_while_the_run_goes_on(self, auditor: User, client_of: ClientOf) -> None:
        client = client_of(auditor)

        assert "data-refresh" in html(client, page(SyncRunFactory(state=RunState.RUNNING)))
        assert "data-refresh" not in html(client, page(SyncRunFactory()))

    def test_is_cheap(
        self, owner: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        run = SyncRunFactory(
            state=RunState.RUNNING, mapping=MappingFactory(integration=IntegrationFactory(owner=owner), active=True)
        )
        client = client_of(owner)

        with django_assert_max_num_queries(6):
            client.get(f"/admin/hub/syncrun/{run.pk}/live/")
