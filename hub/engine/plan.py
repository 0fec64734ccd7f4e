"""What should happen to one record: nothing, a write, a wait, or a question for a person."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from hub.sdk import Fields, Operation


@dataclass(frozen=True, slots=True)
class Known:
    """What the hub knows of a record's link: None everywhere when there is none yet.

    `key_gen` is that of the next idempotency key, `quiet_until` how long a late copy of an earlier write may still
    land, `step` the last call done of a create that stopped half-way.
    """

    link_id: int | None = None
    destination_key: str | None = None
    destination_version: str | None = None
    is_linked: bool = False
    is_gone: bool = False
    ack_seq: int = 0
    key_gen: int = 0
    quiet_until: datetime | None = None
    step: str = ""


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
    key_gen: int = 0
    quiet_until: datetime | None = None
    step: str = ""
    waits: bool = False  # behind an earlier open step of the same record
    side: str = "destination"
    decisions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """The last step of a record that is queued. `image` is None when it removes the record."""

    image: Fields | None
    digest: str
    ack_seq: int


def step_behind(wanted: Wanted, known: Known, last: Step) -> Planned:
    """The step to `wanted` once `last` is acknowledged; key and precondition are filled in when its turn comes."""
    gone = last.image is None
    return replace(
        plan_write(wanted, known, last.image),
        operation=Operation.CREATE if gone else Operation.UPDATE,
        fields=wanted.image if last.image is None else changed(last.image, wanted.image),
        before=last.image,
        destination_key=None if gone else known.destination_key,
        precondition=None,
        ack_seq=last.ack_seq + 1,
        waits=True,
    )


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
        destination_key=known.destination_key if exists or known.step else None,
        precondition=known.destination_version if exists else None,
        ack_seq=known.ack_seq,
        key_gen=known.key_gen,
        quiet_until=known.quiet_until,
        step="" if exists else known.step,
    )


def plan_removal(
    source_key: str,
    known: Known,
    acknowledged: Fields | None,
    archive_fields: Mapping[str, Any] | None,
    source_digest: str = "",
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
        source_digest=source_digest,
        source_version=None,
        link_id=known.link_id,
        destination_key=known.destination_key,
        precondition=known.destination_version,
        ack_seq=known.ack_seq,
        is_archive=is_archive,
        key_gen=known.key_gen,
        quiet_until=known.quiet_until,
    )


def is_stale(planned: Planned, known: Known, acknowledged: Fields | None = None) -> bool:
    """Whether the record is linked otherwise now than when this write was planned.

    With the `acknowledged` image also whether a step was planned upon another one that was given up since.
    """
    if (planned.ack_seq, planned.destination_key) != (known.ack_seq, known.destination_key):
        return True
    if planned.operation is Operation.CREATE or planned.precondition is not None:
        return False
    return bool(known.destination_version) or (acknowledged is not None and planned.before != acknowledged)


def rebased(planned: Planned, known: Known, acknowledged: Fields | None) -> Planned:
    """A write that waited, as it must be sent now that earlier ones of its record were acknowledged.

    It wants the same image; operation, key, precondition and what has to be sent follow the record as it is linked
    now. Returned as it is when nothing was acknowledged meanwhile.
    """
    if not is_stale(planned, known, acknowledged):
        return planned
    if planned.is_archive or planned.operation is Operation.DELETE:
        return replace(
            planned,
            image={**(acknowledged or {}), **planned.fields},
            before=acknowledged,
            destination_key=known.destination_key,
            precondition=known.destination_version,
            ack_seq=known.ack_seq,
        )
    wanted = Wanted(planned.source_key, planned.image, planned.digest, planned.source_digest, planned.source_version)
    return plan_write(wanted, known, acknowledged)


def restored(image: Fields, archive_fields: Mapping[str, Any]) -> Fields:
    """`image` with a record's archiving taken back: yes/no archive fields turn round unless mapped."""
    turned = {name: not value for name, value in archive_fields.items() if isinstance(value, bool)}
    return {**turned, **image}


def is_past(version: str | None, told: str | None) -> bool:
    """Whether a step with this version was taken before the one `told` last, where versions are rising numbers."""
    if version is None or told is None:
        return False
    return _is_number(version) and _is_number(told) and int(version) < int(told)


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit()


def changed(before: Fields, after: Fields) -> Fields:
    """The fields of `after` that differ from `before`."""
    missing = object()
    return {name: value for name, value in after.items() if before.get(name, missing) != value}


def idempotency_key(mapping_id: int, planned: Planned) -> str:
    """The key under which this write is asked for the first time; see `key_of`."""
    return key_of(
        mapping_id, planned.source_key, planned.operation, planned.ack_seq, planned.digest, key_gen=planned.key_gen
    )


def key_of(mapping_id: int, source_key: str, operation: str, ack_seq: int, digest: str, *, key_gen: int) -> str:
    """A key derived from what the write is, so that a restored or restarted hub makes the same one.

    `ack_seq` keeps A→B→A→B apart; `key_gen` rises only after a definitive refusal or proof of absence.
    """
    told = "\x1f".join((str(mapping_id), source_key, operation, str(ack_seq), digest, str(key_gen)))
    text = hashlib.sha256(told.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"  # in the form of a UUID
