"""The changes that records are waiting for."""

from collections.abc import Collection

from hub.engine.intent import OPEN
from hub.models import Change
from hub.services.run.flow import Flow
from hub.services.run.piles import OpenChanges


def open_changes(flow: Flow, keys: Collection[str]) -> OpenChanges:
    """(id, state) of the newest open change of each of these records.

    Read before the links: another worker may commit an outcome in between, and then the change must have been seen.
    """
    return open_now(flow, keys) if flow.has_open and keys else {}


def open_now(flow: Flow, keys: Collection[str]) -> OpenChanges:
    """The same, whatever the run knows of changes being open."""
    found = Change.objects.filter(mapping=flow.mapping, source_key__in=list(keys), state__in=sorted(OPEN))
    return {key: (id_, state) for id_, key, state in found.order_by("id").values_list("id", "source_key", "state")}
