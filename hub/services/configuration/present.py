"""What the hub has now, under the names that files use."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hub.models import Connection, Credential, EgressZone, Integration, Mapping, User, Webhook
from hub.services.configuration import routing
from hub.services.configuration.item import Item, Kind

PEOPLE = ("owner", "deputy")
MODELS: dict[Kind, Any] = {
    Kind.ZONE: EgressZone,
    Kind.CREDENTIAL: Credential,
    Kind.CONNECTION: Connection,
    Kind.INTEGRATION: Integration,
    Kind.MAPPING: Mapping,
    Kind.WEBHOOK: Webhook,
}


@dataclass(slots=True)
class Present:
    """The rows, by kind and name, and the people whom the files name."""

    rows: dict[Kind, dict[str, Any]]
    people: dict[str, User]

    @classmethod
    def load(cls, items: Iterable[Item]) -> "Present":
        """Everything that is configured. There are hundreds of rows, not millions."""
        usernames = {item.given[role] for item in items for role in PEOPLE if item.given.get(role)}
        mappings = Mapping.objects.select_related("integration", "source", "destination", "active_version")
        return cls(
            rows={
                Kind.ZONE: {row.name: row for row in EgressZone.objects.all()},
                Kind.CREDENTIAL: {row.name: row for row in Credential.objects.all()},
                Kind.CONNECTION: {row.name: row for row in Connection.objects.select_related("credential", "owner")},
                Kind.INTEGRATION: {row.name: row for row in Integration.objects.select_related("owner", "deputy")},
                Kind.MAPPING: {row.path: row for row in mappings},
                Kind.WEBHOOK: {row.name: row for row in Webhook.objects.select_related("connection", "credential")},
            },
            people={person.username: person for person in User.objects.filter(username__in=usernames)},
        )

    def row(self, item: Item) -> Any:
        """The row of an item, or None when there is none yet."""
        return self.rows[item.kind].get(item.name)

    def value(self, item: Item, field: str) -> Any:
        """A present value as a file would write it; None when there is none yet."""
        row = self.row(item)
        if row is None:
            return None
        if field == "body":
            return row.active_version.body if row.active_version else None
        if field == "routes":
            return routing.told(row)
        value = getattr(row, field)
        if isinstance(value, User):
            return value.username
        return value.name if isinstance(value, Credential | Connection) else value

    def following(self, item: Item, field: str) -> Any:
        """The value once the item is written: what the file gives, or else what is there."""
        return item.given[field] if field in item.given else self.value(item, field)
