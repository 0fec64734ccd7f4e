"""The built-in roles: which permissions each has."""

from django.contrib.auth.models import Group, Permission

from hub.models import AuditEvent, User
from hub.services.access.rule import RULES

ALL_VIEWS = tuple(f"view_{model._meta.model_name}" for model in RULES if model not in {AuditEvent, User, Group})
OPERATE = (
    "run_integration",
    "pause_integration",
    "pause_mainswitch",
    "leave_recovery",
    "add_replay",
    "change_replay",
    "cancel_syncrun",
    "approve_syncrun",
    "retry_reconciliationexception",
    "replay_webhook",
)
SET_UP = tuple(
    f"{action}_{name}"
    for action in ("add", "change", "delete")
    for name in ("integration", "mapping", "mappingversion", "connection", "credential", "webhook", "webhookroute")
)
# An owner's rights come from what is owned; the role gives only the making of something new.
ROLES: dict[str, tuple[str, ...]] = {
    "owner": ("add_integration",),
    "resolver": (*ALL_VIEWS, "retry_reconciliationexception"),
    "auditor": (*ALL_VIEWS, "view_delivery_body", "view_auditevent", "view_user", "view_group"),
    "administrator": (
        *ALL_VIEWS,
        *SET_UP,
        *OPERATE,
        "view_delivery_body",
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
