"""Deliveries become hints; what cannot is set aside where people see it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from hub import clock
from hub.models import AuditEvent, Delivery, DeliveryState, Hint, WebhookMiss, WebhookRoute
from hub.services import delivery, miss
from hub.services.delivery import ReplayError
from tests.factories import UserFactory
from tests.hub.services.delivery.conftest import Sender
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]  # a fixture


def states() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("id").values_list("state", "reason"))


def hints() -> dict[str, int]:
    return dict(Hint.objects.values_list("source_key", "count"))


class TestTake:
    def test_gives_hints_for_the_records_named(self, sender: Sender) -> None:
        route = sender.routed()
        sender.told("a", "b", "a")

        assert delivery.take_waiting() == 3

        assert (hints(), set(states())) == ({"a": 2, "b": 1}, {("hinted", "")})
        assert set(Hint.objects.values_list("mapping", flat=True)) == {route.mapping_id}
        assert set(Delivery.objects.values_list("key", "keys")) == {("a", 1), ("b", 1)}

    def test_five_hundred_of_one_record_are_one_hint(self, sender: Sender) -> None:
        """correctness 2.2: burst control."""
        sender.routed()
        for number in range(500):
            Delivery.objects.create(
                webhook=sender.webhook, received_at=clock.now(), delivery_id=f"m{number}", digest=str(number),
                headers={}, body=b'{"id": "a"}', size=11,
            )  # fmt: skip

        delivery.take_waiting()

        assert hints() == {"a": 500}

    def test_follows_the_routes_whose_events_match(self, sender: Sender) -> None:
        orders, all_of_it = sender.routed(events=["order.*"]), sender.routed(keys_from="body:customer")
        sender.send({"type": "order.paid", "id": "o1", "customer": "c1"})
        sender.send({"type": "note.added", "id": "n1", "customer": "c2"})

        delivery.take_waiting()

        found = set(Hint.objects.values_list("mapping", "source_key"))
        assert found == {(orders.mapping_id, "o1"), (all_of_it.mapping_id, "c1"), (all_of_it.mapping_id, "c2")}

    def test_names_several_records_of_one_delivery(self, sender: Sender) -> None:
        sender.routed(keys_from="body:items.*.id")
        sender.send({"items": [{"id": 1}, {"id": 2}, {"id": 2}]})

        delivery.take_waiting()

        assert hints() == {"1": 1, "2": 1}

    def test_ignores_an_event_that_no_route_wants_and_says_so(self, sender: Sender) -> None:
        """I13: nothing is silently dropped."""
        sender.routed(events=["order.*"])
        sender.told("a")

        delivery.take_waiting()

        assert states() == [("ignored", "No route takes this event (“thing.changed”).")]

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b'{"other": 1}', "There is no record key at body:id."),
            (b"<order/>", "The body is not JSON."),
            (b'{"id": null}', "There is no record key at body:id."),
        ],
    )
    def test_sets_aside_what_names_no_record(self, sender: Sender, body: bytes, told: str) -> None:
        sender.routed()
        sender.send(body)

        delivery.take_waiting()

        [(state, reason)] = states()
        assert (state, hints()) == ("quarantined", {})
        assert reason.startswith(told)

    def test_sets_aside_what_comes_before_there_is_a_route(self, sender: Sender) -> None:
        sender.told("a")

        delivery.take_waiting()

        assert states()[0][0] == "quarantined"

    def test_goes_on_where_a_killed_worker_stopped(self, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
        from hub import failpoint

        sender.routed()
        sender.told("a")
        failpoint.arm("deliveries.before_commit", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            delivery.take_waiting()
        failpoint.disarm()

        delivery.take_waiting()

        assert (hints(), states()) == ({"a": 1}, [("hinted", "")])


class TestReplay:
    def test_follows_a_delivery_again_with_the_route_as_it_is_now(self, sender: Sender) -> None:
        route = sender.routed(keys_from="body:wrong")
        sender.told("a")
        delivery.take_waiting()
        route.keys_from = "body:id"
        route.save()

        count = delivery.replay(
            webhook=sender.webhook, deliveries=Delivery.objects.all(), by=UserFactory(), reason="route corrected"
        )

        kept = Delivery.objects.get()
        assert (count, kept.state, kept.key, kept.replays) == (1, "hinted", "a", 1)
        assert hints() == {"a": 1}
        assert AuditEvent.objects.get(action="delivery.replay").detail["deliveries"] == 1

    def test_takes_equal_ones_without_an_id(self, new_sender: Callable[..., Sender]) -> None:
        sender = new_sender(style="generic")
        sender.routed()
        for _ in range(2):
            sender.told("a")
            delivery.take_waiting()
        Hint.objects.all().delete()

        delivery.replay(webhook=sender.webhook, deliveries=Delivery.objects.all(), by=None, reason="again")

        assert hints() == {"a": 2}

    def test_of_refused_ones_is_not_possible(self, sender: Sender) -> None:
        sender.send(secret="whsec_b3RoZXI=")
        sender.told("a")
        refused = Delivery.objects.filter(state=DeliveryState.REFUSED)

        with pytest.raises(ReplayError, match="kept without"):
            delivery.replay(webhook=sender.webhook, deliveries=refused, by=None, reason="why")


class TestSweep:
    def test_rings_for_what_waits_too_long(self, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
        """R-04: losing Redis costs a delay."""
        rings: list[int] = []
        monkeypatch.setattr("hub.queue.ring_deliveries", lambda: rings.append(1))
        sender.told("a")

        assert delivery.sweep(clock.now()) is False
        assert delivery.sweep(clock.now() + timedelta(seconds=6)) is True
        assert rings

    def test_forgets_what_was_kept_long_enough_but_nothing_that_waits(self, sender: Sender) -> None:
        sender.told("a", "b")
        Delivery.objects.filter(pk=Delivery.objects.latest("id").pk).update(state=DeliveryState.HINTED)

        delivery.tend(clock.now() + timedelta(days=31))

        assert Delivery.objects.get().state == DeliveryState.RECEIVED


class TestMissed:
    def test_is_counted_when_no_webhook_comes_even_late(self, sender: Sender) -> None:
        route = sender.routed()
        now = clock.now()
        miss.note(route.mapping_id, ["a", "b"], now)
        sender.told("a")
        delivery.take_waiting()

        assert miss.count_up(now + timedelta(minutes=5)) == 0
        assert miss.count_up(now + timedelta(minutes=11)) == 1

        assert [hour.missed for hour in sender.webhook.hours.filter(missed__gt=0)] == [1]
        assert WebhookMiss.objects.get().source_key == "b"

    def test_does_not_count_what_was_announced(self, sender: Sender) -> None:
        route = sender.routed()
        sender.told("a")
        delivery.take_waiting()

        miss.note(route.mapping_id, ["a"], clock.now())

        assert WebhookMiss.objects.count() == 0


class TestMissedByARun:
    def test_is_what_a_read_found_changed_and_nobody_announced(self, pair: Pair, sender: Sender) -> None:
        """peers.md 5, 17: the gap between what was told and what changed is shown."""
        WebhookRoute.objects.create(webhook=sender.webhook, mapping=pair.mapping)
        pair.source.put("a", name="Ada", city="Kiel")
        pair.source.put("b", name="Bea", city="Bonn")
        pair.run()
        assert WebhookMiss.objects.count() == 0  # a first load

        pair.source.put("a", city="Bonn")
        pair.source.put("b", city="Kiel")
        sender.told("a")
        delivery.take_waiting()
        pair.work()
        pair.run()

        assert list(WebhookMiss.objects.values_list("source_key", flat=True)) == ["b"]
