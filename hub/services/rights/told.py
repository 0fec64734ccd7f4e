"""Rights of a moment in words: of a person, and on an object."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.models import CapturedRow, Credential, Integration
from hub.services.access import CREDENTIAL_RIGHTS, INTEGRATION_RIGHTS, ROLES, RULES, WHOLE_HUB
from hub.services.rights.past import Past, scopes_of

Objects = type[Integration] | type[Credential]


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that a person had, through what, and who gave it when, as far as that is known."""

    what: str
    through: str
    by: str = ""
    since: Any = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class PersonRights:
    """What an account was and had."""

    name: str
    is_active: bool
    is_superuser: bool
    reaches_everything: bool
    roles: list[Held]
    grants: list[Held]
    owned: list[Held]


@dataclass(frozen=True, slots=True)
class Reach:
    """Somebody who could do something to an object: what, and through what."""

    person: int
    name: str
    actions: list[str]
    through: list[str]


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """An object and everybody who could do anything to it."""

    name: str
    reach: list[Reach]


def of_person(then: Past, person: int) -> PersonRights | None:
    """The rights of a person; None where there was no such account."""
    row = then.tables["hub_user"].get(person)
    if row is None:
        return None
    stance = then.stance(person)
    owned = [
        Held(one["title"], word)
        for pk, one in then.tables["hub_integration"].items()
        if (word := then.holders(pk).get(person))
    ]
    return PersonRights(
        name=row["username"],
        is_active=stance.is_active,
        is_superuser=stance.is_superuser,
        reaches_everything=stance.is_superuser or bool(stance.everywhere),
        roles=sorted(_roles(then, person), key=lambda held: held.what),
        grants=sorted(_grants(then, stance.groups), key=lambda held: (held.what, held.through)),
        owned=sorted(owned, key=lambda held: held.what),
    )


def of_object(then: Past, model: Objects, pk: int) -> ObjectRights | None:
    """Who could do what to an object; None where there was none."""
    row = then.tables[model._meta.db_table].get(pk)
    if row is None:
        return None
    asked = actions(model)
    reach = []
    for person, account in then.tables["hub_user"].items():
        may = [action for action in asked if then.may(person, action, model, pk)]
        if may:
            through = _through(then, person, model, pk)
            reach.append(Reach(person, account["username"], [action.replace("_", " ") for action in may], through))
    return ObjectRights(row["title"], sorted(reach, key=lambda one: one.name))


def actions(model: Objects) -> list[str]:
    """The actions that hang on rights alone."""
    return [action for action in RULES[model].needs if action not in RULES[model].only]


def _through(then: Past, person: int, model: Objects, pk: int) -> list[str]:
    """Roles and groups, ownership and grants, which together lead to a right."""
    stance = then.stance(person)
    word = then.holders(pk).get(person) if model is Integration else None
    given = {row["group_id"] for row in _table(then, model).values() if row["content_object_id"] == pk}
    return [
        *(["superuser"] if stance.is_superuser else []),
        *([word] if word else []),
        *(f"{name} (given)" if group in given else name for group, name in sorted(stance.groups.items())),
    ]


def _roles(then: Past, person: int) -> list[Held]:
    held = {pk: row["group_id"] for pk, row in then.tables["hub_user_groups"].items() if row["user_id"] == person}
    origin = origins("hub_user_groups", list(held))
    return [
        Held(
            then.tables["auth_group"].get(group, {}).get("name", f"group {group}"),
            _sort(then.tables["auth_group"].get(group, {}).get("name", "")),
            *origin.get(pk, ("", None)),
        )
        for pk, group in held.items()
    ]


def origins(table: str, keys: list[int]) -> dict[int, tuple[str, datetime]]:
    """Who wrote each of these rows when, by its key, where that was captured."""
    found = CapturedRow.objects.filter(table_name=table, key__in=[str(key) for key in keys], operation="insert")
    rows = found.order_by("pk").values_list("key", "actor_name", "at")
    return {int(key): (actor, at) for key, actor, at in rows}


def _grants(then: Past, groups: dict[int, str]) -> list[Held]:
    found = []
    for model, labels in ((Integration, INTEGRATION_RIGHTS), (Credential, CREDENTIAL_RIGHTS)):
        for row in _table(then, model).values():
            if row["group_id"] in groups:
                subject = then.tables[model._meta.db_table].get(row["content_object_id"], {}).get("title", "")
                right = labels.get(then.codename(row["permission_id"]))
                what = f"{subject}: {right.label if right else then.codename(row['permission_id'])}"
                if scopes := scopes_of(row):
                    what += f", only where it is {' or '.join(scopes)}"
                found.append(Held(what, groups[row["group_id"]], row["given_by"], row["given_at"], row["reason"]))
    return found


def _table(then: Past, model: Objects) -> dict[int, dict[str, Any]]:
    return then.tables["hub_integrationgrant" if model is Integration else "hub_credentialgrant"]


def _sort(name: str) -> str:
    if name in ROLES:
        return "built-in role"
    return "reaches everything" if name == WHOLE_HUB else "group"
