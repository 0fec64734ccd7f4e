"""What a manifest's streams promise, and how one item of an answer becomes a record."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.rest.manifest import Manifest, StreamPlan, Write
from connectors.rest.template import dig, key_text, path_of, text_of
from hub.http import poison_in
from hub.sdk import (
    Batch,
    Capabilities,
    ConditionalWrite,
    CursorKind,
    DeleteFeed,
    ExternalId,
    Fault,
    ReadBack,
    Record,
    Stream,
    WriteCapability,
)


def streams(manifest: Manifest) -> list[Stream]:
    """Every stream of the manifest with what it promises."""
    return [stream(manifest, plan) for plan in manifest.streams.values()]


def stream(manifest: Manifest, plan: StreamPlan) -> Stream:
    """One stream. What it promises follows from its description alone."""
    pages = plan.listing.pagination if plan.listing else None
    changes = plan.listing.incremental if plan.listing else None
    capabilities = Capabilities(
        create=_write(manifest, plan, plan.create, creates=True),
        update=_write(manifest, plan, plan.update),
        delete=_write(manifest, plan, plan.delete),
        cursor=changes.kind if changes else CursorKind.NONE,
        delete_feed=DeleteFeed.TOMBSTONES if changes and plan.deleted else DeleteFeed.NONE,
        stable_pages=pages.stable if pages else True,
        fetch_by_key=plan.item is not None,
        versions_rise=_versions_rise(plan),
    )
    return Stream(plan.name, plan.label, capabilities, plan.key, plan.version.field, plan.fields)


def _versions_rise(plan: StreamPlan) -> bool:
    """Whether the version is the number by whose order changes are read."""
    changes = plan.listing.incremental if plan.listing else None
    if changes is None or changes.kind is not CursorKind.SEQUENCE or plan.version.header:
        return False
    return plan.version.field == changes.field


def _write(
    manifest: Manifest, plan: StreamPlan, write: Write | None, *, creates: bool = False
) -> WriteCapability | None:
    if write is None:
        return None
    reference = plan.reference
    search = reference.search if reference else None
    conditional = ConditionalWrite(create=write.if_none_match) if write.if_none_match or write.if_match else None
    return WriteCapability(
        key=write.idempotency,
        external_id=ExternalId(reference.field, unique=reference.unique) if reference and creates else None,
        conditional=conditional,
        read_back=ReadBack(plan.item is not None, search is not None, search.lag if search else 0),
        batch=Batch(manifest.batch.most) if manifest.batch else Batch(),
        landing=plan.landing,
    )


def record_of(plan: StreamPlan, data: Any, etag: str | None = None) -> Record | None:
    """The record in one item of an answer, None when it has no key."""
    if type(data) is not dict:  # what JSON gives as an object is nothing else
        return None
    key = key_text(data, plan.key)
    if key is None:
        return None
    return Record(key, data, version_of(plan, data, etag), deleted=_is_deleted(plan, data))


def version_of(plan: StreamPlan, data: Any, etag: str | None) -> str | None:
    """The system's own version: from the record, or from the header of an answer about one record."""
    if plan.version.header:
        return etag
    return text_of(dig(data, path_of(plan.version.field))) if plan.version.field else None


def records_of(
    plan: StreamPlan, items: Sequence[Any], where: str, before: int = 0, *, is_poisoned: bool = False
) -> tuple[list[Record], list[Fault]]:
    """The records of one page, and a fault for every item that is none. `before` items of it came earlier.

    `is_poisoned`: some of them hold what cannot be read, and are faults as well.
    """
    records, faults = [], []
    for number, item in enumerate(items, start=before + 1):
        record = record_of(plan, item)
        poison = poison_in(item) if is_poisoned else None
        if poison:
            faults.append(Fault(f"{where}, item {number}", told_of(*poison), record.key if record else None))
        elif record is not None:
            records.append(record)
        else:
            names = ", ".join(plan.key)
            faults.append(Fault(f"{where}, item {number}", f"The item has no key in {names}."))
    return records, faults


def told_of(place: str, reason: str) -> str:
    """What is wrong with a value that cannot be read."""
    return f"{place or 'The item'} cannot be read: {reason}."


def _is_deleted(plan: StreamPlan, data: Mapping[str, Any]) -> bool:
    return plan.deleted is not None and dig(data, path_of(plan.deleted.field)) == plan.deleted.value
