"""Jobs: what workers are asked to do, in their own names."""

import os
import socket

import pytest

from hub import jobs
from hub.models import CheckState, ConnectionCheck, Hint, Lane, RunState
from hub.services import run as runs
from tests.factories import ConnectionCheckFactory, ConnectionFactory
from tests.hub.services.run.conftest import Pair, pair
from tests.hub.webhooks import DeliveryFactory, WebhookRouteFactory

__all__ = ["pair"]  # a fixture


class TestDrain:
    def test_does_what_the_lane_has_to_do(self, pair: Pair) -> None:
        pair.source.put("c1", name="Ann", city="Kiel")
        run = pair.ask()

        jobs.drain(lane_id=runs.lane_of(pair.mapping).pk)

        run.refresh_from_db()
        assert (run.state, run.created) == (RunState.SUCCEEDED, 1)

    def test_holds_the_lane_in_the_name_of_its_process(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        owners: list[str] = []

        def refuse(lane: Lane, owner: str) -> bool:
            owners.append(owner)
            return False

        monkeypatch.setattr(Lane, "claim", refuse)

        jobs.drain(lane_id=runs.lane_of(pair.mapping).pk)

        assert owners == [f"{socket.gethostname()}:{os.getpid()}"]

    def test_overlooks_what_a_newer_hub_says_besides(self, pair: Pair) -> None:
        run = pair.ask()

        jobs.drain(lane_id=runs.lane_of(pair.mapping).pk, not_before="2027-01-01")

        run.refresh_from_db()
        assert run.state == RunState.SUCCEEDED


@pytest.mark.django_db(transaction=True)
class TestCheckConnection:
    def test_writes_down_how_the_connection_stands(self) -> None:
        broken = ConnectionFactory(connector="nonesuch")
        asked = ConnectionCheckFactory.create(connection=broken, state=CheckState.ASKED, done_at=None)

        jobs.check_connection(check_id=asked.pk, newer=1)

        check = ConnectionCheck.objects.get(pk=asked.pk)
        assert check.state == CheckState.WRONG
        assert "nonesuch" in check.message


class TestTakeDeliveries:
    def test_turns_what_waits_into_hints(self, pair: Pair) -> None:
        route = WebhookRouteFactory(mapping=pair.mapping)
        DeliveryFactory(webhook=route.webhook, state="received", body=b'{"id": "c1"}')

        jobs.take_deliveries()

        assert Hint.objects.get().source_key == "c1"
