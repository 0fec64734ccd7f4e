"""Which part of the data an exception belongs to: the value of the mapping's scope field, as the record has it."""

from collections.abc import Collection, Sequence
from typing import Any

from hub.engine.mapping import Compiled, Mapped, MappingError, compile_mapping
from hub.models import Change, LinkImage, Mapping, MappingVersion, SyncRun
from hub.sdk import Record

LONGEST = 120
Asked = tuple[str, Any, int | None]
"""The key of a record, the record as the source sent it where that is known, and its change, where there is one."""


def scopes_of(run: SyncRun, asked: Sequence[Asked]) -> dict[str, str]:
    """The scope of each record, by source key, where it can be told. Nothing is read where the mapping has no field.

    The record as the source sent it says most; else the image of the change, else what was last acknowledged.
    """
    mapping, name = run.mapping, run.mapping.scope_field
    if not name or not asked:
        return {}
    found = _read(name, run.version, {key: source for key, source, _ in asked if isinstance(source, dict)})
    found |= _changed(name, {change: key for key, _, change in asked if change and key not in found})
    found |= _known(name, mapping, {key for key, *_ in asked} - set(found))
    return {key: _text(value) for key, value in found.items()}


def _read(name: str, version: MappingVersion | None, sources: dict[str, Any]) -> dict[str, Any]:
    """Of the records that came with their source: what the mapping makes of this one field."""
    only = _only(name, version) if sources and version else None
    if only is None:
        return {}
    made = {key: only.image_of(Record(key, data)) for key, data in sources.items()}
    return {key: image.image[name] for key, image in made.items() if isinstance(image, Mapped) and name in image.image}


def _only(name: str, version: MappingVersion) -> Compiled | None:
    """The mapping of this field alone; None when it has none, or one that names another mapping's record."""
    body = version.body
    rule = body.get("fields", {}).get(name)
    if rule is None:
        return None
    try:
        return compile_mapping({"fields": {name: rule}, "value_maps": body.get("value_maps", {})})
    except MappingError:
        return None


def _changed(name: str, changes: dict[int, str]) -> dict[str, Any]:
    if not changes:
        return {}
    images = Change.objects.filter(pk__in=changes).values_list("pk", "image")
    return {changes[pk]: image[name] for pk, image in images if name in (image or {})}


def _known(name: str, mapping: Mapping, keys: Collection[str]) -> dict[str, Any]:
    if not keys:
        return {}
    images = LinkImage.objects.filter(link__mapping=mapping, link__source_key__in=keys)
    return {key: sent[name] for key, sent in images.values_list("link__source_key", "sent") if name in (sent or {})}


def _text(value: Any) -> str:
    """The value as grants name it. What is no plain value belongs to no part."""
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)[:LONGEST]
