"""What can be done to a run from its page, and by whom."""

import pytest
from django.test import Client

from hub.engine.intent import State
from hub.models import AuditEvent, RunState, SyncRun, User
from tests.conftest import ClientOf
from tests.factories import (
    ChangeFactory,
    LaneFactory,
    MappingFactory,
    SyncRunFactory,
)
from tests.hub.admin.pages import deed, page

pytestmark = pytest.mark.django_db


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
