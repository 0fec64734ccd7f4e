"""Commits what a page of pairs brought besides its writes. Called inside a transaction, but for `introduced`."""

from dataclasses import replace

from django.db import transaction

from hub import clock, failpoint
from hub.engine.merge import Images
from hub.models import Link, LinkState, Mapping, bulk, destination_key_of
from hub.services.run import commit, rows
from hub.services.run.flow import Flow
from hub.services.run.twoway.sort import Found

LINKED = {
    "state": "text",
    "source_digest": "text",
    "source_version": "text",
    "destination_version": "text",
    "refused_digest": "text",
    "updated_at": "timestamptz",
}


def introduced(flow: Flow, found: Found) -> Found:
    """The page, with a pending link for each record that only the destination has: it says who was first."""
    unlinked = [one.source_key for one in found.planned if one.link_id is None]
    new = {key: there for key in unlinked if (there := destination_key_of(key))}
    if not new or flow.run.is_preview:
        return found
    now = clock.now()
    with transaction.atomic():
        flow.lane.hold()
        bulk.upsert(
            "hub_link",
            key=("mapping_id", "source_key"),
            columns={"mapping_id": "bigint", "source_key": "text", "destination_key": "text", "state": "text",
                     "first": "text", "source_digest": "text", "digest": "text", "refused_digest": "text",
                     "ack_seq": "int", "updated_at": "timestamptz"},
            rows=[(flow.mapping.pk, key, there, LinkState.PENDING.value, "destination", "", "", "", 0, now)
                  for key, there in sorted(new.items())],
        )  # fmt: skip
        failpoint.reach("introduce.before_commit")
    failpoint.reach("introduce.committed")
    ids = {key: link.id for key, link in Link.objects.for_page(flow.mapping.pk, list(new)).items()}
    found.planned = [replace(one, link_id=ids.get(one.source_key, one.link_id)) for one in found.planned]
    return found


def account(flow: Flow, found: Found) -> None:
    """Account for the pairs that needed no write, and remember what was acknowledged of them."""
    if not flow.run.is_preview:
        _bring(flow, found)
    commit.account(flow, found)


def _bring(flow: Flow, found: Found) -> None:
    now = clock.now()
    bulk.update("hub_link", columns=LINKED, rows=[(*row, "", now) for row in found.linked])
    store(found.images)
    bulk.update(
        "hub_link",
        columns={"state": "text", "updated_at": "timestamptz"},
        rows=[(id_, LinkState.DELETED.value, now) for id_ in found.buried],
    )


def store(images: list[tuple[int, Images]]) -> None:
    """The acknowledged images of links."""
    bulk.upsert(
        "hub_linkimage", key=("link_id",), columns=rows.IMAGE_COLUMNS, rows=[rows.image(*one) for one in images]
    )


def is_current(flow: Flow) -> bool:
    """Whether the run's version is still the active one; a newer one asks for everything to be read again."""
    return Mapping.objects.filter(pk=flow.mapping.pk, active_version_id=flow.run.version_id).exists()
