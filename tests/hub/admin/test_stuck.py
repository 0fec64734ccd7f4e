"""The desk's pages about stuck records: what will happen is said first, and done by POST with a reason."""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.clock import now
from hub.engine.intent import State
from hub.models import AuditEvent, Change, ReconciliationException, User
from tests.conftest import ClientOf
from tests.factories import (
    ChangeFactory,
    LaneFactory,
)
from tests.hub.admin.pages import deed, html
from tests.hub.admin.stuck import stuck

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(db: None) -> Change:
    """A refused step with two steps held behind it."""
    return stuck(digest="d", head={"digest": "d"}, behind={}, asked={})


class TestDialogs:
    @pytest.mark.parametrize(
        ("name", "said"),
        [
            (
                "release",
                "is sent once more, as it was planned. The 2 changes that wait behind it then follow, in order.",
            ),
            ("skip", "is given up: name will not reach"),
            ("supersede", "3 changes are given up, none of which is sent."),
        ],
    )
    def test_say_what_will_happen_and_do_nothing_yet(
        self, name: str, said: str, head: Change, operator: User, client_of: ClientOf
    ) -> None:
        client = client_of(operator)

        assert said in html(client, deed(head, name))
        assert said in html(client, deed(ReconciliationException.objects.get(), name))
        head.refresh_from_db()
        assert head.state == State.REJECTED

    @pytest.mark.parametrize(
        ("name", "states"),
        [
            ("release", [State.READY, State.READY, State.READY]),
            ("skip", [State.CANCELLED, State.READY, State.READY]),
            ("supersede", [State.CANCELLED, State.SUPERSEDED, State.SUPERSEDED]),
        ],
    )
    def test_are_carried_out_with_a_reason(
        self, name: str, states: list[State], head: Change, operator: User, client_of: ClientOf
    ) -> None:
        client_of(operator).post(deed(ReconciliationException.objects.get(), name), {"reason": "Corrected there."})

        assert list(Change.objects.order_by("id").values_list("state", flat=True)) == states
        assert ReconciliationException.objects.get().state == "resolved"
        assert AuditEvent.objects.filter(actor=operator, reason="Corrected there.").count() == 1

    def test_want_a_reason(self, head: Change, operator: User, client_of: ClientOf) -> None:
        client_of(operator).post(deed(head, "skip"), {"reason": ""})

        head.refresh_from_db()
        assert head.state == State.REJECTED

    def test_leave_dropping_to_those_who_may_approve(self, head: Change, resolver: User, client_of: ClientOf) -> None:
        client = client_of(resolver)

        assert client.get(deed(head, "release")).status_code == 200
        assert client.get(deed(head, "skip")).status_code == 403
        assert client.get(deed(head, "supersede")).status_code == 403

    def test_are_offered_only_where_something_is_stuck(self, operator: User, client_of: ClientOf) -> None:
        applied = ChangeFactory(state=State.APPLIED)

        text = html(client_of(operator), reverse("admin:hub_change_change", args=[applied.pk]))

        assert "/do/release/" not in text

    def test_leave_a_fresh_read_of_steps_to_a_fresh_start(
        self, head: Change, operator: User, client_of: ClientOf
    ) -> None:
        """“Try again” would read the record as it is now and pass over its steps."""
        page = reverse("admin:hub_reconciliationexception_change", args=[ReconciliationException.objects.get().pk])

        text = html(client_of(operator), page)

        assert "/do/retry/" not in text
        assert all(f"/do/{name}/" in text for name in ("release", "skip", "supersede"))


class TestLanePage:
    def test_tells_who_holds_what_how_much_waits_and_what_is_stuck(
        self, head: Change, operator: User, client_of: ClientOf
    ) -> None:
        mapping = head.mapping
        mapping.slices = 2
        mapping.save()
        since = now()
        first = LaneFactory(
            mapping=mapping, owner="worker-7", held_since=since, lease_until=since + timedelta(minutes=1), epoch=128
        )
        LaneFactory(mapping=mapping, slice=1, epoch=1)
        ChangeFactory.create_batch(3, run=head.run, link=head.link, state=State.READY, bucket=1)

        text = html(client_of(operator), reverse("admin:hub_lane_change", args=[first.pk]))

        assert "worker-7" in text
        assert "<td>3</td>" in text
        assert f"{head.source_key}</a>" in text
        assert "2 held behind it" in text

    def test_says_that_nothing_is_stuck(self, operator: User, client_of: ClientOf) -> None:
        lane = LaneFactory()

        text = html(client_of(operator), reverse("admin:hub_lane_change", args=[lane.pk]))

        assert "No record of this mapping is stuck." in text
