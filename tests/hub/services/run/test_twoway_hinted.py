"""A hint in a two-way mapping may name a record of either side: it is looked at on both."""

from datetime import timedelta

import pytest

from hub import clock
from hub.models import Hint, SyncRun, WebhookRoute
from hub.models.link import provisional
from hub.services import delivery, hint
from hub.services.run.twoway import pair as pairing
from tests.hub.services.run.both_ways import at_source, both, calm, hub_writes, key_there
from tests.hub.services.run.conftest import Pair
from tests.hub.webhooks import WebhookFactory
from tests.simulator import PROFILES, Fault

__all__ = ["both"]


def point_at(pair: Pair, *keys: str) -> None:
    hint.put(pair.mapping.pk, keys, "the system told so", clock.now())


class TestHintOfADestinationRecord:
    def test_brings_its_edit_to_the_source(self, both: Pair) -> None:
        both.destination.put(key_there(both), city="Jena")
        point_at(both, provisional(key_there(both)))

        both.work()

        assert (at_source(both)["city"], Hint.objects.count()) == ("Jena", 0)
        calm(both)

    def test_brings_a_record_that_only_the_destination_has(self, both: Pair) -> None:
        both.destination.put("D1", name="Dan", city="Ulm")
        point_at(both, provisional("D1"))

        both.work()

        assert [row.data["name"] for row in both.source.rows.values()] == ["Ada", "Dan"]
        calm(both)

    def test_of_which_both_sides_told_is_written_once(self, both: Pair) -> None:
        before = hub_writes(both)
        both.destination.put(key_there(both), city="Jena")
        point_at(both, provisional(key_there(both)), "a")

        both.work()

        assert hub_writes(both) == before + 1

    @pytest.mark.parametrize("side", ["source", "destination"])
    def test_that_cannot_be_read_now_is_kept_for_later(
        self, both: Pair, monkeypatch: pytest.MonkeyPatch, side: str
    ) -> None:
        there = key_there(both)
        both.destination.put(there, city="Jena")
        point_at(both, provisional(there))
        unread = frozenset({"a" if side == "source" else there})
        fetched = pairing.fetched
        with monkeypatch.context() as patch:
            patch.setattr(pairing, "fetched", lambda *asked: ({}, unread) if asked[1] == side else fetched(*asked))
            both.work()
        kept = Hint.objects.get()
        assert kept.due_at is not None
        assert kept.due_at > clock.now()

        both.run()

        assert (at_source(both)["city"], Hint.objects.count()) == ("Jena", 0)


class TestWebhookOfTheDestination:
    def test_is_followed_to_the_record_it_names_there(self, both: Pair) -> None:
        webhook = WebhookFactory(connection=both.mapping.destination)
        route = WebhookRoute.objects.create(webhook=webhook, mapping=both.mapping)
        there = key_there(both)
        both.destination.put(there, city="Jena")
        webhook.deliveries.create(
            received_at=clock.now(), delivery_id="m1", digest="1", headers={}, size=9,
            body=b'{"id": "%s"}' % there.encode(),
        )  # fmt: skip

        delivery.take_waiting()
        both.work()

        assert route.names_destination
        assert at_source(both)["city"] == "Jena"

    def test_of_the_source_names_the_records_of_the_source(self, both: Pair) -> None:
        webhook = WebhookFactory(connection=both.mapping.source)

        assert not WebhookRoute.objects.create(webhook=webhook, mapping=both.mapping).names_destination


class TestHintDuringARun:
    @pytest.mark.timeout(60)
    def test_that_must_wait_for_a_lost_answer_is_left_to_the_next_run(self, both: Pair) -> None:
        """Also when the host that asked for the run has a clock ahead of the worker's: hints then look old for ever."""
        both.destination.store.profile = PROFILES["nothing"]
        both.destination.faults.order("a", Fault.DROP_ANSWER, 0.0)
        both.source.put("a", city="Bonn")
        both.run()
        both.source.put("a", city="Rome")
        point_at(both, "a")
        run = both.ask()
        SyncRun.objects.filter(pk=run.pk).update(queued_at=clock.now() + timedelta(minutes=5))

        both.work()

        run.refresh_from_db()
        assert run.hints_done
        assert [one.source_key for one in Hint.objects.all()] == ["a"]
