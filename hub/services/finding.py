"""Findings of a review: each record that is not as the hub last knew it, kept for whoever lets writes go on."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.engine import canonical
from hub.models import Finding, FindingKind, Review, bulk
from hub.sdk import Fields, Record
from hub.services.run import rows

AGREEING = "agreeing"
COLUMNS = {
    "review_id": "bigint",
    "source_key": "text",
    "kind": "text",
    "destination_key": "text",
    "link_id": "bigint",
    "wanted": "jsonb",
    "present": "jsonb",
}


@dataclass(frozen=True, slots=True)
class Found:
    """How one record stands: `kind` is agreeing or a FindingKind. The values are those of the fields that differ."""

    kind: str
    link_id: int | None = None
    destination_key: str | None = None
    wanted: Fields | None = None
    present: Fields | None = None


def beside(kind: str, link_id: int, wanted: Fields | None, there: Record) -> Found:
    """A record that is on both sides, with what differs between them; all that is there when nothing is wanted."""
    held = canonical.to_json(there.data)
    if wanted is None:
        return Found(kind, link_id, there.key, None, held)
    names = [name for name, value in wanted.items() if held.get(name) != value]
    here, other = ({name: side.get(name) for name in names} for side in (wanted, held))
    return Found(kind, link_id, there.key, here, other)


def begin(review: Review) -> None:
    """A reading begins anew: what it finds replaces what was found.

    Except for what was linked again, which a second reading meets as linked and has no more to say about.
    """
    Finding.objects.filter(review=review).exclude(kind=FindingKind.RELINKED).delete()


def keep(review_id: int, found: Mapping[str, Found]) -> None:
    """Keep the findings of a page by source key; a page that comes again says the same once more."""
    told = [
        (
            review_id, key, one.kind, one.destination_key or "", one.link_id,
            rows.as_json(one.wanted), rows.as_json(one.present),
        )
        for key, one in found.items()
        if one.kind != AGREEING
    ]  # fmt: skip
    bulk.upsert("hub_finding", key=("review_id", "source_key"), columns=COLUMNS, rows=told)
