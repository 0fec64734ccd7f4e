"""Gives groups rights on single integrations and credentials, and takes them away; tells who has which."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from hub.models import Credential, CredentialGrant, Grant, Integration, IntegrationGrant, User
from hub.sdk import FatalError
from hub.services import access, audit
from hub.services.access import CREDENTIAL_RIGHTS, INTEGRATION_RIGHTS, LIMITABLE, Right

Subject = Integration | Credential
MOST_PEOPLE = 12


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who reaches an object: through what, with which right, who is meant, and the grant where it is one."""

    name: str
    right: str
    people: str
    grant: Grant | None = None


def rights_of(subject: Subject | type[Subject]) -> dict[str, Right]:
    """The rights that may be given on it, by codename, from the least to the most."""
    model = subject if isinstance(subject, type) else type(subject)
    return INTEGRATION_RIGHTS if model is Integration else CREDENTIAL_RIGHTS


@transaction.atomic
def give(*, subject: Subject, group: Group, right: str, by: User, reason: str, scopes: Sequence[str] = ()) -> Grant:
    """Give the members of a group a right, with `scopes` only on records whose scope field has one of these values.

    Raises FatalError where `by` may not, would give it to themselves, or where the right cannot be limited.
    """
    _refuse(subject, group, by)
    if right not in rights_of(subject):
        raise FatalError(f"There is no right “{right}” on this.")
    limits = sorted({scope.strip() for scope in scopes} - {""})
    if limits:
        _refuse_limit(subject, right)
    permission = Permission.objects.get(codename=right, content_type=ContentType.objects.get_for_model(type(subject)))
    table = IntegrationGrant if isinstance(subject, Integration) else CredentialGrant
    made: Grant
    made, is_new = table._default_manager.get_or_create(
        content_object=subject, group=group, permission=permission,
        defaults={"given_by": by.get_username(), "reason": reason, **({"scopes": limits} if limits else {})},
    )  # fmt: skip
    if not is_new:
        raise FatalError(f"“{group}” has this right already, from {made.given_by or 'the hub'}.")
    _record(made, "grant.give", by, reason)
    return made


@transaction.atomic
def take(*, grant: Grant, by: User, reason: str) -> None:
    """Take a right away from a group. Raises FatalError where `by` may not."""
    subject = grant.content_object
    decision = access.can(by, "grant", subject)
    if not decision:
        raise FatalError(decision.reason)
    _record(grant, "grant.take", by, reason)
    grant.delete()


def holders(subject: Subject) -> list[Holder]:
    """Everybody who reaches it, the named first, then by grant, then who reaches everything."""
    return [*_named(subject), *_granted(subject), *_everywhere()]


def said(grant: Grant) -> str:
    """What a grant allows, in words."""
    label = rights_of(type(grant.content_object))[grant.permission.codename].label
    scopes = limits_of(grant)
    return f"{label}, only where it is {' or '.join(scopes)}" if scopes else label


def limits_of(grant: Grant) -> list[str]:
    """The values of the scope field to which a grant is limited; empty for a whole one."""
    return list(getattr(grant, "scopes", []))


def scope_fields(subject: Subject) -> list[str]:
    """The scope fields of an integration's mappings: where there is none, no right on it can be limited."""
    if not isinstance(subject, Integration):
        return []
    return sorted(set(subject.mappings.exclude(scope_field="").values_list("scope_field", flat=True)))


def _refuse(subject: Subject, group: Group, by: User) -> None:
    decision = access.can(by, "grant", subject)
    if not decision:
        raise FatalError(decision.reason)
    if by.groups.filter(pk=group.pk).exists():
        raise FatalError(f"You are in “{group}”. Nobody gives a right to themselves: ask another Security admin.")


def _refuse_limit(subject: Subject, right: str) -> None:
    if right not in LIMITABLE:
        raise FatalError("This right is about the whole of it and cannot be limited to a part of the records.")
    if not scope_fields(subject):
        raise FatalError(
            "None of its mappings has a scope field. Set one on the mapping's form, then limit rights by it."
        )


def _record(grant: Grant, action: str, by: User, reason: str) -> None:
    detail = {"group": grant.group.name, "right": grant.permission.codename, "of": str(grant.group.pk)}
    if scopes := limits_of(grant):
        detail["scopes"] = ", ".join(scopes)
    audit.record(actor=by, action=action, subject=grant.content_object, detail=detail, reason=reason)


def _named(subject: Subject) -> list[Holder]:
    if not isinstance(subject, Integration):
        return []
    return [
        Holder(role, "do all that concerns it", str(person))
        for role, person in (("Owner", subject.owner), ("Deputy", subject.deputy))
    ]


def _granted(subject: Subject) -> list[Holder]:
    order = list(rights_of(subject))
    grants = list(subject.grants.select_related("group", "permission"))
    people = _people([grant.group_id for grant in grants])
    found = [Holder(grant.group.name, said(grant), people.get(grant.group_id, "nobody yet"), grant) for grant in grants]
    return sorted(found, key=lambda one: (one.name, order.index(one.grant.permission.codename) if one.grant else 0))


def _everywhere() -> list[Holder]:
    reaching = [name for name, role in access.ROLES.items() if role.is_everywhere]
    groups = list(Group.objects.filter(name__in=[*reaching, access.WHOLE_HUB]).order_by("name"))
    people = _people([group.pk for group in groups])
    tasks = {name: access.ROLES[name].task for name in reaching}
    found = [
        Holder(group.name, tasks.get(group.name, "what their roles say, everywhere"), people[group.pk])
        for group in groups
        if group.pk in people
    ]
    mighty = User.objects.filter(is_active=True, is_superuser=True)
    return [*found, *(Holder("Superuser", "everything", str(person)) for person in mighty[:MOST_PEOPLE])]


def _people(groups: Sequence[int]) -> dict[int, str]:
    """The active members of each group, by its id, as a list of names."""
    members: dict[int, list[str]] = {}
    for member in User.groups.through.objects.filter(group__in=groups, user__is_active=True).select_related("user"):
        members.setdefault(member.group_id, []).append(str(member.user))
    return {pk: _listed(sorted(names)) for pk, names in members.items()}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_PEOPLE} more" if len(names) > MOST_PEOPLE else ""
    return ", ".join(names[:MOST_PEOPLE]) + more
