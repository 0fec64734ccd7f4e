"""What may be done to the rows of each table, by which permission or by owning what they belong to."""

from dataclasses import dataclass, field, replace

from django.contrib.auth.models import Group
from django.db.models import Model, Q

from hub.models import (
    AccessLine,
    AccessReview,
    Attempt,
    AuditEvent,
    CapturedRow,
    Change,
    Checkpoint,
    Connection,
    ConnectionCheck,
    Consent,
    Credential,
    CredentialGrant,
    Delivery,
    EgressZone,
    Export,
    Finding,
    Hint,
    Integration,
    IntegrationGrant,
    Lane,
    Link,
    LinkImage,
    MainSwitch,
    Mapping,
    MappingVersion,
    RateState,
    ReconciliationException,
    Recovery,
    Replay,
    Review,
    Slot,
    SyncRun,
    User,
    VersionState,
    Webhook,
    WebhookRoute,
)
from hub.services.access import right
from hub.services.access.reach import Scope, sealed, through, through_connection, through_credential

Needs = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What may be done to the rows of one table.

    `needs`: for each action the permissions of which a person's groups must carry one. It reaches as far as they were
    given rights: through `scope` from integrations, for the actions in `reaches` (None: all of them), through `sealed`
    from credentials, and to the rows whose field `held_by` names the person. Without `scope` it reaches every row.
    A right that is limited to a part of the data reaches the rows whose field `part` says that they are of it, and the
    view of rows without records of their own (`shows_whole`).
    `owned`: what owner and deputy may do to the rows of their integrations, without a role.
    `only`: a condition on the row itself, with the sentence said when it does not hold.
    """

    needs: Needs
    scope: Scope | None = None
    owned: frozenset[str] = frozenset()
    only: dict[str, tuple[Q, str]] = field(default_factory=dict)
    reaches: frozenset[str] | None = None
    sealed: Scope | None = None
    held_by: str = ""
    part: str = ""
    shows_whole: bool = False

    @property
    def granted(self) -> frozenset[str]:
        """The actions that a grant on an integration reaches."""
        return frozenset(self.needs) if self.reaches is None else self.reaches

    @staticmethod
    def right_for(action: str) -> str:
        """The right on an integration that `action` takes."""
        return right.BY_ACTION.get(action, right.OWN)

    @staticmethod
    def credential_right_for(action: str) -> str:
        """The right on a credential that `action` takes."""
        return right.BY_CREDENTIAL_ACTION.get(action, right.MANAGE)


def _set_up(name: str, **more: str) -> Needs:
    """Needs of the usual actions on a table that people set up; to “use” a row is to choose it in a form."""
    usual: Needs = {action: (f"hub.{action}_{name}",) for action in ("view", "add", "change", "delete")}
    return {**usual, "use": usual["view"], **{action: (f"hub.{needed}",) for action, needed in more.items()}}


def _written(name: str, path: str, **more: str) -> Rule:
    """The rule of a table that only the hub writes: it is viewed, and whatever `more` adds may be asked for."""
    needs: Needs = {action: (f"hub.{needed}",) for action, needed in {"view": f"view_{name}", **more}.items()}
    return Rule(needs, through(path), frozenset(needs))


TRAIL = "hub.view_auditevent"
NONE = Q(pk__in=())
SEEN = frozenset({"view"})
SHOWN = {"view_payload": "view_payload", "view_personal": "view_personal"}
"""What lets a person see the values of records, and, further, those of personal fields."""
EVIDENCE = "It has runs, which are evidence. Pause it instead."
RULES: dict[type[Model], Rule] = {
    Integration: Rule(
        _set_up("integration", run="run_integration", preview="run_integration", pause="pause_integration")
        | {"grant": ("hub.grant_integration",), "view_events": (TRAIL, "hub.change_integration")},
        through("pk"),
        frozenset({"view", "use", "change", "run", "preview", "pause", "view_events"}),
        {"delete": (Q(runs__isnull=True), EVIDENCE)},
        shows_whole=True,
    ),
    Mapping: Rule(
        _set_up("mapping", run="run_integration", activate="change_mapping", draft="add_mappingversion", **SHOWN)
        | {"preview": ("hub.run_integration", "hub.add_mappingversion"), "view_events": (TRAIL, "hub.change_mapping")},
        through("integration"),
        frozenset({"view", "use", "add", "change", "run", "preview", "draft", "activate", "view_events", *SHOWN}),
        {"delete": (Q(runs__isnull=True), EVIDENCE)},
        shows_whole=True,
    ),
    MappingVersion: Rule(
        _set_up("mappingversion", activate="change_mapping", **SHOWN)
        | {"preview": ("hub.run_integration", "hub.add_mappingversion")},
        through("mapping__integration"),
        frozenset({"view", "use", "add", "change", "preview", "activate", *SHOWN}),
        {
            "change": (Q(state=VersionState.DRAFT), "It has been in use and cannot change. Make a new version."),
            "delete": (Q(state=VersionState.DRAFT), "It has been in use and is kept."),
        },
    ),
    Connection: Rule(
        _set_up("connection", pause="pause_integration", pace="pause_integration")
        | {"check": ("hub.change_connection", "hub.run_integration"), "view_events": (TRAIL, "hub.change_connection")},
        through_connection("pk"),
        frozenset({"view", "use", "check"}),
        {"delete": (Q(source_mappings__isnull=True, destination_mappings__isnull=True), "Mappings use it.")},
        # Others use it as well: who has one integration does not change what all of them go through.
        reaches=frozenset({"view", "use", "check", "pause", "pace"}),
        sealed=sealed("credential"),
        held_by="owner",
    ),
    ConnectionCheck: Rule(
        {"view": ("hub.view_connectioncheck",)},
        through_connection("connection"),
        SEEN,
        sealed=sealed("connection__credential"),
        held_by="connection__owner",
    ),
    RateState: Rule(
        {"view": ("hub.view_ratestate",)},
        through_connection("connection"),
        SEEN,
        sealed=sealed("connection__credential"),
        held_by="connection__owner",
    ),
    Credential: Rule(
        _set_up("credential", use="use_credential", set_secret="manage_credential", grant="grant_credential")  # noqa: S106  the name of a permission
        | {"view_events": (TRAIL, "hub.manage_credential")},
        through_credential("pk"),
        SEEN,
        {"delete": (Q(connection__isnull=True), "A connection uses it.")},
        reaches=SEEN,
        sealed=sealed("pk"),
    ),
    Consent: Rule(
        {"view": ("hub.view_consent",)},
        through_credential("credential"),
        SEEN,
        sealed=sealed("credential"),
    ),
    IntegrationGrant: Rule(
        {"view": ("hub.grant_integration", "hub.view_auditevent"), "grant": ("hub.grant_integration",)},
        through("content_object"),
        SEEN,
    ),
    CredentialGrant: Rule(
        {"view": ("hub.grant_credential", "hub.view_auditevent"), "grant": ("hub.grant_credential",)},
        through_credential("content_object"),
        reaches=frozenset(),
        sealed=sealed("content_object"),
    ),
    SyncRun: replace(
        _written("syncrun", "integration", cancel="cancel_syncrun", approve="approve_syncrun", **SHOWN),
        shows_whole=True,
    ),
    Change: _written(
        "change",
        "mapping__integration",
        approve="approve_syncrun",
        release="retry_reconciliationexception",
        skip="approve_syncrun",
        supersede="approve_syncrun",
        **SHOWN,
    ),
    Attempt: _written("attempt", "change__mapping__integration", **SHOWN),
    ReconciliationException: replace(
        _written(
            "reconciliationexception",
            "integration",
            retry="retry_reconciliationexception",
            release="retry_reconciliationexception",
            skip="approve_syncrun",
            supersede="approve_syncrun",
            **SHOWN,
        ),
        part="scope",
    ),
    Link: _written("link", "mapping__integration", **SHOWN),
    LinkImage: _written("linkimage", "link__mapping__integration", **SHOWN),
    Hint: _written("hint", "mapping__integration"),
    EgressZone: Rule(
        _set_up("egresszone", open="open_egresszone", close="open_egresszone"),
        only={"delete": (Q(opened_at__isnull=True), "It was open once, which is evidence. It can only be closed.")},
    ),
    MainSwitch: Rule(
        {"view": ("hub.view_mainswitch",), "pause": ("hub.pause_mainswitch",), "watch": ("hub.watch_mainswitch",)}
    ),
    Recovery: Rule({"view": ("hub.view_recovery",), "leave": ("hub.leave_recovery",)}),
    Replay: Rule(
        {action: (f"hub.{action}_replay",) for action in ("view", "add", "change")},
        through("integration"),
        frozenset({"view", "add", "change"}),
    ),
    Finding: _written("finding", "review__mapping__integration", **SHOWN),
    Review: _written("review", "mapping__integration"),
    Slot: _written("slot", "integration"),
    Lane: _written("lane", "mapping__integration"),
    Checkpoint: _written("checkpoint", "mapping__integration"),
    Webhook: Rule(
        _set_up("webhook", set_secret="change_webhook", test="change_webhook", replay="replay_webhook"),  # noqa: S106
        through_connection("connection"),
        frozenset({"view", "use", "replay"}),
        {"delete": (Q(deliveries__isnull=True), "It has deliveries, which are evidence. Switch it off instead.")},
        reaches=frozenset({"view", "use", "replay"}),
        sealed=sealed("connection__credential"),
        held_by="connection__owner",
    ),
    WebhookRoute: Rule(
        _set_up("webhookroute"),
        through("mapping__integration"),
        frozenset({"view", "use", "add", "change", "delete"}),
    ),
    Delivery: Rule(
        {"view": ("hub.view_delivery",), "view_body": ("hub.view_delivery_body",), "replay": ("hub.replay_webhook",)},
        through_connection("webhook__connection"),
        frozenset({"view", "view_body", "replay"}),
    ),
    AuditEvent: Rule({"view": (TRAIL,), "export": ("hub.export_auditevent",)}),
    CapturedRow: Rule({"view": (TRAIL,), "export": ("hub.export_auditevent",)}),
    # Who may export sees their own; auditors see everybody's.
    Export: Rule({"view": ("hub.export_auditevent",)}, lambda mine: NONE, held_by="asked_by", reaches=frozenset()),
    AccessReview: Rule({"view": ("hub.view_accessreview",), "decide": ("hub.decide_accessreview",)}),
    AccessLine: Rule(
        {
            "view": ("hub.view_accessreview",),
            "decide": ("hub.decide_accessreview",),
            "carry": ("hub.grant_integration",),
        }
    ),
    User: Rule(
        {action: (f"hub.{action}_user",) for action in ("view", "add", "change")},
        only={"use": (Q(is_active=True, is_staff=True), "This person cannot sign in.")},
    ),
    Group: Rule({action: (f"auth.{action}_group",) for action in ("view", "add", "change", "delete")}),
}
