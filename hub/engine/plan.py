"""What should happen to one record: nothing, a write, a wait, or a question for a person."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.sdk import Fields, Operation


@dataclass(frozen=True, slots=True)
class Known:
    """What the hub knows of a record's link: None everywhere when there is none yet."""

    link_id: int | None = None
    destination_key: str | None = None
    destination_version: str | None = None
    is_linked: bool = False
    is_gone: bool = False
    ack_seq: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record as the mapping wants it at the destination."""

    source_key: str
    image: Fields
    digest: str
    source_digest: str = ""
    source_version: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One write to make: operation, what to send, and under which precondition."""

    source_key: str
    operation: Operation
    image: Fields
    fields: Fields
    before: Fields | None
    digest: str
    source_digest: str
    source_version: str | None
    link_id: int | None
    destination_key: str | None
    precondition: str | None
    ack_seq: int
    is_archive: bool = False


def plan_write(wanted: Wanted, known: Known, acknowledged: Fields | None) -> Planned:
    """The create or update that brings the destination to `wanted`; only changed fields are sent."""
    exists = known.destination_key is not None and (known.is_linked or known.is_gone)
    fields = wanted.image if acknowledged is None or not exists else changed(acknowledged, wanted.image)
    return Planned(
        source_key=wanted.source_key,
        operation=Operation.UPDATE if exists else Operation.CREATE,
        image=wanted.image,
        fields=fields,
        before=acknowledged if exists else None,
        digest=wanted.digest,
        source_digest=wanted.source_digest,
        source_version=wanted.source_version,
        link_id=known.link_id,
        destination_key=known.destination_key if exists else None,
        precondition=known.destination_version if exists else None,
        ack_seq=known.ack_seq,
    )


def plan_removal(
    source_key: str, known: Known, acknowledged: Fields | None, archive_fields: Mapping[str, Any] | None
) -> Planned:
    """The deletion of a record that is gone at the source, or, with `archive_fields`, its archiving."""
    is_archive = archive_fields is not None
    fields: Fields = dict(archive_fields or {})
    return Planned(
        source_key=source_key,
        operation=Operation.UPDATE if is_archive else Operation.DELETE,
        image={**(acknowledged or {}), **fields},
        fields=fields,
        before=acknowledged,
        digest="",
        source_digest="",
        source_version=None,
        link_id=known.link_id,
        destination_key=known.destination_key,
        precondition=known.destination_version,
        ack_seq=known.ack_seq,
        is_archive=is_archive,
    )


def restored(image: Fields, archive_fields: Mapping[str, Any]) -> Fields:
    """`image` with a record's archiving taken back: yes/no archive fields turn round unless mapped."""
    turned = {name: not value for name, value in archive_fields.items() if isinstance(value, bool)}
    return {**turned, **image}


def changed(before: Fields, after: Fields) -> Fields:
    """The fields of `after` that differ from `before`."""
    missing = object()
    return {name: value for name, value in after.items() if before.get(name, missing) != value}


def idempotency_key(mapping_id: int, planned: Planned, key_gen: int) -> str:
    """A key derived from what the write is, so that a restored or restarted hub makes the same one.

    `ack_seq` keeps A→B→A→B apart; `key_gen` rises only after a definitive refusal or proof of absence.
    """
    parts = (mapping_id, planned.source_key, planned.operation, planned.ack_seq, planned.digest, key_gen)
    told = "\x1f".join(str(part) for part in parts)
    return str(uuid.UUID(bytes=hashlib.sha256(told.encode()).digest()[:16]))
