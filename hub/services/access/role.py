"""The built-in roles: what each is for, which permissions it has, and whether it reaches everything."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission

from hub.models import (
    AccessLine,
    AccessReview,
    AuditEvent,
    CapturedRow,
    CredentialGrant,
    Export,
    IntegrationGrant,
    User,
)
from hub.services.access.rule import RULES

WHOLE_HUB = "Whole hub"
"""A group without permissions of its own: the roles of its members reach every object, given to them or not."""

RESERVED = {AuditEvent, CapturedRow, Export, AccessReview, AccessLine, User, Group, IntegrationGrant, CredentialGrant}
ALL_VIEWS = tuple(f"view_{model._meta.model_name}" for model in RULES if model not in RESERVED)
OPERATE = (
    "run_integration",
    "pause_integration",
    "add_replay",
    "change_replay",
    "cancel_syncrun",
    "approve_syncrun",
    "retry_reconciliationexception",
    "replay_webhook",
)
REVIEW = ("view_accessreview", "decide_accessreview")
PAYLOAD = ("view_payload", "view_personal", "view_delivery_body")


def _set_up(*names: str) -> tuple[str, ...]:
    """The permissions to add, change and delete these."""
    return tuple(f"{action}_{name}" for action in ("add", "change", "delete") for name in names)


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role: a sentence for people, permissions by codename, and whether these reach everything by design.

    `excludes`: roles that nobody may have besides it (separation of duties).
    """

    task: str
    codenames: tuple[str, ...]
    is_everywhere: bool = False
    excludes: tuple[str, ...] = ()


ROLES: dict[str, Role] = {
    "Viewer": Role("Looks at integrations, runs and exceptions; sees no business data.", ALL_VIEWS),
    "Auditor": Role(
        "Sees everything, also business data and the audit trail; exports evidence, reviews access; changes nothing.",
        (
            *ALL_VIEWS,
            *PAYLOAD,
            "view_auditevent",
            "export_auditevent",
            *REVIEW,
            "view_user",
            "view_group",
            "watch_mainswitch",
        ),
        is_everywhere=True,
        excludes=("Resolver", "Integration owner", "Operator", "Developer", "Credential admin", "Security admin"),
    ),
    "Resolver": Role("Settles exceptions.", (*ALL_VIEWS, *PAYLOAD, "retry_reconciliationexception")),
    "Integration owner": Role(
        "Makes integrations and answers for them: mappings, schedules, runs, exceptions.",
        (
            *ALL_VIEWS,
            *PAYLOAD,
            *OPERATE,
            *_set_up("integration", "mapping", "mappingversion", "webhookroute"),
        ),
    ),
    "Operator": Role(
        "Runs, pauses, replays and brings back integrations.",
        (*ALL_VIEWS, *OPERATE, "pause_mainswitch", "watch_mainswitch", "leave_recovery"),
    ),
    "Developer": Role("Drafts and tries mappings.", (*ALL_VIEWS, *_set_up("mappingversion"))),
    "Credential admin": Role(
        "Keeps connections, credentials and webhooks.",
        (*ALL_VIEWS, *_set_up("connection", "credential", "webhook"), "use_credential", "manage_credential"),
    ),
    "Security admin": Role(
        "Gives roles and rights to others, opens egress zones; may pause anything.",
        (
            *ALL_VIEWS,
            *(f"{action}_user" for action in ("view", "add", "change")),
            *(f"{action}_group" for action in ("view", "add", "change", "delete")),
            "grant_integration",
            "grant_credential",
            *_set_up("egresszone"),
            "open_egresszone",
            "pause_integration",
            "pause_mainswitch",
            "watch_mainswitch",
            "view_auditevent",
            *REVIEW,
        ),
        is_everywhere=True,
        excludes=("Resolver", "Operator", "Credential admin"),
    ),
}  # fmt: skip


def ensure_roles() -> None:
    """Make the built-in roles as written above. Runs after every migrate; for other rights make other groups."""
    permissions = {
        permission.codename: permission
        for permission in Permission.objects.filter(content_type__app_label__in=["hub", "auth"])
    }
    for name, role in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([permissions[codename] for codename in role.codenames])
    Group.objects.get_or_create(name=WHOLE_HUB)
