"""People and their rights: nobody gives, or takes over, a right they do not have themselves."""

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db import transaction
from django.db.models import Q, QuerySet

from hub.models import Credential, Integration, User
from hub.sdk import FatalError
from hub.services import access, audit

Person = User | AnonymousUser


def rights(person: Person) -> QuerySet[Permission]:
    """The Django permissions of a person, their own and those of their groups; a superuser has all."""
    if not isinstance(person, User):
        return Permission.objects.none()
    if person.is_superuser:
        return Permission.objects.all()
    return Permission.objects.filter(Q(group__user=person) | Q(user=person)).order_by().distinct()


def grantable_rights(by: Person) -> QuerySet[Permission]:
    """The rights that the policy asks for: all of them, where giving roles is the person's task, or those they have."""
    asked = {name for rule in access.RULES.values() for names in rule.needs.values() for name in names}
    codenames = {name.partition(".")[2] for name in asked}
    theirs = Permission.objects.all() if may_give_any_role(by) else rights(by)
    about = theirs.filter(content_type__app_label__in=["hub", "auth"], codename__in=codenames)
    return Permission.objects.filter(pk__in=about.values("pk")).order_by("content_type__model", "codename")


def may_give_any_role(by: Person) -> bool:
    """Whether it is the person's task to give others roles, also those with rights beyond their own."""
    return access.can(by, "grant", Integration).allowed and access.can(by, "grant", Credential).allowed


def grantable_groups(by: Person) -> QuerySet[Group]:
    """The groups that `by` may give to others: all, where that is their task, or those whose every right they have."""
    if may_give_any_role(by):
        return Group.objects.all()
    beyond = Permission.objects.exclude(pk__in=rights(by).values("pk"))
    return Group.objects.exclude(pk__in=Group.objects.filter(permissions__in=beyond).values("pk"))


def may_manage(by: Person, person: User) -> bool:
    """Whether `by` has every right that `person` has: to set somebody's password is to be able to become them."""
    if not isinstance(by, User) or (person.is_superuser and not by.is_superuser):
        return False
    return by.is_superuser or not rights(person).exclude(pk__in=rights(by).values("pk")).exists()


def exclusive(names: Collection[str]) -> str:
    """Why nobody may have all of these roles at once (separation of duties), or an empty string."""
    for name in sorted(set(names) & set(access.ROLES)):
        others = sorted(set(access.ROLES[name].excludes) & set(names))
        if others:
            return f"“{name}” and “{others[0]}” exclude each other: one person would check their own work."
    return ""


def may_manage_group(by: Person, group: Group) -> bool:
    """Whether `by` may give every right of the group, and is not in it: nobody gives a right to themselves."""
    is_in_it = isinstance(by, User) and by.groups.filter(pk=group.pk).exists()
    return not is_in_it and grantable_groups(by).filter(pk=group.pk).exists()


@transaction.atomic
def follow(person: User, *, roles: Collection[str], governed: Collection[str], source: str) -> str:
    """Have, of the `governed` roles, exactly these. Returns why not all were given, or an empty string.

    What is not said any more is taken in any case; nothing is given that another role of the person excludes.
    Nobody becomes a superuser in this way.
    """
    User.objects.select_for_update().get(pk=person.pk)
    before = set(person.groups.values_list("name", flat=True))
    kept = before - (set(governed) - set(roles))
    wanted = kept | set(roles)
    refused = exclusive(wanted)
    after = kept if refused else wanted
    if after != before:
        person.groups.remove(*Group.objects.filter(name__in=before - after))
        person.groups.add(*Group.objects.filter(name__in=after - before))
        told = [sorted(before), sorted(person.groups.values_list("name", flat=True))]
        audit.record(actor=None, action="person.roles", subject=person, detail={"groups": told}, reason=source)
    return refused


@transaction.atomic
def take(*, person: User, group: Group, by: User, reason: str) -> None:
    """Take somebody out of a group. Raises FatalError where that is not the task of `by`, or is about themselves."""
    User.objects.select_for_update().get(pk=person.pk)
    if person.pk == by.pk:
        raise FatalError("Nobody changes their own rights: ask another Security admin.")
    if not may_give_any_role(by) or not access.can(by, "change", person):
        raise FatalError("Taking roles is for a Security admin.")
    before = sorted(person.groups.values_list("name", flat=True))
    person.groups.remove(group)
    after = [name for name in before if name != group.name]
    audit.record(actor=by, action="person.take", subject=person, detail={"groups": [before, after]}, reason=reason)
