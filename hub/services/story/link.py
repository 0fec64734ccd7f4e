"""The story of a link: both records, what they last agreed on, and what happened to the pair."""

from typing import Any

from hub.models import Change, ExceptionState, Link, LinkImage, ReconciliationException
from hub.services.story.difference import beside


def tell(link: Link, most: int) -> dict[str, Any]:
    """What the page of a link shows: images side by side, its newest changes, its open exceptions."""
    image = LinkImage.objects.filter(link=link).first()
    held = {**image.sent, **image.destination} if image and image.destination else None
    sides = (image.sent, held) if image and held else (image.sent,) if image else ()
    rows = beside(*sides)
    of_record = {"mapping_id": link.mapping_id, "source_key": link.source_key}
    return {
        "headings": ("last acknowledged", "as the destination keeps it")[: len(sides)],
        "rows": [row for row in rows if row.differs],
        "same": [row for row in rows if not row.differs],
        "changes": list(Change.objects.filter(**of_record).order_by("-id")[:most]),
        "raised": list(
            ReconciliationException.objects.filter(**of_record, state=ExceptionState.OPEN).order_by("-id")[:most]
        ),
    }
