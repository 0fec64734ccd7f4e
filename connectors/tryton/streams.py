"""Which Tryton models a connection offers as streams, and what each of them can promise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from hub.sdk import (
    Batch,
    Capabilities,
    ConditionalWrite,
    ConfigError,
    CursorKind,
    ExternalId,
    ReadBack,
    WriteCapability,
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A link that is written as text: the record of `model` whose field `by` holds it."""

    model: str
    by: str


NO_LOOKUPS: Mapping[str, Lookup] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Plan:
    """One stream as configured.

    `fields` are the fields to read and write; empty means every plain field that can be written.
    `external_id` is the field that stores the source's key at create, `unique` whether Tryton enforces that no
    two records share it. `found_by` is for records that cannot hold it: a path such as `party.code` through a
    linked record that does. `domain` is Tryton's condition that limits the stream. With `archive_field` a delete
    sets that field to false, and archived records count as deleted. `declared` is false for what this connector
    offers by itself, of which fields and models that this Tryton does not have are left out.
    """

    name: str
    label: str
    model: str
    fields: tuple[str, ...] = ()
    external_id: str = ""
    unique: bool = False
    found_by: str = ""
    domain: tuple[Any, ...] = ()
    archive_field: str = ""
    lookups: Mapping[str, Lookup] = field(default_factory=lambda: NO_LOOKUPS)
    declared: bool = True


_COUNTRY = {"country": Lookup("country.country", "code")}
_OFFERED = (
    Plan(
        name="parties",
        label="Parties",
        model="party.party",
        fields=("name", "code", "lang", "active"),
        external_id="code",
        unique=True,
        lookups={"lang": Lookup("ir.lang", "code")},
    ),
    Plan(
        name="identifiers",
        label="Party identifiers",
        model="party.identifier",
        fields=("party", "type", "code", "active"),
    ),
    Plan(
        name="addresses",
        label="Party addresses",
        model="party.address",
        fields=("party", "party_name", "street", "postal_code", "city", "country", "active"),
        lookups=_COUNTRY,
    ),
    Plan(
        name="contact_mechanisms",
        label="Party contact mechanisms",
        model="party.contact_mechanism",
        fields=("party", "type", "value", "name", "comment", "active"),
    ),
)
_SHAPES: Mapping[str, type] = {
    "label": str,
    "model": str,
    "fields": list,
    "external_id": str,
    "unique": bool,
    "found_by": str,
    "domain": list,
    "archive_field": str,
    "lookups": dict,
}


def plans(declared: Mapping[str, Any] | None) -> dict[str, Plan]:
    """The streams of a connection by name: those offered by itself, with what the config declares or overrides.

    A stream declared as null is not offered. Raises ConfigError naming what is wrong.
    """
    if not isinstance(declared or {}, Mapping):
        raise ConfigError("streams must be an object: stream names, each with its model, fields and so on.")
    offered = {plan.name: replace(plan, declared=False) for plan in _OFFERED}
    for name, entry in (declared or {}).items():
        if entry is None:
            offered.pop(name, None)
        else:
            offered[name] = _plan(name, entry, offered.get(name))
    return offered


def _plan(name: str, entry: Any, before: Plan | None) -> Plan:
    """One declared stream. `before` is the one of the same name that is offered anyway."""
    if not isinstance(entry, Mapping):
        raise ConfigError(f"streams.{name} must be an object with model, fields and so on, or null.")
    for key, value in entry.items():
        _check_shape(f"streams.{name}.{key}", _SHAPES.get(key), value)
    given = {key: value for key, value in entry.items() if value is not None}
    given |= {key: tuple(given[key]) for key in ("fields", "domain") if key in given}
    if "lookups" in given:
        given["lookups"] = {key: _lookup(f"streams.{name}.lookups.{key}", it) for key, it in given["lookups"].items()}
    if "external_id" in entry and "external_id" not in given:
        given["external_id"] = ""
    if before is None or given.get("model", before.model) != before.model:
        before = Plan(name=name, label=name.replace("_", " ").capitalize(), model="")
    plan = replace(before, **given, declared=True)
    if not plan.model:
        raise ConfigError(f"streams.{name}.model is required: a Tryton model such as party.party.")
    return plan


def _check_shape(where: str, shape: type | None, value: Any) -> None:
    if shape is None:
        raise ConfigError(f"{where} is not known; use {', '.join(_SHAPES)}.")
    nullable = value is None and where.endswith(".external_id")
    if not nullable and not isinstance(value, shape):
        raise ConfigError(f"{where} must be a {shape.__name__}.")
    if where.endswith(".found_by") and value.count(".") != 1:
        raise ConfigError(f"{where} must be a link and a field of the linked record, such as party.code.")
    if where.endswith(".fields") and not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{where} must be a list of field names.")


def _lookup(where: str, entry: Any) -> Lookup:
    if (
        not isinstance(entry, Mapping)
        or {*entry} != {"model", "by"}
        or not all(isinstance(it, str) for it in entry.values())
    ):
        raise ConfigError(f'{where} must look like {{"model": "country.country", "by": "code"}}.')
    return Lookup(entry["model"], entry["by"])


def capabilities(plan: Plan, batch: int) -> Capabilities:
    """What Tryton promises for this stream.

    `_timestamp` is compared and written in one transaction, so a condition is strong; a create takes none,
    and is safe against silence only through a unique external id. Every call of many items is all or nothing.
    """
    many = Batch(max_items=batch, atomic=True)
    stored = plan.external_id or plan.found_by
    by_reference = ReadBack(by_key=True, by_external_id=bool(stored))
    reference = ExternalId(stored, plan.unique and bool(plan.external_id)) if stored else None
    change = WriteCapability(conditional=ConditionalWrite(), read_back=by_reference, batch=many)
    return Capabilities(
        create=WriteCapability(external_id=reference, read_back=by_reference, batch=many),
        update=change,
        delete=change,
        cursor=CursorKind.TIMESTAMP,
    )
