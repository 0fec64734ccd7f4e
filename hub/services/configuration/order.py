"""What items get from those beside them: mappings their places, credentials of webhooks their kind."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hub.models import CredentialKind
from hub.services.configuration.item import Item, Kind
from hub.services.configuration.present import Present


def placed(items: Sequence[Item], present: Present) -> list[Item]:
    """The items, mappings with their position."""
    files: dict[str, list[str]] = {}
    for item in items:
        if item.kind is Kind.MAPPING:
            files.setdefault(item.name.partition("/")[0], []).append(item.name)
    places: dict[str, int] = {}
    for integration, names in files.items():
        rows = present.rows[Kind.MAPPING].items()
        there = {name: row.position for name, row in rows if row.integration.name == integration}
        places |= positions(names, there)
    return [_at(item, places[item.name]) if item.kind is Kind.MAPPING else item for item in items]


def signing(items: Sequence[Item], present: Present) -> list[Item]:
    """The items, new credentials of webhooks with their kind: the web process must open them to check signatures."""
    of_webhooks = {item.given.get("credential") for item in items if item.kind is Kind.WEBHOOK}
    of_connections = {item.given.get("credential") for item in items if item.kind is Kind.CONNECTION}
    names = of_webhooks - of_connections - set(present.rows[Kind.CREDENTIAL])
    return [
        replace(item, given={"kind": CredentialKind.WEBHOOK.value, **item.given})
        if item.kind is Kind.CREDENTIAL and item.name in names
        else item
        for item in items
    ]


def positions(names: Sequence[str], there: Mapping[str, int]) -> dict[str, int]:
    """Positions of the mappings in a file. A file that mentions all of them numbers them from 1.

    Otherwise those that are there stay where they are, unless the file has them in another order, and new
    ones come after all others.
    """
    if set(there) <= set(names):
        return {name: position for position, name in enumerate(names, start=1)}
    found: dict[str, int] = {}
    last, end = 0, max(there.values())
    for name in names:
        end += name not in there
        last = max(there.get(name, end), last + 1)
        found[name] = last
    return found


def _at(item: Item, position: int) -> Item:
    return replace(item, given={**item.given, "position": position})
