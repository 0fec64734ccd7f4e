"""Writes differences: rows, sealed secrets, mapping versions, history and audit, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from hub.models import Connection, Credential, EgressZone, Integration, MappingVersion, User, Webhook
from hub.models import Mapping as MappingRow
from hub.sdk import HubError
from hub.services import audit, credential, mapping, zone
from hub.services.configuration import routing
from hub.services.configuration.difference import Difference
from hub.services.configuration.item import Item, Kind
from hub.services.configuration.present import MODELS, PEOPLE, Present
from hub.services.configuration.problem import Problems
from hub.services.history import save_as

REFERENCES = {
    "credential": Kind.CREDENTIAL,
    "connection": Kind.CONNECTION,
    "source": Kind.CONNECTION,
    "destination": Kind.CONNECTION,
}
# They stand in tables of their own.
APART = {"body", "routes", "is_open"}
Answers = Mapping[tuple[str, str], str]


@dataclass(slots=True)
class Writing:
    """Who writes, and what a person answered when asked for secrets: (credential, name) to value."""

    present: Present
    problems: Problems
    by: User | None
    answers: Answers
    later: list[tuple[Item, MappingVersion]] = field(default_factory=list)

    def activate_later(self) -> None:
        """Activate the two-way versions, after the commit; one that is refused stays a draft."""
        for item, version in self.later:
            try:
                mapping.activate(version=version, by=self.by, reason=_reason(item))
            except HubError as error:
                told = (
                    f"version {version.number} was written and stays a draft, because it cannot be activated: {error}"
                )
                self.problems.add(item.at("body"), told)

    def all(self, differences: Sequence[Difference]) -> None:
        """Write everything, each thing after those it needs; what a service refuses becomes a problem."""
        for difference in differences:
            try:
                self._one(difference)
            except HubError as error:
                field = {Kind.MAPPING: "body", Kind.ZONE: ""}.get(difference.item.kind, "values")
                self.problems.add(difference.item.at(field), str(error))

    def _one(self, difference: Difference) -> None:
        item = difference.item
        row = self._row(difference)
        # What a secret is bound to is written when it is sealed.
        apart = APART | {"kind"} if isinstance(row, Credential) and (row.fields or difference.secrets) else APART
        for name in difference.fields:
            if name not in apart:
                setattr(row, name, self._value(item, name))
        if isinstance(row, EgressZone):
            self._zone(difference, row)
        else:
            self._set_up(difference, row)

    def _set_up(self, difference: Difference, row: Any) -> None:
        item = difference.item
        if {"schedule", "time_zone"} & set(difference.fields):
            row.next_run_at = None  # the scheduler works out the next slot anew
        if difference.is_new or set(difference.fields) - APART:
            save_as(row, by=self.by, reason=_reason(item))
        self.present.rows[item.kind][item.name] = row
        self._audit(difference, row)
        if isinstance(row, Credential):
            self._seal(difference, row)
        if "routes" in difference.fields:
            routing.set_routes(row, item.given["routes"], self.present.rows[Kind.MAPPING])
        if "body" in difference.fields:
            self._activate(item, row)

    def _zone(self, difference: Difference, row: EgressZone) -> None:
        """Zones take the way that people take: one who may proposes, one who may opens."""
        is_open = zone.save(zone=row, by=self.by)
        self.present.rows[Kind.ZONE][row.name] = row
        wanted = difference.item.given.get("is_open", is_open)
        if self.by is not None and wanted != is_open:
            reason = f"{row.reason} ({_reason(difference.item)})"[:300]
            change = zone.open_zone if wanted else zone.close
            change(zone=row, by=self.by, reason=reason)

    def _activate(self, item: Item, row: MappingRow) -> None:
        version = mapping.add_version(mapping=row, body=item.given["body"], by=self.by, note=_reason(item))
        if row.is_two_way:  # it is tried on both systems first, which no transaction waits for
            self.later.append((item, version))
        else:
            mapping.activate(version=version, by=self.by, reason=_reason(item))

    def _row(self, difference: Difference) -> Any:
        item = difference.item
        if not difference.is_new:
            return self.present.row(item)
        if item.kind is not Kind.MAPPING:
            return MODELS[item.kind](name=item.name)
        integration, _, name = item.name.partition("/")
        return MappingRow(integration=self.present.rows[Kind.INTEGRATION][integration], name=name)

    def _value(self, item: Item, name: str) -> Any:
        """A given value as the row holds it: people and things instead of their names."""
        value = item.given[name]
        if value is None:
            return None
        if name in PEOPLE:
            return self.present.people[value]
        return self.present.rows[REFERENCES[name]][value] if name in REFERENCES else value

    def _seal(self, difference: Difference, row: Credential) -> None:
        values = {
            name: secret.value.reveal() if secret.value else self.answers[row.name, name]
            for name, secret in (difference.secrets or {}).items()
        }
        kind = difference.item.given["kind"] if "kind" in difference.fields else row.kind
        if values or (row.fields and (difference.origins is not None or kind != row.kind)):
            credential.set_values(credential=row, values=values, by=self.by, origins=difference.origins, kind=kind)
        elif difference.origins is not None:
            row.origins = list(difference.origins)
            save_as(row, by=self.by, reason=_reason(difference.item), fields=["origins"])
        if "details" in difference.fields:
            credential.refuse_unfit_details(kind, row.details)

    def _audit(self, difference: Difference, row: Connection | Credential | Integration | MappingRow | Webhook) -> None:
        detail = {line.path: [line.old, line.new] for line in difference.lines}
        deed = "add" if difference.is_new else "change"
        audit.record(
            actor=self.by,
            action=f"{row._meta.model_name}.{deed}",
            subject=row,
            detail=json.loads(json.dumps(detail, default=str)),
            reason=_reason(difference.item),
        )


def _reason(item: Item) -> str:
    return f"applied from {PurePath(item.place.file).name}"
