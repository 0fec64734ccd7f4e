"""The desk's pages about runs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hub.clock import now
from hub.engine.intent import State
from hub.models import AuditEvent, RunState, SyncRun, User
from tests.conftest import ClientOf
from tests.factories import (
    AttemptFactory,
    ChangeFactory,
    IntegrationFactory,
    LaneFactory,
    MappingFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/syncrun/"


def page(run: SyncRun, query: str = "") -> str:
    """The address of a run's page."""
    return reverse("admin:hub_syncrun_change", args=[run.pk]) + query


def deed(run: SyncRun, name: str) -> str:
    """The address of one of its deeds."""
    return reverse("admin:hub_syncrun_do", args=[run.pk, name])


def html(client: Client, url: str) -> str:
    """The page, with white space as a browser shows it."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


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

        by_state = client.get(page(run, "?show=refused")).context["told"]
        by_both = client.get(page(run, "?show=applied&operation=create")).context["told"]

        assert [told.change for told in by_state] == [refused]
        assert [told.change.operation for told in by_both] == ["create"]

    def test_pages_changes_by_key_in_the_order_they_were_made(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(updated=60)
        ids = [ChangeFactory(run=run).pk for _ in range(60)]
        client = client_of(auditor)

        first = client.get(page(run)).context["page"]
        second = client.get(page(run, f"?p={first.older}")).context["page"]
        back = client.get(page(run, f"?p={second.newer}")).context["page"]

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


class TestRunDeeds:
    """What people may do to a run."""

    def test_cancel_asks_first_and_needs_a_reason(self, operator: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(state=RunState.QUEUED, started_at=None)
        client = client_of(operator)

        asked = client.get(deed(run, "cancel"))
        without = client.post(deed(run, "cancel"), {"reason": ""})
        run.refresh_from_db()

        assert asked.status_code == without.status_code == 200
        assert run.state == RunState.QUEUED

    def test_cancel_ends_a_queued_run_and_is_written_down(self, operator: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(state=RunState.QUEUED, started_at=None)

        answer = client_of(operator).post(deed(run, "cancel"), {"reason": "wrong file"})
        run.refresh_from_db()

        assert answer.status_code == 302
        assert run.state == RunState.CANCELLED
        assert AuditEvent.objects.get(action="run.cancel").reason == "wrong file"

    def test_release_sends_held_changes_on(self, operator: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(state=RunState.WAITING, held=1)
        LaneFactory(mapping=run.mapping)
        change = ChangeFactory(run=run, state=State.HELD)

        client_of(operator).post(deed(run, "approve_held"), {"reason": "checked with sales"})
        change.refresh_from_db()

        assert change.state == State.READY

    def test_discard_drops_held_changes(self, operator: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(state=RunState.WAITING, held=1)
        change = ChangeFactory(run=run, state=State.HELD)

        client_of(operator).post(deed(run, "discard_held"), {"reason": "source was broken"})
        change.refresh_from_db()

        assert change.state == State.CANCELLED

    def test_again_asks_for_a_run_and_shows_it(self, operator: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(mapping=MappingFactory(active=True), is_full=True)

        answer = client_of(operator).post(deed(run, "again"))
        fresh = SyncRun.objects.exclude(pk=run.pk).get()

        assert answer.headers["Location"] == page(fresh)
        assert (fresh.requested_by, fresh.is_full, fresh.state) == (operator, True, RunState.QUEUED)

    def test_again_says_why_it_cannot(self, operator: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(mapping=MappingFactory(active=True))
        SyncRunFactory(mapping=run.mapping, state=RunState.QUEUED)

        answer = client_of(operator).post(deed(run, "again"))

        assert answer.status_code == 200
        assert "queued or running already" in answer.content.decode()

    @pytest.mark.parametrize("name", ["cancel", "approve_held", "discard_held", "again"])
    def test_are_refused_to_those_who_may_only_look(self, name: str, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory(state=RunState.WAITING, held=1)

        answer = client_of(auditor).post(deed(run, name), {"reason": "because"})

        assert answer.status_code == 403

    @pytest.mark.parametrize("name", ["cancel", "approve_held", "discard_held", "again"])
    def test_are_not_there_for_strangers(self, name: str, owner: User, client_of: ClientOf) -> None:
        answer = client_of(owner).post(deed(SyncRunFactory(), name), {"reason": "because"})

        assert answer.status_code == 404

    def test_need_the_token_of_a_form(self, operator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(operator)
        run = SyncRunFactory(state=RunState.QUEUED)

        assert client.post(deed(run, "cancel"), {"reason": "because"}).status_code == 403

    def test_are_offered_only_where_they_make_sense(self, operator: User, client_of: ClientOf) -> None:
        client = client_of(operator)
        names = {
            state: [
                offer.deed.name for offer in client.get(page(SyncRunFactory(state=state, held=held))).context["offers"]
            ]
            for state, held in ((RunState.RUNNING, 0), (RunState.WAITING, 2), (RunState.SUCCEEDED, 0))
        }

        assert names == {
            RunState.RUNNING: ["cancel"],
            RunState.WAITING: ["approve_held", "discard_held", "again"],
            RunState.SUCCEEDED: ["again"],
        }


FACTS = ("syncrun", "change", "attempt", "reconciliationexception", "link", "hint", "lane", "checkpoint", "auditevent")


class TestWrittenByTheHub:
    """Tables that only the hub writes."""

    @pytest.mark.parametrize("name", FACTS)
    def test_cannot_be_added_to_by_hand(self, name: str, client_of: ClientOf) -> None:
        assert client_of(UserFactory(is_superuser=True)).get(f"/admin/hub/{name}/add/").status_code == 403

    @pytest.mark.parametrize("name", FACTS)
    def test_have_a_list_that_opens(self, name: str, client_of: ClientOf) -> None:
        assert client_of(UserFactory(is_superuser=True)).get(f"/admin/hub/{name}/").status_code == 200

    def test_cannot_be_changed_or_deleted_by_hand(self, client_of: ClientOf) -> None:
        run = SyncRunFactory()
        client = client_of(UserFactory(is_superuser=True))

        assert client.post(page(run), {"state": "failed"}).status_code == 405
        assert client.get(f"/admin/hub/syncrun/{run.pk}/edit/").status_code == 403
        assert client.post(f"/admin/hub/syncrun/{run.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(LIST, {"action": "delete_selected", "_selected_action": run.pk}).status_code in {200, 302}
        assert SyncRun.objects.filter(pk=run.pk, state=run.state).exists()
