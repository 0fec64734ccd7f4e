"""What comes in is judged, stored, and only then answered."""

import contextlib
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from queue import Empty, SimpleQueue

import pytest
from django.db import OperationalError

from hub.models import Delivery, DeliveryState, Webhook
from hub.services import delivery
from hub.services.delivery import endpoint, refusal, slow
from hub.services.delivery.endpoint import directory
from hub.services.delivery.receive import Request
from tests.hub.services.delivery.conftest import SECRET, Sender, request_of


class TestReceiveLater:
    def later(self, sender: Sender, request: Request) -> list[HTTPStatus]:
        """Every answer that is given within a while; there must be one."""
        answers: SimpleQueue[HTTPStatus] = SimpleQueue()
        delivery.receive_later(sender.webhook.name, request, lambda receipt: answers.put(receipt.status))
        found = [answers.get(timeout=10)]
        with contextlib.suppress(Empty):
            found.append(answers.get(timeout=0.3))
        return found

    def test_answers_once_it_is_committed(self, sender: Sender) -> None:
        """R-01."""
        answers = self.later(sender, sender.signed(b"{}", "m1"))

        assert (answers, Delivery.objects.count()) == ([HTTPStatus.ACCEPTED], 1)

    def test_answers_what_is_refused(self, sender: Sender) -> None:
        assert self.later(sender, sender.signed(b"{}", "m1", "whsec_b3RoZXI=")) == [HTTPStatus.UNAUTHORIZED]

    def test_asks_for_it_again_when_the_hub_itself_breaks(self, sender: Sender) -> None:
        def read(size: int) -> bytes:
            raise RuntimeError("out of order")

        broken = sender.signed(b"{}", "m1")._replace(read=read)

        assert self.later(sender, broken) == [HTTPStatus.SERVICE_UNAVAILABLE]

    def test_answers_a_slow_body_while_it_still_comes_and_stores_nothing_of_it(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(slow, "BODY_SECONDS", 0.2)

        def read(size: int) -> bytes:
            time.sleep(2)
            return b"{}"

        slowly = sender.signed(b"{}", "m1")._replace(read=read)

        assert self.later(sender, slowly) == [HTTPStatus.REQUEST_TIMEOUT]
        assert not Delivery.objects.exists()


class TestReceive:
    def test_stores_a_delivery_as_it_came(self, sender: Sender) -> None:
        """R-01: what is answered with 2xx is committed."""
        receipt = sender.send(b'{"type":"order.paid",  "id": 7}', id_="m1")

        kept = Delivery.objects.get()
        assert receipt.status is HTTPStatus.ACCEPTED
        assert bytes(kept.body) == b'{"type":"order.paid",  "id": 7}'
        assert (kept.delivery_id, kept.event, kept.state, kept.size) == ("m1", "order.paid", "received", 31)

    def test_keeps_no_header_that_may_hold_a_secret(self, sender: Sender) -> None:
        """I21."""
        request = sender.signed(b"{}", "m1")
        secret = {"authorization": "Bearer x", "cookie": "x", "x-api-key": "x", "x-topic": "orders", "host": "hub"}

        delivery.receive(sender.webhook.name, request._replace(headers={**request.headers, **secret}))

        kept = Delivery.objects.get().headers
        assert kept["x-topic"] == "orders"
        assert set(kept) <= {"x-topic", "content-type", "webhook-id", "webhook-timestamp"}

    def test_refuses_a_wrong_signature_and_keeps_nothing_of_the_body(self, sender: Sender) -> None:
        """AB-14."""
        receipt = sender.send({"id": "a"}, secret="whsec_b3RoZXI=")
        sender.told("b")  # what is stored in order comes after the note

        noted = Delivery.objects.get(state=DeliveryState.REFUSED)
        assert receipt.status is HTTPStatus.UNAUTHORIZED
        assert (bytes(noted.body), noted.reason) == (b"", "the signature does not match")

    def test_notes_a_flood_of_refusals_only_in_part(self, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(refusal, "_noted", {})
        for _ in range(60):
            sender.send({"id": "a"}, secret="whsec_b3RoZXI=")
        sender.told("b")

        assert Delivery.objects.filter(state=DeliveryState.REFUSED).count() == refusal.NOTED_AN_HOUR

    def test_does_not_read_a_body_that_is_too_large(self, new_sender: Callable[..., Sender]) -> None:
        sender = new_sender(largest=100)

        def read(size: int) -> bytes:
            raise AssertionError

        assert delivery.receive(sender.webhook.name, Request({}, 101, read)).status == 413
        assert delivery.receive(sender.webhook.name, Request({}, None, read)).status == 411

    def test_knows_neither_a_foreign_name_nor_one_switched_off(self, new_sender: Callable[..., Sender]) -> None:
        sender = new_sender(is_active=False)

        assert sender.send().status == 404
        assert delivery.receive("nobody", request_of({}, b"{}")).status == 404

    def test_asks_to_send_again_while_no_secret_is_set(self, sender: Sender) -> None:
        Webhook.objects.update(credential=None)

        assert sender.send().status == 503

    def test_asks_to_send_again_while_the_database_is_away(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*args: object) -> None:
            raise OperationalError("The server closed the connection.")

        sender.told("known by now")
        monkeypatch.setattr("hub.models.delivery.DeliverySet.arrive", away)
        monkeypatch.setattr(endpoint, "_load", away)
        monkeypatch.setattr(endpoint, "FRESH_SECONDS", 0)

        assert sender.send().status == 503  # with what it knew of the webhook
        directory.forget()
        assert sender.send().status == 503  # knowing nothing

    def test_a_body_cut_short_is_refused(self, sender: Sender) -> None:
        request = sender.signed(b'{"id": 1}', "m1")

        assert delivery.receive(sender.webhook.name, request._replace(length=20)).status == 400

    def test_accepts_the_secret_before_until_its_time_is_up(self, sender: Sender) -> None:
        from datetime import timedelta

        from hub import clock
        from hub.services import webhook

        webhook.set_secret(webhook=sender.webhook, secret="whsec_bmV3", by=None, overlap=timedelta(hours=1))
        directory.forget()
        assert (sender.send().status, sender.send(secret="whsec_bmV3").status) == (202, 202)

        Webhook.objects.update(previous_until=clock.now() - timedelta(seconds=1))
        directory.forget()
        assert (sender.send().status, sender.send(secret="whsec_bmV3").status) == (401, 202)

    def test_text_that_a_database_refuses_is_cleaned(self, sender: Sender) -> None:
        assert sender.send({"type": "nul\0 \ud800", "id": "a"}).status == 202
        assert Delivery.objects.get().event.startswith("nul ")


class TestDuplicates:
    def test_of_one_id_are_one_delivery(self, sender: Sender) -> None:
        """PROOF-HOOK-1 in small: replays have one effect, forever."""
        for _ in range(50):
            assert sender.send({"id": "a"}, id_="m1").status == 202
        Delivery.objects.update(state=DeliveryState.HINTED)
        sender.send({"id": "a"}, id_="m1")

        assert Delivery.objects.count() == 1

    def test_sent_at_the_same_time_are_one_delivery(self, sender: Sender) -> None:
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda: answers.append(sender.send({"id": "a"}, id_="m1").status))
            for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (set(answers), Delivery.objects.count()) == ({202}, 1)

    def test_without_an_id_are_one_delivery_while_it_waits(self, new_sender: Callable[..., Sender]) -> None:
        """Equal content later may tell of another change, so it counts again."""
        sender = new_sender(style="generic")
        for _ in range(5):
            sender.send({"id": "a"})
        assert Delivery.objects.count() == 1

        Delivery.objects.update(state=DeliveryState.HINTED)
        sender.send({"id": "a"})

        assert Delivery.objects.count() == 2

    def test_of_another_webhook_are_another_delivery(self, new_sender: Callable[..., Sender]) -> None:
        one, other = new_sender(), new_sender()
        one.send({"id": "a"}, id_="m1")
        other.send({"id": "a"}, id_="m1")

        assert Delivery.objects.count() == 2


@pytest.mark.parametrize("style", ["standard", "stripe", "shopify", "github", "generic", "token"])
def test_every_style_is_received(new_sender: Callable[..., Sender], style: str) -> None:
    sender = new_sender(style=style)

    assert sender.send({"id": "evt_1", "type": "thing.changed"}).status == 202
    assert sender.send(secret="b3RoZXI=").status == 401
    assert SECRET not in str(Delivery.objects.values_list("headers", flat=True))
