"""Decides: whether a person may do something to a row, and to which rows."""

from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet

from hub.models import Integration, User
from hub.services.access.rule import RULES, Rule

Row = TypeVar("Row", bound=Model)
Person = User | AnonymousUser


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
    if _everywhere(user, action, model) or (action in rule.owned and _owns_any(user)):
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
    if model is User and action == "change" and not user.is_superuser:
        rows = rows.exclude(is_superuser=True)
    if _everywhere(user, action, model):
        return rows
    if action not in rule.owned or rule.scope is None:
        return rows.none()
    return rows.filter(rule.scope(owned(user).order_by().values("pk")))


def owned(user: Person) -> QuerySet[Integration]:
    """The integrations of which `user` is owner or deputy."""
    if not isinstance(user, User):
        return Integration.objects.none()
    return Integration.objects.filter(Q(owner=user) | Q(deputy=user))


def _on_row(user: Person, action: str, rule: Rule, row: Model) -> Decision:
    """The decision on one row. What is not free for all rows is asked of the database, as `visible` has it."""
    model = type(row)
    is_plain = action not in rule.only and model is not User
    if is_plain and _everywhere(user, action, model):
        return ALLOWED
    if visible(user, action, model).filter(pk=row.pk).exists():
        return ALLOWED
    if action in rule.only and not model._default_manager.filter(rule.only[action][0], pk=row.pk).exists():
        return Decision(allowed=False, reason=rule.only[action][1])
    return _refused(action, model)


def _everywhere(user: Person, action: str, model: type[Model]) -> bool:
    """Whether `action` is allowed on every row. To choose a colleague in a form is everybody's right."""
    if model is User and action == "use":
        return user.is_authenticated
    return any(user.has_perm(name) for name in RULES[model].needs.get(action, ()))


def _owns_any(user: Person) -> bool:
    """Whether the person owns or deputises anything; asked once for each object of a signed-in person."""
    if not hasattr(user, "_hub_owns_any"):
        user._hub_owns_any = owned(user).exists()  # type: ignore[union-attr]  # noqa: SLF001
    return bool(user._hub_owns_any)  # type: ignore[union-attr]  # noqa: SLF001


def _refused(action: str, model: type[Model]) -> Decision:
    return Decision(allowed=False, reason=f"You may not {action.replace('_', ' ')} this {model._meta.verbose_name}.")
