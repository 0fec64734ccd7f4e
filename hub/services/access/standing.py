"""What a person's groups amount to, read once for each object of a signed-in person."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, Group
from django.db.models import Exists, OuterRef, QuerySet

from hub.models import IntegrationGrant, User


@dataclass(frozen=True, slots=True)
class Limited:
    """A right on one integration that reaches only records whose scope is one of `scopes`."""

    integration: int
    right: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The groups of a person, the permissions these carry, which of those reach everything, and limited rights."""

    groups: frozenset[int] = frozenset()
    permissions: frozenset[str] = frozenset()
    everywhere: frozenset[str] = frozenset()
    limited: tuple[Limited, ...] = ()


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
    """One question: each group with each of its permissions; a second one for who has limited rights."""
    from hub.services.access.role import ROLES, WHOLE_HUB  # noqa: PLC0415  the roles are made from the rules

    limited = IntegrationGrant.objects.exclude(scopes=[])
    rows = list(
        Group.objects.filter(user=user)
        .order_by()
        .annotate(is_limited=Exists(limited.filter(group=OuterRef("pk"))))
        .values_list("pk", "name", "permissions__content_type__app_label", "permissions__codename", "is_limited")
    )
    names = {name for _, name, *_ in rows}
    by_group = [(name, f"{label}.{codename}") for _, name, label, codename, _ in rows if codename]
    permissions = frozenset(permission for _, permission in by_group)
    reaching = {name for name, role in ROLES.items() if role.is_everywhere}
    return Standing(
        frozenset(pk for pk, *_ in rows),
        permissions,
        permissions if WHOLE_HUB in names else frozenset(one for name, one in by_group if name in reaching),
        _limited(limited, {pk for pk, *_, is_limited in rows if is_limited}),
    )


def _limited(grants: QuerySet[IntegrationGrant], groups: set[int]) -> tuple[Limited, ...]:
    if not groups:
        return ()
    rows = grants.filter(group__in=groups).values_list("content_object", "permission__codename", "scopes")
    return tuple(Limited(integration, right, tuple(scopes)) for integration, right, scopes in rows)
