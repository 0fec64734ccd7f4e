"""The one place that decides who may do what. Every page, list, action and command asks here.

Today a right comes from Django's permissions (then it reaches everywhere) or from owning an integration, as
its owner or deputy (then it reaches what belongs to that integration). Finer rules will be added here only.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db.models import Model, Q, QuerySet

from hub.models import (
    Attempt,
    AuditEvent,
    Change,
    Checkpoint,
    Connection,
    ConnectionCheck,
    Credential,
    Hint,
    Integration,
    Lane,
    Link,
    LinkImage,
    Mapping,
    MappingVersion,
    ReconciliationException,
    SyncRun,
    User,
    VersionState,
)

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


Needs = dict[str, tuple[str, ...]]
Mine = QuerySet[Integration, Any]
Scope = Callable[[Mine], Q]


def _through(path: str) -> Scope:
    """Rows that lead by `path` to one of a person's integrations."""
    return lambda mine: Q(**{f"{path}__in": mine})


def _through_connection(path: str) -> Scope:
    """Rows that lead by `path` to a connection which a mapping of one of a person's integrations uses."""

    def scope(mine: Mine) -> Q:
        return Q(**{f"{path}__in": _used(mine)})

    return scope


def _through_credential(mine: Mine) -> Q:
    """Credentials of such connections."""
    return Q(pk__in=_used(mine).values("credential"))


def _used(mine: Mine) -> QuerySet[Connection]:
    mappings = Mapping.objects.filter(integration__in=mine)
    is_used = Q(pk__in=mappings.values("source")) | Q(pk__in=mappings.values("destination"))
    return Connection.objects.filter(is_used).order_by()


@dataclass(frozen=True, slots=True)
class Rule:
    """What may be done to the rows of one table.

    `needs`: for each action the Django permissions of which one is enough, everywhere. `scope` and `owned`:
    which rows belong to a person's own integrations, and what may be done to those without a permission.
    `only`: a condition on the row itself, with the sentence said when it does not hold.
    """

    needs: Needs
    scope: Scope | None = None
    owned: frozenset[str] = frozenset()
    only: dict[str, tuple[Q, str]] = field(default_factory=dict)


def _set_up(name: str, **more: str) -> Needs:
    """Needs of the usual actions on a table that people set up; to “use” a row is to choose it in a form."""
    usual: Needs = {action: (f"hub.{action}_{name}",) for action in ("view", "add", "change", "delete")}
    return {**usual, "use": usual["view"], **{action: (f"hub.{needed}",) for action, needed in more.items()}}


def _written(name: str, path: str, **more: str) -> Rule:
    """The rule of a table that only the hub writes: it is viewed, and whatever `more` adds may be asked for."""
    needs: Needs = {action: (f"hub.{needed}",) for action, needed in {"view": f"view_{name}", **more}.items()}
    return Rule(needs, _through(path), frozenset(needs))


EVIDENCE = "It has runs, which are evidence. Pause it instead."
RULES: dict[type[Model], Rule] = {
    Integration: Rule(
        _set_up("integration", run="run_integration", preview="run_integration", pause="pause_integration"),
        _through("pk"),
        frozenset({"view", "use", "change", "run", "preview", "pause"}),
        {"delete": (Q(runs__isnull=True), EVIDENCE)},
    ),
    Mapping: Rule(
        _set_up("mapping", run="run_integration", activate="change_mapping", draft="add_mappingversion")
        | {"preview": ("hub.run_integration", "hub.add_mappingversion")},
        _through("integration"),
        frozenset({"view", "use", "add", "change", "run", "preview", "draft", "activate"}),
        {"delete": (Q(runs__isnull=True), EVIDENCE)},
    ),
    MappingVersion: Rule(
        _set_up("mappingversion", activate="change_mapping")
        | {"preview": ("hub.run_integration", "hub.add_mappingversion")},
        _through("mapping__integration"),
        frozenset({"view", "use", "add", "change", "preview", "activate"}),
        {
            "change": (Q(state=VersionState.DRAFT), "It has been in use and cannot change. Make a new version."),
            "delete": (Q(state=VersionState.DRAFT), "It has been in use and is kept."),
        },
    ),
    Connection: Rule(
        _set_up("connection", pause="pause_integration") | {"check": ("hub.change_connection", "hub.run_integration")},
        _through_connection("pk"),
        frozenset({"view", "use", "check"}),
        {"delete": (Q(source_mappings__isnull=True, destination_mappings__isnull=True), "Mappings use it.")},
    ),
    ConnectionCheck: Rule(
        {"view": ("hub.view_connectioncheck",)}, _through_connection("connection"), frozenset({"view"})
    ),
    Credential: Rule(
        _set_up("credential", set_secret="change_credential"),  # noqa: S106  the name of a permission
        _through_credential,
        frozenset({"view"}),
        {"delete": (Q(connection__isnull=True), "A connection uses it.")},
    ),
    SyncRun: _written("syncrun", "integration", cancel="cancel_syncrun", approve="approve_syncrun"),
    Change: _written("change", "mapping__integration", approve="approve_syncrun"),
    Attempt: _written("attempt", "change__mapping__integration"),
    ReconciliationException: _written("reconciliationexception", "integration", retry="retry_reconciliationexception"),
    Link: _written("link", "mapping__integration"),
    LinkImage: _written("linkimage", "link__mapping__integration"),
    Hint: _written("hint", "mapping__integration"),
    Lane: _written("lane", "mapping__integration"),
    Checkpoint: _written("checkpoint", "mapping__integration"),
    AuditEvent: Rule({"view": ("hub.view_auditevent",)}),
    User: Rule(
        {action: (f"hub.{action}_user",) for action in ("view", "add", "change")},
        only={"use": (Q(is_active=True, is_staff=True), "This person cannot sign in.")},
    ),
    Group: Rule({action: (f"auth.{action}_group",) for action in ("view", "add", "change", "delete")}),
}


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


# --- roles ------------------------------------------------------------------------------------------------

ALL_VIEWS = tuple(f"view_{model._meta.model_name}" for model in RULES if model not in {AuditEvent, User, Group})
OPERATE = ("run_integration", "pause_integration", "cancel_syncrun", "approve_syncrun", "retry_reconciliationexception")
SET_UP = tuple(
    f"{action}_{name}"
    for action in ("add", "change", "delete")
    for name in ("integration", "mapping", "mappingversion", "connection", "credential")
)
# An owner's rights come from what is owned; the role gives only the making of something new.
ROLES: dict[str, tuple[str, ...]] = {
    "owner": ("add_integration",),
    "resolver": (*ALL_VIEWS, "retry_reconciliationexception"),
    "auditor": (*ALL_VIEWS, "view_auditevent", "view_user", "view_group"),
    "administrator": (
        *ALL_VIEWS,
        *SET_UP,
        *OPERATE,
        "view_auditevent",
        *(f"{action}_user" for action in ("view", "add", "change")),
        "view_group",
    ),
    "operator": (*ALL_VIEWS, *OPERATE),
    "developer": (*ALL_VIEWS, "add_mappingversion", "change_mappingversion", "delete_mappingversion"),
}


def ensure_roles() -> None:
    """Make the six built-in roles as written above. Runs after every migrate; for other rights make other groups."""
    permissions = {
        permission.codename: permission
        for permission in Permission.objects.filter(content_type__app_label__in=["hub", "auth"])
    }
    for name, codenames in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([permissions[codename] for codename in codenames])
