"""The story of a link: both records, what they last agreed on, and what happened to the pair."""

from dataclasses import replace
from typing import Any

from hub.engine.mapping import MappingError, compile_mapping
from hub.models import Change, ExceptionState, Link, LinkImage, ReconciliationException
from hub.services.story import change as change_story
from hub.services.story import exception as exception_story
from hub.services.story.difference import beside
from hub.services.story.lens import Lens


def tell(link: Link, most: int, lens: Lens) -> dict[str, Any]:
    """What the page of a link shows: images side by side, its newest changes, its open exceptions."""
    authority = _authority(link)
    image = LinkImage.objects.filter(link=link).first()
    told = [("last agreed on", image.sent)] if image else []
    if image and image.source:
        told.insert(0, ("as the source keeps it", {**image.sent, **image.source}))
    if image and image.destination:
        told.append(("as the destination keeps it", {**image.sent, **image.destination}))
    if image and len(told) == 1:
        told = [("last acknowledged", image.sent)]
    rows = [
        replace(row, note=authority.get(row.name, "")) for row in beside(*(side for _, side in told), hides=lens.mapped)
    ]
    of_record = {"mapping_id": link.mapping_id, "source_key": link.source_key}
    return {
        "headings": tuple(heading for heading, _ in told),
        "rows": [row for row in rows if row.differs],
        "same": [row for row in rows if not row.differs],
        "changes": change_story.with_words(Change.objects.filter(**of_record).order_by("-id")[:most], lens),
        "raised": exception_story.with_words(
            ReconciliationException.objects.filter(**of_record, state=ExceptionState.OPEN).order_by("-id")[:most], lens
        ),
    }


def _authority(link: Link) -> dict[str, str]:
    """Who may change each field of a two-way mapping, in words."""
    version = link.mapping.active_version
    if version is None or not link.mapping.is_two_way:
        return {}
    try:
        policies = compile_mapping(version.body).policies
    except MappingError:
        return {}
    words = {"either": "either side may change it"}
    return {
        name: words.get(policy.authority, f"only the {policy.authority} may change it")
        for name, policy in policies.items()
    }
