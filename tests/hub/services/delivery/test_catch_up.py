"""What webhooks miss is read anyway, and a sender that falls silent is noticed."""

from datetime import timedelta

from hub import clock
from hub.models import AuditEvent, RunState, SyncRun, Trigger, Webhook, WebhookHour, WebhookRoute
from hub.services.delivery import catch_up
from tests.factories import SyncRunFactory
from tests.hub.services.delivery.conftest import Sender
from tests.hub.services.run.conftest import Pair, pair
from tests.hub.webhooks import WebhookFactory

__all__ = ["pair"]  # a fixture
HOUR = timedelta(hours=1)


def delivering(webhook: Webhook, hours: list[int]) -> None:
    """It delivered so many hours ago."""
    this = clock.now().replace(minute=0, second=0, microsecond=0)
    for ago in hours:
        WebhookHour.objects.create(webhook=webhook, hour=this - ago * HOUR, received=3)


class TestAsk:
    def test_reads_what_changed_when_the_last_read_is_an_hour_ago(self, pair: Pair) -> None:
        WebhookRoute.objects.create(webhook=WebhookFactory(), mapping=pair.mapping)
        pair.run()

        assert catch_up.ask(clock.now()) == 0
        assert catch_up.ask(clock.now() + timedelta(minutes=61)) == 1
        assert catch_up.ask(clock.now() + timedelta(minutes=61)) == 0  # it is live

        run = SyncRun.objects.latest("id")
        assert (run.trigger, run.is_full) == (Trigger.HUB, False)

    def test_reads_everything_at_the_longer_interval(self, pair: Pair) -> None:
        WebhookRoute.objects.create(webhook=WebhookFactory(catch_up_minutes=0), mapping=pair.mapping)
        pair.run()

        assert catch_up.ask(clock.now() + timedelta(hours=167)) == 0
        assert catch_up.ask(clock.now() + timedelta(hours=169)) == 1
        assert SyncRun.objects.latest("id").is_full

    def test_finds_all_that_changed_while_the_hub_was_away(self, pair: Pair, sender: Sender) -> None:
        """peers.md 5, 17: an hour without the hub is caught up by itself."""
        WebhookRoute.objects.create(webhook=sender.webhook, mapping=pair.mapping)
        pair.run()
        for number in range(10):
            pair.source.put(f"c{number}", name="x", city="Kiel")  # and nobody tells

        catch_up.ask(clock.now() + timedelta(hours=2))
        pair.work()

        assert len(pair.there()) == 10

    def test_does_not_begin_what_never_ran(self, pair: Pair) -> None:
        WebhookRoute.objects.create(webhook=WebhookFactory(), mapping=pair.mapping)

        assert catch_up.ask(clock.now() + timedelta(days=9)) == 0


class TestWatch:
    def test_notices_a_usual_sender_that_is_silent(self, db: None) -> None:
        webhook = WebhookFactory()
        delivering(webhook, list(range(8, 60)))

        assert catch_up.watch(clock.now()) == [webhook]
        assert catch_up.watch(clock.now()) == []  # told once
        assert AuditEvent.objects.get().action == "webhook.silent"

    def test_knows_the_pauses_that_are_usual(self, db: None) -> None:
        """It sleeps at night."""
        webhook = WebhookFactory()
        delivering(webhook, [*range(8, 20), *range(32, 44), *range(56, 68)])

        assert catch_up.watch(clock.now()) == []

    def test_expects_nothing_of_one_that_seldom_delivers(self, db: None) -> None:
        delivering(WebhookFactory(), [50, 51, 52])

        assert catch_up.watch(clock.now()) == []

    def test_is_over_when_it_is_heard_again(self, db: None) -> None:
        webhook = WebhookFactory()
        delivering(webhook, list(range(8, 60)))
        catch_up.watch(clock.now())
        delivering(webhook, [0])

        catch_up.watch(clock.now())

        webhook.refresh_from_db()
        assert webhook.silent_since is None


def test_a_run_that_failed_does_not_count_as_waiting(pair: Pair) -> None:
    WebhookRoute.objects.create(webhook=WebhookFactory(), mapping=pair.mapping)
    SyncRunFactory(mapping=pair.mapping, state=RunState.FAILED, queued_at=clock.now() - timedelta(minutes=5))

    assert catch_up.ask(clock.now()) == 0
    assert catch_up.ask(clock.now() + timedelta(minutes=56)) == 1
