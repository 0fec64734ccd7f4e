"""The routes of a webhook as files write them: told, checked, and set."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.engine.delivery import wrong_place
from hub.models import Mapping as MappingRow
from hub.models import Webhook, WebhookRoute
from hub.services import webhook as webhooks
from hub.services.configuration.item import Item

Routes = Sequence[Mapping[str, Any]]


def told(webhook: Webhook) -> list[dict[str, Any]]:
    """The present routes, in order."""
    rows = webhook.routes.select_related("mapping__integration").order_by("id")
    return [{"mapping": row.mapping.path, "events": row.events, "keys_from": row.keys_from} for row in rows]


def problems(item: Item, style: str, signature: Mapping[str, Any], known: set[str]) -> dict[str, str]:
    """What is wrong with a webhook as described, by the path of the field."""
    places = {name: item.given.get(name, "") for name in ("id_from", "event_from")}
    found = webhooks.problems(style, signature, places)
    for number, route in enumerate(item.given.get("routes", ())):
        if route["mapping"] not in known:
            shown = ", ".join(sorted(known)) or "none"
            found[f"routes[{number}].mapping"] = f"there is no mapping “{route['mapping']}”. Known: {shown}."
        if wrong := wrong_place(route["keys_from"]):
            found[f"routes[{number}].keys_from"] = f"keys_from {wrong}"
    return found


def set_routes(webhook: Webhook, wanted: Routes, mappings: Mapping[str, MappingRow]) -> None:
    """Make the routes what a file says; those that stay keep their rows."""
    kept = {
        (row.mapping.path, tuple(row.events), row.keys_from): row
        for row in webhook.routes.select_related("mapping__integration")
    }
    for route in wanted:
        if kept.pop((route["mapping"], tuple(route["events"]), route["keys_from"]), None) is None:
            WebhookRoute.objects.create(
                webhook=webhook,
                mapping=mappings[route["mapping"]],
                events=route["events"],
                keys_from=route["keys_from"],
            )
    for row in kept.values():
        row.delete()
