"""Finds the destination keys of records that other mappings of the integration linked."""

from hub.models import Link, LinkState, Mapping
from hub.services.run.flow import Flow

# What a preview shows for the key of a record that another mapping of it would create.
TO_BE_CREATED = "(to be created)"


def resolve(flow: Flow, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The destination keys of (mapping name, source key) pairs linked by other mappings of the integration."""
    found: dict[tuple[str, str], str] = {}
    for name in {name for name, _ in wanted}:
        other = Mapping.objects.filter(integration=flow.mapping.integration, name=name).first()
        keys = [key for mapping, key in wanted if mapping == name]
        links = Link.objects.for_page(other.pk, keys) if other else {}
        if flow.run.is_preview and _is_planned(flow, name):
            found |= {(name, key): TO_BE_CREATED for key in keys}
        found |= {
            (name, key): link.destination_key
            for key, link in links.items()
            if link.destination_key and link.state == LinkState.LINKED
        }
    return found


def resolve_back(flow: Flow, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The source keys of (mapping name, destination key) pairs linked by other mappings of the integration."""
    found: dict[tuple[str, str], str] = {}
    for name in {name for name, _ in wanted}:
        keys = [key for mapping, key in wanted if mapping == name]
        links = Link.objects.filter(
            mapping__integration=flow.mapping.integration, mapping__name=name, destination_key__in=keys
        )
        rows = links.filter(state=LinkState.LINKED).values_list("destination_key", "source_key")
        found |= {(name, str(there)): here for there, here in rows}
    return found


def _is_planned(flow: Flow, name: str) -> bool:
    """Whether the preview just before this one would create records of mapping `name`."""
    run = flow.run.after
    while run is not None:
        if run.mapping.name == name:
            return run.is_preview and run.planned > 0
        run = run.after
    return False
