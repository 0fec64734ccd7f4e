"""Checks items against each other, the connectors, the people and what is there, before anything is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hub import registry
from hub.engine.mapping import MappingError, compile_mapping
from hub.engine.schedule import next_after
from hub.models import DeletePolicy, EgressZone, Link, SignatureStyle
from hub.sdk import ConfigError, Connector, Secret
from hub.services import zone
from hub.services.configuration import reach, routing
from hub.services.configuration.item import Item, Kind
from hub.services.configuration.present import PEOPLE, Present
from hub.services.configuration.problem import Problems
from hub.services.configuration.reach import Reach
from hub.services.connection import refuse_other_origins
from hub.services.credential import normal_origins, oauth

REQUIRED: dict[Kind, tuple[str, ...]] = {
    Kind.ZONE: ("title", "networks", "reason"),
    Kind.CREDENTIAL: (),
    Kind.CONNECTION: ("title", "connector"),
    Kind.INTEGRATION: ("title", "purpose", "owner", "deputy"),
    Kind.MAPPING: ("source", "destination", "body"),
    Kind.WEBHOOK: ("title", "connection"),
}
ZONE_PARTS: dict[str, Any] = {"networks": [], "ports": [], "ca_bundle": ""}
SOME_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Check:
    """One pass over all items; what is wrong is added to `problems`."""

    items: Sequence[Item]
    present: Present
    problems: Problems
    reached: list[Reach] = field(default_factory=list)

    def run(self) -> None:
        """Check everything."""
        for item in self.items:
            self._required(item)
            for role in PEOPLE:
                self._person(item, role)
        each: dict[Kind, Callable[[Item], None]] = {
            Kind.CONNECTION: self._connection,
            Kind.INTEGRATION: self._integration,
            Kind.MAPPING: self._mapping,
            Kind.CREDENTIAL: self._credential,
            Kind.WEBHOOK: self._webhook,
            Kind.ZONE: self._zone,
        }
        for kind, check in each.items():  # connections first: they tell where the credentials are sent
            for item in self.items:
                if item.kind is kind:
                    check(item)

    def origins_of(self, item: Item) -> list[str] | None:
        """Where a credential may be sent: what the file lists, or else what its connections reach; None: no change."""
        if "origins" in item.given:
            return normal_origins(item.given["origins"])
        if not item.secrets:
            return None
        there = [*self.reached, *self._reached_elsewhere()]
        return sorted({origin for one in there if one.credential == item.name for origin in one.origins})

    def _required(self, item: Item) -> None:
        if self.present.row(item) is None:
            for name in REQUIRED[item.kind]:
                if name not in item.places:
                    self.problems.add(item.place, f"{name} is missing. A new {item.kind} needs it.")

    def _person(self, item: Item, role: str) -> None:
        username = item.given.get(role)
        if not username:
            return
        person = self.present.people.get(username)
        if person and not person.is_active:
            self.problems.add(item.at(role), f"“{username}” can no longer sign in. Name somebody who can.")
        if person is None:
            self.problems.add(
                item.at(role),
                f"there is no person “{username}”. Add the person in the admin, with "
                f"`manage.py createsuperuser --username {username}`, or, for the demo, `manage.py people --demo`.",
            )

    def _connection(self, item: Item) -> None:
        self._known(item, "credential", Kind.CREDENTIAL)
        connector = self._connector(item)
        if connector is None or ("config" in item.places and "config" not in item.given):
            return  # reported already
        config = self.present.following(item, "config") or {}
        credential = self.present.following(item, "credential")
        try:
            found = reach.of(item.name, connector, config, credential)
            is_renewed = self._kind(credential) in oauth.KINDS
            reach.try_opening(connector, config, found.origins, self._secrets(credential), is_renewed=is_renewed)
        except ConfigError as error:
            for path, text in reach.wrong_settings(connector, config, error):
                self.problems.add(item.at(f"config.{path}" if path else "config"), text)
        else:
            self.reached.append(found)

    def _connector(self, item: Item) -> Connector | None:
        name = self.present.following(item, "connector")
        try:
            return registry.get(name) if name else None
        except ConfigError as error:
            self.problems.add(item.at("connector"), str(error))
        except Exception as error:  # noqa: BLE001  a connector's folder may fail in any way
            self.problems.add(item.at("connector"), f"the connector “{name}” cannot be loaded: {error}")
        return None

    def _secrets(self, credential: str | None) -> dict[str, Secret]:
        """The secrets of a credential that the files tell."""
        return {
            name: told.value
            for item in self._credentials(credential)
            for name, told in item.secrets.items()
            if told.value
        }

    def _kind(self, credential: str | None) -> str:
        """The kind of a credential once the files are applied."""
        told = [item.given["kind"] for item in self._credentials(credential) if "kind" in item.given]
        stored = self.present.rows[Kind.CREDENTIAL].get(credential or "")
        return told[0] if told else stored.kind if stored else ""

    def _credentials(self, name: str | None) -> list[Item]:
        return [item for item in self.items if item.kind is Kind.CREDENTIAL and item.name == name]

    def _credential(self, item: Item) -> None:
        """Its addresses must cover what its connections reach, and its values be known to their connectors."""
        try:
            allowed = self.origins_of(item)
        except ConfigError as error:
            self.problems.add(item.at("origins"), str(error))
            return
        users = [one for one in self.reached if one.credential == item.name]
        for one in users:
            present = self.present.value(item, "origins") or []
            self._cover(item, one, present if allowed is None else allowed)
        asked = {name for one in users for name in one.secrets}
        # The secret of one that gets tokens goes to its provider, and no connector asks for it.
        is_renewed = self._kind(item.name) in oauth.KINDS
        unknown = sorted(set(item.secrets) - asked) if users and not is_renewed else []
        if unknown:
            known = ", ".join(sorted(asked)) or "none"
            self.problems.add(
                item.at("values"), f"{', '.join(unknown)}: no connection that uses it asks for this. Known: {known}."
            )

    def _cover(self, item: Item, user: Reach, allowed: Sequence[str]) -> None:
        if not user.secrets or not allowed:
            return
        try:
            refuse_other_origins(user.connection, user.origins, item.name, allowed)
        except ConfigError as error:
            self.problems.add(item.at("origins"), str(error))

    def _integration(self, item: Item) -> None:
        owner, deputy = (self.present.following(item, role) for role in PEOPLE)
        if owner and owner == deputy:
            self.problems.add(item.at("deputy"), "the deputy must be somebody else than the owner.")
        for field_name, rule in (("time_zone", "0 0 * * *"), ("schedule", item.given.get("schedule", ""))):
            zone = item.given.get("time_zone", "UTC") if field_name == "time_zone" else "UTC"
            try:
                next_after(rule, zone, SOME_MOMENT)
            except ConfigError as error:
                self.problems.add(item.at(field_name), str(error))

    def _mapping(self, item: Item) -> None:
        for end in ("source", "destination"):
            self._known(item, end, Kind.CONNECTION)
            self._same_end(item, end)
        policy = self.present.following(item, "delete_policy") or DeletePolicy.ARCHIVE
        if policy == DeletePolicy.ARCHIVE and not self.present.following(item, "archive_fields"):
            self.problems.add(
                item.at("delete_policy"),
                "to archive what is deleted at the source, say how: archive_fields: {active: false}. "
                "Or choose delete_policy: delete, exception or ignore.",
            )
        if "body" in item.given:
            try:
                compile_mapping(item.given["body"])
            except MappingError as error:
                for finding in error.findings:
                    where, _, what = finding.partition(": ")
                    path = f"body.{where}"
                    self.problems.add(item.at(path), what if path in item.places else finding)

    def _webhook(self, item: Item) -> None:
        """Its sender, its signature, and the mappings that its routes lead to."""
        self._known(item, "connection", Kind.CONNECTION)
        self._known(item, "credential", Kind.CREDENTIAL)
        mappings = {other.name for other in self.items if other.kind is Kind.MAPPING}
        known = mappings | set(self.present.rows[Kind.MAPPING])
        style = self.present.following(item, "style") or SignatureStyle.STANDARD
        signature = self.present.following(item, "signature") or {}
        for path, told in routing.problems(item, style, signature, known).items():
            self.problems.add(item.at(path), told)

    def _zone(self, item: Item) -> None:
        """It could be opened as it stands."""
        parts = {name: self.present.following(item, name) or empty for name, empty in ZONE_PARTS.items()}
        try:
            zone.check(EgressZone(**parts))
        except ConfigError as error:
            name, _, told = str(error).partition(": ")
            self.problems.add(item.at(name), told)

    def _known(self, item: Item, field_name: str, kind: Kind) -> None:
        """The thing a field refers to must be in the files or in the hub."""
        name = item.given.get(field_name)
        known = {other.name for other in self.items if other.kind is kind} | set(self.present.rows[kind])
        if name and name not in known:
            shown = ", ".join(sorted(known)) or "none"
            self.problems.add(item.at(field_name), f"there is no {kind} “{name}”. Add it, or choose one of: {shown}.")

    def _same_end(self, item: Item, end: str) -> None:
        """Links name records by their keys on both sides; at another end the same keys would mean other records."""
        row = self.present.row(item)
        if row is None or end not in item.given:
            return
        fields = (end, f"{end}_stream")
        if any(item.given[name] != self.present.value(item, name) for name in fields) and _has_links(row):
            self.problems.add(
                item.at(end), f"the {end} of a mapping that has links cannot change. Make a new mapping instead."
            )

    def _reached_elsewhere(self) -> list[Reach]:
        """What connections that are in the hub but not in the files reach."""
        in_files = {item.name for item in self.items if item.kind is Kind.CONNECTION}
        found = []
        for row in self.present.rows[Kind.CONNECTION].values():
            if row.name not in in_files:
                found.extend(reach.of_row(row))
        return found


def _has_links(row: Any) -> bool:
    return Link.objects.filter(mapping=row).exists()
