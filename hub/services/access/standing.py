"""What a person's groups amount to, read once for each object of a signed-in person."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, Group

from hub.models import User


@dataclass(frozen=True, slots=True)
class Standing:
    """The groups of a person, the permissions these carry, and which of those reach everything."""

    groups: frozenset[int] = frozenset()
    permissions: frozenset[str] = frozenset()
    everywhere: frozenset[str] = frozenset()


def standing(user: User | AnonymousUser) -> Standing:
    """How a person stands. Permissions of one person alone do not count: rights come from groups.

    Kept on the object: a long job that acts for somebody fetches the person anew.
    """
    if not isinstance(user, User):
        return Standing()
    if not hasattr(user, "_hub_standing"):
        user._hub_standing = _read(user)  # type: ignore[attr-defined]  # noqa: SLF001
    found: Standing = user._hub_standing  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def _read(user: User) -> Standing:
    """One question: each group with each of its permissions."""
    from hub.services.access.role import ROLES, WHOLE_HUB  # noqa: PLC0415  the roles are made from the rules

    rows = list(
        Group.objects.filter(user=user)
        .order_by()
        .values_list("pk", "name", "permissions__content_type__app_label", "permissions__codename")
    )
    names = {name for _, name, *_ in rows}
    by_group = [(name, f"{label}.{codename}") for _, name, label, codename in rows if codename]
    permissions = frozenset(permission for _, permission in by_group)
    reaching = {name for name, role in ROLES.items() if role.is_everywhere}
    return Standing(
        frozenset(pk for pk, *_ in rows),
        permissions,
        permissions if WHOLE_HUB in names else frozenset(one for name, one in by_group if name in reaching),
    )
