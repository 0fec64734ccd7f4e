"""The tables that rights come from, as they were at a moment, and what they allowed.

What was captured since is taken back, the newest first. That is exact as long as the database has captured, which is
from `begins` on. The rules themselves are those of today: an event tells by which version of them it was decided.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from hub.models import CapturedRow, Credential, Integration
from hub.services.access import CREDENTIAL_RIGHTS, INTEGRATION_RIGHTS, ROLES, RULES, WHOLE_HUB, Rule

GRANT = ("content_object_id", "group_id", "permission_id", "given_by", "given_at", "reason")
TABLES: dict[str, tuple[str, ...]] = {
    "hub_user": ("username", "is_active", "is_superuser"),
    "hub_user_groups": ("user_id", "group_id"),
    "auth_group": ("name",),
    "auth_group_permissions": ("group_id", "permission_id"),
    "hub_integrationgrant": (*GRANT, "scopes"),
    "hub_credentialgrant": GRANT,
    "hub_integration": ("title", "owner_id", "deputy_id"),
    "hub_credential": ("title",),
    "hub_connection": ("credential_id",),
    "hub_mapping": ("integration_id", "source_id", "destination_id"),
}
CAPTURING = "0026_captured_rows"
Row = dict[str, Any]
REACHING = frozenset({WHOLE_HUB, *(name for name, role in ROLES.items() if role.is_everywhere)})


@dataclass(frozen=True, slots=True)
class Stance:
    """How a person stood: groups by number and name, permissions, and those that reached everything."""

    is_active: bool = False
    is_superuser: bool = False
    groups: dict[int, str] = field(default_factory=dict)
    permissions: frozenset[str] = frozenset()
    everywhere: frozenset[str] = frozenset()


@dataclass
class Past:
    """The tables at `at`. `certain_from`: from then on the answer is certain; None where nothing is known to be."""

    at: datetime
    tables: dict[str, dict[int, Row]]
    certain_from: datetime | None
    _stances: dict[int, Stance] = field(default_factory=dict)

    @property
    def is_certain(self) -> bool:
        """Whether all that was written since was captured."""
        return self.certain_from is not None and self.at >= self.certain_from

    def stance(self, person: int) -> Stance:
        """How this person stood; like nobody where there was no such account."""
        if person not in self._stances:
            self._stances[person] = self._stood(person)
        return self._stances[person]

    def _stood(self, person: int) -> Stance:
        row = self.tables["hub_user"].get(person)
        if row is None:
            return Stance()
        groups = {pk: self.tables["auth_group"].get(pk, {}).get("name", "") for pk in self._groups.get(person, ())}
        by_group = {pk: self._carried.get(pk, frozenset()) for pk in groups}
        all_of = frozenset().union(*by_group.values())
        reaching = [by_group[pk] for pk, name in groups.items() if name in REACHING]
        everywhere = all_of if WHOLE_HUB in groups.values() else frozenset().union(*reaching)
        return Stance(bool(row["is_active"]), bool(row["is_superuser"]), groups, all_of, everywhere)

    def may(self, person: int, action: str, model: type[Model], pk: int) -> bool:
        """Whether the person could do this to the integration or credential, as services.access decides today.

        Leaves out what hangs on the state of the object and not on the person.
        """
        rule, stance = RULES[model], self.stance(person)
        table = model._meta.db_table
        needs = frozenset(rule.needs.get(action, ()))
        if not needs or not stance.is_active or pk not in self.tables[table]:
            return False
        if stance.is_superuser or not stance.everywhere.isdisjoint(needs):
            return True
        if action in rule.owned and any(person in self.holders(one) for one in self._above(model, pk)):
            return True
        if stance.permissions.isdisjoint(needs):
            return False
        groups = frozenset(stance.groups)
        if model is Integration:
            right = rule.right_for(action)
            # A right on a part of the records shows the integration, and lets do nothing else with it.
            return action in rule.granted and (
                self._granted(groups, pk, right) or (action == "view" and self._granted(groups, pk, right, part=True))
            )
        return self._reaches_credential(rule, groups, action, pk)

    def holders(self, integration: int) -> dict[int, str]:
        """Owner and deputy of an integration."""
        row = self.tables["hub_integration"].get(integration, {})
        return {
            row[column]: word for column, word in (("deputy_id", "deputy"), ("owner_id", "owner")) if row.get(column)
        }

    def codename(self, permission: int) -> str:
        """What a permission is called, without its table."""
        return self._permissions.get(permission, "").rpartition(".")[2]

    # --- what is looked up again and again ----------------------------------------------------------------

    @cached_property
    def _permissions(self) -> dict[int, str]:
        rows = Permission.objects.order_by().values_list("pk", "content_type__app_label", "codename")
        return {pk: f"{label}.{codename}" for pk, label, codename in rows}

    @cached_property
    def _groups(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for row in self.tables["hub_user_groups"].values():
            found.setdefault(row["user_id"], set()).add(row["group_id"])
        return found

    @cached_property
    def _carried(self) -> dict[int, frozenset[str]]:
        found: dict[int, set[str]] = {}
        for row in self.tables["auth_group_permissions"].values():
            found.setdefault(row["group_id"], set()).add(self._permissions.get(row["permission_id"], ""))
        return {pk: frozenset(names) for pk, names in found.items()}

    @cached_property
    def _given(self) -> dict[tuple[str, int, bool], set[tuple[int, str]]]:
        """Group and right of each grant, by table, object, and whether it is limited to a part of the records."""
        found: dict[tuple[str, int, bool], set[tuple[int, str]]] = {}
        for table in ("hub_integrationgrant", "hub_credentialgrant"):
            for row in self.tables[table].values():
                one = (row["group_id"], self.codename(row["permission_id"]))
                found.setdefault((table, row["content_object_id"], bool(scopes_of(row))), set()).add(one)
        return found

    def _has(self, groups: frozenset[int], place: tuple[str, int, bool], given_by: tuple[str, ...]) -> bool:
        return any(group in groups and right in given_by for group, right in self._given.get(place, ()))

    def _granted(self, groups: frozenset[int], integration: int, right: str, *, part: bool = False) -> bool:
        place = ("hub_integrationgrant", integration, part)
        return self._has(groups, place, INTEGRATION_RIGHTS[right].given_by)

    def _reaches_credential(self, rule: Rule, groups: frozenset[int], action: str, pk: int) -> bool:
        given_by = CREDENTIAL_RIGHTS[rule.credential_right_for(action)].given_by
        if self._has(groups, ("hub_credentialgrant", pk, False), given_by):
            return True
        right = rule.right_for(action)
        return action in rule.granted and any(self._granted(groups, one, right) for one in self._above(Credential, pk))

    def _above(self, model: type[Model], pk: int) -> list[int]:
        """The integrations that lead to it: itself, or those with a mapping that uses the credential."""
        if model is Integration:
            return [pk]
        return [row["integration_id"] for row in self.tables["hub_mapping"].values() if self._uses(row, pk)]

    def _uses(self, mapping: Row, credential: int) -> bool:
        ends = (self.tables["hub_connection"].get(mapping[end], {}) for end in ("source_id", "destination_id"))
        return any(end.get("credential_id") == credential for end in ends)


def scopes_of(grant: Row) -> list[str]:
    """The values to which a grant was limited; none where it was whole, as all were before there were such limits."""
    kept = grant.get("scopes")
    found: list[str] = json.loads(kept) if isinstance(kept, str) and kept else kept or []
    return found


def past(at: datetime) -> Past:
    """The tables as they were. What is written meanwhile does no harm: it is taken back as well."""
    tables = {table: _now(table, columns) for table, columns in TABLES.items()}
    certain_from = begins()
    since = CapturedRow.objects.filter(table_name__in=TABLES, at__gt=at).order_by("-pk")
    for table, key, operation, before, when in since.values_list(
        "table_name", "key", "operation", "before", "at"
    ).iterator(chunk_size=2_000):
        if operation == "truncate":
            certain_from = max(filter(None, (certain_from, when)))
        elif operation == "insert":
            tables[table].pop(int(key), None)
        else:
            tables[table][int(key)] = {name: (before or {}).get(name) for name in TABLES[table]}
    return Past(at, tables, certain_from)


def begins() -> datetime | None:
    """From when on the database has captured what is written to governed tables."""
    recorder = MigrationRecorder(connection)
    applied = recorder.migration_qs.filter(app="hub", name=CAPTURING).values_list("applied", flat=True).first()
    return applied or CapturedRow.objects.order_by("pk").values_list("at", flat=True).first()


def _now(table: str, columns: tuple[str, ...]) -> dict[int, Row]:
    names = ", ".join(("id", *columns))
    with connection.cursor() as cursor:
        cursor.execute(f"select {names} from {table}")  # noqa: S608  names of ours
        return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in cursor.fetchall()}
