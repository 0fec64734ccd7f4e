"""Decides: whether a person may do something to a row, and to which rows."""

from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet

from hub.models import Credential, CredentialGrant, Integration, IntegrationGrant, User
from hub.services.access.right import CREDENTIAL_RIGHTS, INTEGRATION_RIGHTS
from hub.services.access.rule import RULES, Rule
from hub.services.access.standing import Standing, standing

Row = TypeVar("Row", bound=Model)
Person = User | AnonymousUser
NOWHERE = Q(pk__in=())


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and a sentence that says why not."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Decision(allowed=True)


def can(user: Person, action: str, subject: Model | type[Model]) -> Decision:
    """Whether `user` may do `action` to this row, or, given a table, to any row of it (to add: a row at all)."""
    model = subject if isinstance(subject, type) else type(subject)
    rule = RULES.get(model)
    if rule is None or not user.is_active:
        return Decision(allowed=False, reason="Nobody may do this here.")
    if isinstance(subject, Model):
        return _on_row(user, action, rule, subject)
    if _has_permission(user, action, rule) or (action in rule.owned and _owns_any(user)):
        return ALLOWED
    return _refused(action, model)


def visible(user: Person, action: str, model: type[Row]) -> QuerySet[Row]:
    """The rows of `model` to which `user` may do `action`: `row in visible(…)` exactly when `can(…, row)`."""
    rows: QuerySet[Row] = model._default_manager.all()
    rule = RULES.get(model)
    if rule is None or not user.is_active:
        return rows.none()
    if action in rule.only:
        rows = rows.filter(rule.only[action][0])
    if model is User and action not in {"use", "view"} and not user.is_superuser:
        rows = rows.exclude(is_superuser=True)
    if _everywhere(user, action, rule):
        return rows
    reached = _reached(user, action, rule)
    return rows.none() if reached is NOWHERE else rows.filter(reached)


def owned(user: Person) -> QuerySet[Integration]:
    """The integrations of which `user` is owner or deputy."""
    if not isinstance(user, User):
        return Integration.objects.none()
    return Integration.objects.filter(Q(owner=user) | Q(deputy=user))


def granted(user: Person, right: str) -> QuerySet[Integration]:
    """The integrations on which a group of `user` was given `right`, or one that includes it, for all its records."""
    given = IntegrationGrant.objects.filter(
        group__in=standing(user).groups, permission__codename__in=INTEGRATION_RIGHTS[right].given_by, scopes=[]
    )
    return Integration.objects.filter(pk__in=given.values("content_object"))


def granted_credentials(user: Person, right: str) -> QuerySet[Credential]:
    """The credentials on which a group of `user` was given `right`, or one that includes it."""
    given = CredentialGrant.objects.filter(
        group__in=standing(user).groups, permission__codename__in=CREDENTIAL_RIGHTS[right].given_by
    )
    return Credential.objects.filter(pk__in=given.values("content_object"))


def _on_row(user: Person, action: str, rule: Rule, row: Model) -> Decision:
    """The decision on one row. What is not free for all rows is asked of the database, as `visible` has it."""
    model = type(row)
    is_plain = action not in rule.only and model is not User
    if is_plain and _everywhere(user, action, rule):
        return ALLOWED
    if visible(user, action, model).filter(pk=row.pk).exists():
        return ALLOWED
    if action in rule.only and not model._default_manager.filter(rule.only[action][0], pk=row.pk).exists():
        return Decision(allowed=False, reason=rule.only[action][1])
    if _has_permission(user, action, rule) and rule.scope is not None:
        told = f"Your role includes this, but none of your groups was given the right to it on this {_name(model)}."
        return Decision(allowed=False, reason=told)
    return _refused(action, model)


def _everywhere(user: Person, action: str, rule: Rule) -> bool:
    """Whether `action` is allowed on every row. To choose a colleague in a form is everybody's right."""
    if rule is RULES[User] and action == "use":
        return user.is_authenticated
    if user.is_superuser:
        return action in rule.needs
    here = standing(user)
    return not here.everywhere.isdisjoint(rule.needs.get(action, ())) or (
        rule.scope is None and _has_permission(user, action, rule)
    )


def _has_permission(user: Person, action: str, rule: Rule) -> bool:
    """Whether a role or group of the person includes `action`, wherever it may reach."""
    if user.is_superuser:
        return action in rule.needs
    return not standing(user).permissions.isdisjoint(rule.needs.get(action, ())) or (
        rule is RULES[User] and action == "use" and user.is_authenticated
    )


def _reached(user: Person, action: str, rule: Rule) -> Q:
    """Which rows the person reaches: of integrations owned, by grants, and held in person."""
    reached = NOWHERE
    if action in rule.owned and rule.scope is not None:
        reached = rule.scope(_keys(owned(user)))
    if not _has_permission(user, action, rule):
        return reached
    if rule.scope is not None and action in rule.granted:
        reached = _or(reached, rule.scope(_keys(granted(user, rule.right_for(action)))))
        reached = _limited(user, action, rule, reached)
    if rule.sealed is not None:
        reached = _or(reached, rule.sealed(_keys(granted_credentials(user, rule.credential_right_for(action)))))
    if rule.held_by:
        reached = _or(reached, Q(**{rule.held_by: user}))
    return reached


def _limited(user: Person, action: str, rule: Rule, reached: Q) -> Q:
    """And what rights reach that are limited to a part of the data: its records, and the view of what holds them."""
    given = INTEGRATION_RIGHTS[rule.right_for(action)].given_by
    mine = [one for one in standing(user).limited if one.right in given]
    if rule.scope is not None and mine and action == "view" and rule.shows_whole:
        return _or(reached, rule.scope(_keys(Integration.objects.filter(pk__in={one.integration for one in mine}))))
    if rule.part:
        for one in mine:
            reached = _or(reached, Q(integration=one.integration, **{f"{rule.part}__in": one.scopes}))
    return reached


def _or(one: Q, other: Q) -> Q:
    return other if one is NOWHERE else one | other


def _keys(rows: QuerySet[Row]) -> QuerySet[Row, int]:
    return rows.order_by().values_list("pk", flat=True)


def _owns_any(user: Person) -> bool:
    """Whether the person owns or deputises anything; asked once for each object of a signed-in person."""
    if not hasattr(user, "_hub_owns_any"):
        user._hub_owns_any = owned(user).exists()  # type: ignore[union-attr]  # noqa: SLF001
    return bool(user._hub_owns_any)  # type: ignore[union-attr]  # noqa: SLF001


def _refused(action: str, model: type[Model]) -> Decision:
    return Decision(allowed=False, reason=f"You may not {action.replace('_', ' ')} this {_name(model)}.")


def _name(model: type[Model]) -> str:
    return str(model._meta.verbose_name)


__all__ = ["ALLOWED", "Decision", "Person", "Standing", "can", "granted", "granted_credentials", "owned", "visible"]
