"""Follows deliveries of a webhook again, from the shell."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub import clock
from hub.management import actor
from hub.models import Delivery, DeliveryState, Webhook
from hub.sdk import HubError
from hub.services import delivery


class Command(BaseCommand):
    """`manage.py replay_deliveries WEBHOOK`."""

    help = "Read the records again that stored deliveries of a webhook point at. At most ten thousand at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which deliveries, and why."""
        parser.add_argument("webhook", help="The name of the webhook, the last part of its address.")
        parser.add_argument(
            "--state", choices=[DeliveryState.QUARANTINED, DeliveryState.HINTED, DeliveryState.IGNORED, "all"],
            default=DeliveryState.QUARANTINED, help="Only those in this state; by default those set aside.",
        )  # fmt: skip
        parser.add_argument("--hours", type=float, help="Only those received in the last so many hours.")
        parser.add_argument("--id", dest="delivery_id", help="Only the one with this delivery id.")
        parser.add_argument("--event", help="Only those of this event.")
        actor.add_argument(parser)
        parser.add_argument("--reason", default="from the shell", help="Kept in the audit trail.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay them and say how many there were."""
        webhook = Webhook.objects.filter(name=options["webhook"]).first()
        if webhook is None:
            known = ", ".join(Webhook.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no webhook “{options['webhook']}”. Known: {known}.")
        try:
            count = delivery.replay(
                webhook=webhook,
                deliveries=Delivery.objects.filter(**_conditions(options)),
                by=actor.named(options["by"]),
                reason=options["reason"],
            )
        except HubError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Followed again: {count:,}.")


def _conditions(options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if options["state"] != "all":
        found["state"] = options["state"]
    if options["hours"]:
        found["received_at__gte"] = clock.now() - timedelta(hours=options["hours"])
    for name in ("delivery_id", "event"):
        if options[name]:
            found[name] = options[name]
    return found
