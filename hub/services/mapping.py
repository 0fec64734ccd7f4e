"""Mappings: rules are drafted, activated and tried on real records here."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from hub.clock import now
from hub.engine.mapping import compile_mapping
from hub.models import Checkpoint, Mapping, MappingVersion, Semantics, User, VersionState
from hub.sdk import ConfigError, Record, Source
from hub.sdk.record import Json
from hub.services import audit, roundtrip
from hub.services.connection import opened
from hub.services.history import save_as

MOST_SAMPLE_PAGES = 5


@transaction.atomic
def save_draft(*, mapping: Mapping, body: Json, by: User | None, note: str = "") -> MappingVersion:
    """Keep `body` as the mapping's draft: the present one is changed, or a new version is begun.

    Raises MappingError, which lists everything that is wrong with the body.
    """
    digest = compile_mapping(body).digest
    _lock(mapping)
    draft = mapping.versions.filter(state=VersionState.DRAFT).order_by("-number").first()
    if draft is None:
        return add_version(mapping=mapping, body=body, by=by, note=note)
    draft.body, draft.digest, draft.note = body, digest, note[:300]
    save_as(draft, by=by, reason=note or "draft changed")
    audit.record(actor=by, action="mappingversion.change", subject=draft, detail={"digest": digest}, reason=note)
    return draft


@transaction.atomic
def add_version(*, mapping: Mapping, body: Json, by: User | None, note: str = "") -> MappingVersion:
    """Keep `body` as a new version, beside any draft that a person is working on. Raises MappingError."""
    digest = compile_mapping(body).digest
    _lock(mapping)
    latest = mapping.versions.aggregate(latest=Max("number"))["latest"] or 0
    version = MappingVersion(
        mapping=mapping, number=latest + 1, body=body, digest=digest, note=note[:300], created_by=by
    )
    save_as(version, by=by, reason=note or "draft begun")
    audit.record(actor=by, action="mappingversion.add", subject=version, detail={"digest": digest}, reason=note)
    return version


def activate(*, version: MappingVersion, by: User | None, reason: str = "", is_tried: bool = False) -> None:
    """Let runs use this version from now on; the one before is retired, and may be activated again later.

    The next run reads every record, for rules that changed may change records that did not. Where every step counts, it
    reads on instead: the version holds for the steps that come, and nobody is driven through those taken before.

    A two-way version is tried on records of both sides first, unless it `is_tried`, so it is not activated within a
    transaction. Raises
    ConfigError when the rules are wrong, lose values on the way back, or refer to a mapping that does not run before
    this one.
    """
    if version.mapping.is_two_way and not is_tried:
        try_both_ways(version, by)
    _activate(version, by, reason)


def try_both_ways(version: MappingVersion, by: User | None) -> None:
    """Raise ConfigError when a version cannot go both ways, or loses what it does not declare."""
    mapping = version.mapping
    if "back" not in version.body:
        raise ConfigError("The mapping goes both ways, so its rules need “back”. Add it, or make the mapping one-way.")
    if mapping.slices > 1 or mapping.semantics != Semantics.STATE:
        raise ConfigError("A two-way mapping has one lane and the semantics “state”. Change that first.")
    here = sample(mapping=mapping, limit=roundtrip.SAMPLES)
    with opened(mapping.destination) as destination:
        if not isinstance(destination, Source):
            raise ConfigError(f"“{mapping.destination}” cannot be read from, so the mapping cannot go both ways.")
        there = _first_records(destination, mapping.destination_stream, roundtrip.SAMPLES)
    roundtrip.refuse_loss(version=version, here=here, there=there, by=by)


@transaction.atomic
def _activate(version: MappingVersion, by: User | None, reason: str) -> None:
    mapping = _lock(version.mapping)
    _refuse_unknown_references(mapping, version)
    retired = mapping.active_version
    if retired == version:
        return
    if retired is not None:
        retired.state = VersionState.RETIRED
        save_as(retired, by=by, reason=f"v{version.number} took its place", fields=["state"])
    version.state, version.activated_at, version.activated_by = VersionState.ACTIVE, now(), by
    save_as(version, by=by, reason=reason or "activated", fields=["state", "activated_at", "activated_by"])
    mapping.active_version = version
    save_as(mapping, by=by, reason=f"v{version.number} activated", fields=["active_version"])
    if mapping.semantics != Semantics.TRANSITION:
        Checkpoint.objects.filter(mapping=mapping).update(complete_at=None)
    replaced = retired.number if retired else None
    audit.record(
        actor=by, action="mappingversion.activate", subject=version,
        detail={"digest": version.digest, "replaces": replaced},
        reason=reason or version.note,
    )  # fmt: skip
    version.mapping.active_version = version


def sample(*, mapping: Mapping, limit: int = 20) -> list[Record]:
    """The first records of the mapping's source as they are now, at most `limit`. Raises a HubError."""
    with opened(mapping.source) as source:
        if not isinstance(source, Source):
            raise ConfigError(f"“{mapping.source}” cannot be read from. Choose another source.")
        return _first_records(source, mapping.source_stream, limit)


def _first_records(source: Source, stream: str, limit: int) -> list[Record]:
    found: list[Record] = []
    cursor = None
    for _ in range(MOST_SAMPLE_PAGES):
        page = source.read(stream, cursor, limit)
        found.extend(record for record in page.records if not record.deleted)
        if page.done or len(found) >= limit:
            break
        cursor = page.cursor
    return found[:limit]


def _lock(mapping: Mapping) -> Mapping:
    """The mapping's row, held until the transaction ends, so that two versions never get one number."""
    return Mapping.objects.select_for_update(of=("self",)).select_related("active_version").get(pk=mapping.pk)


def _refuse_unknown_references(mapping: Mapping, version: MappingVersion) -> None:
    references = compile_mapping(version.body).references
    missing = sorted(set(references) - set(_earlier(mapping)))
    if missing:
        earlier = ", ".join(_earlier(mapping)) or "none"
        raise ConfigError(
            f"The rules refer to {', '.join(missing)}, which must be a mapping that runs earlier in "
            f"“{mapping.integration.name}” (now: {earlier}). Correct the name, or the order of the mappings."
        )


def _earlier(mapping: Mapping) -> Sequence[str]:
    """Names of the mappings that run before this one."""
    siblings = Mapping.objects.filter(integration=mapping.integration_id).values_list("pk", "name")
    before: list[str] = []
    for pk, name in siblings:
        if pk == mapping.pk:
            return before
        before.append(name)
    return before
