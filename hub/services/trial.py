"""Tries the rules of a mapping version on real sample records: what it makes of each, and what would change."""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hub.engine import canonical
from hub.models import Link, LinkImage, LinkState, MappingVersion
from hub.sdk import Record
from hub.services import errand, preview
from hub.services.preview import PreviewState, Result

PEOPLE_WAIT = 10  # seconds that one call may take while a person looks at the page


class Verdict(StrEnum):
    """What a run would do with a sample record as it is now."""

    CREATE = "would be created"
    CHANGE = "would be changed"
    SAME = "is the same already"
    EXCLUDED = "is left out"
    PROBLEM = "would become an exception"
    FAILED = "could not be tried"


@dataclass(frozen=True, slots=True)
class Trial:
    """One sample record and what the rules make of it.

    `image` holds JSON values, `references` for a field the (mapping, source key) it refers to, `problems` the
    sentences by field, `changes` for a field (as last acknowledged, as it would be). `reason` tells why there is
    no image.
    """

    record: Record
    verdict: Verdict
    image: Dict[str, Any] = field(default_factory=dict)
    references: Dict[str, tuple[str, str]] = field(default_factory=dict)
    problems: Dict[str, str] = field(default_factory=dict)
    changes: Dict[str, tuple[Any, Any]] = field(default_factory=dict)
    reason: str = ""
    destination_key: str = ""


def on_samples(*, version: MappingVersion, limit: int = 10) -> list[Trial]:
    """Read sample records from the mapping's source and try the version on them. Nothing is written.

    Raises a HubError when the source cannot be read or the rules are wrong.
    """
    source = version.mapping.source
    source.timeout_seconds = min(source.timeout_seconds, PEOPLE_WAIT)
    records = errand.sample(mapping=version.mapping, limit=limit)
    return on_records(version=version, records=records)


def on_records(*, version: MappingVersion, records: Sequence[Record]) -> list[Trial]:
    """Try the version on these records."""
    results = preview.evaluate(version.body, [record.data for record in records])
    links = Link.objects.filter(mapping=version.mapping_id, source_key__in=[record.key for record in records])
    known = {link.source_key: link for link in links}
    images = dict(LinkImage.objects.filter(link__in=known.values()).values_list("link_id", "sent"))
    return [_trial(record, result, known, images) for record, result in zip(records, results, strict=True)]


def _trial(record: Record, result: Result, known: Dict[str, Link], images: Dict[int, Any]) -> Trial:
    link = known.get(record.key)
    if result.state is not PreviewState.MAPPED:
        return _without_image(record, result)
    if link is None or link.state != LinkState.LINKED:
        return Trial(record, Verdict.CREATE, result.image, result.references)
    changes = _changes(images.get(link.pk) or {}, result)
    return Trial(
        record,
        Verdict.CHANGE if changes else Verdict.SAME,
        result.image,
        result.references,
        changes=changes,
        destination_key=link.destination_key or "",
    )


def _without_image(record: Record, result: Result) -> Trial:
    verdicts = {PreviewState.EXCLUDED: Verdict.EXCLUDED, PreviewState.REJECTED: Verdict.PROBLEM}
    problems = {problem.field: problem.message for problem in result.problems}
    return Trial(record, verdicts.get(result.state, Verdict.FAILED), problems=problems, reason=result.reason)


def _changes(acknowledged: Dict[str, Any], result: Result) -> dict[str, tuple[Any, Any]]:
    """What differs from the image last acknowledged. References are left out: their keys are found by a run only."""
    before = {name: value for name, value in acknowledged.items() if name not in result.references}
    return {name: (old, new) for name, old, new in canonical.differences(before, result.image)}
