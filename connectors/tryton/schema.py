"""Asks Tryton what fields a model has, once, and puts a stream's records into and out of its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.tryton.client import Client
from connectors.tryton.directory import Directory
from connectors.tryton.streams import Lookup, Plan
from connectors.tryton.values import LINKS, TO_MANY, TO_ONE, from_tryton, kind_of, to_tryton
from hub.sdk import ConfigError, Fields, Record, RecordError, StreamField

# Tryton's own columns of every model: read for the hub's purposes, never written by it.
OWN = ("id", "create_uid", "create_date", "write_uid", "write_date", "rec_name", "xml_id", "last_modified_at")
STAMP = "_timestamp"
_SHOWN_CHOICES = 20


@dataclass(frozen=True, slots=True)
class Schema:
    """A stream's fields as this Tryton has them, by name: what `fields_get` says of each."""

    plan: Plan
    facts: Mapping[str, Mapping[str, Any]]

    @property
    def columns(self) -> list[str]:
        """What is read of every record."""
        extra = filter(None, (self.plan.external_id, self.plan.archive_field))
        return list(dict.fromkeys([*self.facts, *extra, STAMP, "create_date", "write_date"]))

    @property
    def linked(self) -> dict[str, Lookup]:
        """The fields that are written as text though they are links, and where that text is found."""
        return {name: look for name, look in self.plan.lookups.items() if name in self.facts}

    def described(self) -> tuple[StreamField, ...]:
        """The fields for people who write mappings."""
        return tuple(
            StreamField(
                name=name,
                kind=kind_of(fact["type"]),
                required=bool(fact.get("required")),
                help=self._help(name, fact),
            )
            for name, fact in self.facts.items()
        )

    def record(self, row: Mapping[str, Any], directory: Directory) -> Record:
        """A row of Tryton as the hub's record."""
        data = {name: self._value(name, row.get(name), directory) for name in self.facts}
        archived = bool(self.plan.archive_field) and not row[self.plan.archive_field]
        return Record(key=str(row["id"]), data=data, version=row.get(STAMP), deleted=archived)

    def values(self, fields: Fields, directory: Directory) -> dict[str, Any]:
        """Fields of the hub as Tryton takes them. Raises RecordError for the first that it cannot take."""
        return {name: self._written(name, value, directory) for name, value in fields.items()}

    def _value(self, name: str, raw: Any, directory: Directory) -> Any:
        look = self.plan.lookups.get(name)
        if look and raw is not None:
            return directory.text(look, raw)
        return from_tryton(self.facts[name]["type"], raw)

    def _written(self, name: str, value: Any, directory: Directory) -> Any:
        fact = self.facts.get(name)
        if fact is None:
            raise RecordError(f"{name} is not a field of this stream ({', '.join(self.facts)}).", code="field")
        if fact.get("readonly"):
            raise RecordError(f"{name} cannot be written in Tryton.", code="field")
        if fact["type"] in TO_MANY:
            raise RecordError(
                f"{name} is a list of links; write the records of {fact.get('relation')} instead.", code="field"
            )
        look = self.plan.lookups.get(name)
        if look and value is not None:
            return directory.key(look, name, value)
        return to_tryton(name, fact["type"], value)

    def _help(self, name: str, fact: Mapping[str, Any]) -> str:
        parts = [str(fact.get("string") or name), str(fact.get("help") or "")]
        look = self.plan.lookups.get(name)
        if look:
            parts.append(f"The {look.by} of a {look.model}.")
        elif fact["type"] in LINKS:
            parts.append(f"The key of a {fact.get('relation')}.")
        choices = fact.get("selection")
        if isinstance(choices, list):
            parts.append("One of: " + ", ".join(str(choice[0]) for choice in choices[:_SHOWN_CHOICES]) + ".")
        return ". ".join(part.rstrip(".") for part in parts if part) + "."


def describe(client: Client, plan: Plan) -> Schema:
    """Ask Tryton for the fields of a stream. Raises ConfigError for a model, field or lookup that cannot be."""
    facts = client.call(f"model.{plan.model}.fields_get", []).result
    named = [*plan.fields, *filter(None, (plan.external_id, plan.archive_field)), *plan.lookups]
    missing = [name for name in dict.fromkeys(named) if name not in facts]
    if missing and plan.declared:
        raise ConfigError(f"Stream {plan.name}: {plan.model} has no field {', '.join(missing)} in this Tryton.")
    wrong = [name for name in plan.lookups if name in facts and facts[name]["type"] not in TO_ONE]
    if wrong:
        raise ConfigError(f"Stream {plan.name}: a lookup needs a link to one record; {', '.join(wrong)} is none.")
    names = plan.fields or _plain_fields(facts, plan)
    return Schema(plan, {name: facts[name] for name in names if name in facts})


def _plain_fields(facts: Mapping[str, Mapping[str, Any]], plan: Plan) -> list[str]:
    """Every field that is stored in the record itself and can be written, and those with a lookup."""
    return [name for name, fact in sorted(facts.items()) if name in plan.lookups or _is_plain(name, fact)]


def _is_plain(name: str, fact: Mapping[str, Any]) -> bool:
    if name in OWN or fact.get("readonly") or fact["type"] in {*TO_MANY, "binary"}:
        return False
    # Tryton marks what is computed as lazy, and translated texts with it.
    return fact.get("loading") == "eager" or bool(fact.get("translate"))
