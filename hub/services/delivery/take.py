"""Turns deliveries into hints, a page at a time and set-based."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from hub import clock, failpoint
from hub.engine import delivery as message
from hub.models import Delivery, DeliveryState, Webhook, WebhookRoute, bulk
from hub.models.link import provisional
from hub.services import hint, miss
from hub.services.delivery.body import UnreadableError, document
from hub.services.delivery.receive import TEST_HEADER

PAGE = 500
COLUMNS = {"state": "text", "reason": "text", "key": "text", "keys": "int", "taken_at": "timestamptz"}
FIELDS = ("id", "webhook_id", "event", "headers", "body")


def take_waiting(most_pages: int = 1000) -> int:
    """Take all deliveries that wait, oldest first; returns how many. Several may do so at once."""
    total = 0
    for _ in range(most_pages):
        with transaction.atomic():
            waiting = Delivery.objects.filter(state=DeliveryState.RECEIVED).select_for_update(skip_locked=True)
            count = take(list(waiting.order_by("id").values(*FIELDS)[:PAGE]))
            failpoint.reach("deliveries.before_commit")
        failpoint.reach("deliveries.committed")
        total += count
        if count < PAGE:
            break
    return total


def take(rows: Sequence[Mapping[str, Any]]) -> int:
    """Follow these deliveries: hints for the records they point at, and a state for each. Inside a transaction."""
    if not rows:
        return 0
    now = clock.now()
    found = _Page(_routes({row["webhook_id"] for row in rows}), now)
    for row in rows:
        found.sort(row)
    for (mapping_id, title), keys in sorted(found.hints.items()):  # two who take deliveries lock mappings in one order
        hint.put(mapping_id, keys, f"{title} told so", now)
        miss.forgive(mapping_id, keys, now)
    bulk.update("hub_delivery", columns=COLUMNS, rows=found.states)
    return len(rows)


@dataclass(slots=True)
class _Page:
    """What some deliveries come to."""

    routes: Mapping[int, Sequence[WebhookRoute]]
    now: datetime
    hints: dict[tuple[int, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    states: list[tuple[int, str, str, str, int, datetime]] = field(default_factory=list)

    def sort(self, row: Mapping[str, Any]) -> None:
        """One delivery."""
        if TEST_HEADER in row["headers"]:
            self._end(row, DeliveryState.IGNORED, "A test delivery from this hub.")
            return
        routes = self.routes.get(row["webhook_id"], ())
        wanted = [route for route in routes if message.matches(row["event"], route.events)]
        if wanted:
            self._follow(row, wanted)
        elif routes:
            told = f"“{row['event']}”" if row["event"] else "one without a kind"
            self._end(row, DeliveryState.IGNORED, f"No route takes this event ({told}).")
        else:
            self._end(
                row, DeliveryState.QUARANTINED, "The webhook has no route yet. Add one, then replay this delivery."
            )

    def _follow(self, row: Mapping[str, Any], routes: Sequence[WebhookRoute]) -> None:
        try:
            told = document(row["headers"].get("content-type", ""), bytes(row["body"]))
        except UnreadableError as error:
            told, problem = None, str(error)
        else:
            problem = ""
        lacking, every = [], []
        for route in routes:
            keys = message.keys_at(route.keys_from, row["headers"], told)
            if route.names_destination:
                keys = [provisional(key) for key in keys]
            self.hints[route.mapping_id, str(route.webhook)] += keys
            every += keys
            if not keys:
                lacking.append(route.keys_from)
        if lacking:
            reason = problem or f"There is no record key at {', '.join(dict.fromkeys(lacking))}."
            self._end(row, DeliveryState.QUARANTINED, f"{reason} Correct the route, then replay it.", every)
        else:
            self._end(row, DeliveryState.HINTED, "", every)

    def _end(self, row: Mapping[str, Any], state: DeliveryState, reason: str, keys: Sequence[str] = ()) -> None:
        different = list(dict.fromkeys(keys))
        first = different[0] if different else ""
        self.states.append((row["id"], state.value, reason[:300], first, len(different), self.now))


def _routes(webhook_ids: set[int]) -> dict[int, list[WebhookRoute]]:
    found: dict[int, list[WebhookRoute]] = defaultdict(list)
    webhooks = Webhook.objects.in_bulk(webhook_ids)
    for route in WebhookRoute.objects.filter(webhook__in=webhook_ids).select_related("mapping").order_by("id"):
        route.webhook = webhooks[route.webhook_id]
        found[route.webhook_id].append(route)
    return found
