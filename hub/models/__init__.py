"""Records: the tables, one module per noun."""

from hub.models.audit import AuditEvent, AuditOutcome, CaptureActor, CapturedRow, Seal, SealedEntry, Verification
from hub.models.change import Attempt, Change
from hub.models.connection import CheckState, Connection, ConnectionCheck
from hub.models.consent import Consent, ConsentState
from hub.models.credential import (
    Credential,
    CredentialKind,
    CredentialSecret,
    CredentialState,
    CredentialUse,
    CredentialVersion,
)
from hub.models.delivery import Arrival, Delivery, DeliveryState
from hub.models.exception import ExceptionKind, ExceptionState, ReconciliationException
from hub.models.export import Export, ExportFormat, ExportPart, ExportState
from hub.models.finding import Finding, FindingKind
from hub.models.grant import CredentialGrant, Grant, IntegrationGrant
from hub.models.incarnation import Incarnation
from hub.models.integration import Criticality, Integration, MissedPolicy
from hub.models.lane import Checkpoint, Lane, LeaseLostError
from hub.models.link import Hint, KnownLink, Link, LinkImage, LinkState, destination_key_of, provisional
from hub.models.mapping import DeletePolicy, Direction, Mapping, MappingVersion, ReadMode, Semantics, VersionState
from hub.models.pace import RateState
from hub.models.pause import MainSwitch
from hub.models.person import User
from hub.models.recovery import Recovery, Review, ReviewState
from hub.models.replay import Replay, ReplayState, ReplayVersion
from hub.models.review import AccessLine, AccessReview, LineKind, ReviewScope, Verdict
from hub.models.run import ENDED, LIVE, RunState, SeenPage, SyncRun, Trigger
from hub.models.schedule import Slot, SlotState
from hub.models.token import OAuthToken, TokenState
from hub.models.webhook import SignatureStyle, Webhook, WebhookHour, WebhookMiss, WebhookRoute
from hub.models.zone import EgressZone

__all__ = [
    "ENDED",
    "LIVE",
    "AccessLine",
    "AccessReview",
    "Arrival",
    "Attempt",
    "AuditEvent",
    "AuditOutcome",
    "CaptureActor",
    "CapturedRow",
    "Change",
    "CheckState",
    "Checkpoint",
    "Connection",
    "ConnectionCheck",
    "Consent",
    "ConsentState",
    "Credential",
    "CredentialGrant",
    "CredentialKind",
    "CredentialSecret",
    "CredentialState",
    "CredentialUse",
    "CredentialVersion",
    "Criticality",
    "DeletePolicy",
    "Delivery",
    "DeliveryState",
    "Direction",
    "EgressZone",
    "ExceptionKind",
    "ExceptionState",
    "Export",
    "ExportFormat",
    "ExportPart",
    "ExportState",
    "Finding",
    "FindingKind",
    "Grant",
    "Hint",
    "Incarnation",
    "Integration",
    "IntegrationGrant",
    "KnownLink",
    "Lane",
    "LeaseLostError",
    "LineKind",
    "Link",
    "LinkImage",
    "LinkState",
    "MainSwitch",
    "Mapping",
    "MappingVersion",
    "MissedPolicy",
    "OAuthToken",
    "RateState",
    "ReadMode",
    "ReconciliationException",
    "Recovery",
    "Replay",
    "ReplayState",
    "ReplayVersion",
    "Review",
    "ReviewScope",
    "ReviewState",
    "RunState",
    "Seal",
    "SealedEntry",
    "SeenPage",
    "Semantics",
    "SignatureStyle",
    "Slot",
    "SlotState",
    "SyncRun",
    "TokenState",
    "Trigger",
    "User",
    "Verdict",
    "Verification",
    "VersionState",
    "Webhook",
    "WebhookHour",
    "WebhookMiss",
    "WebhookRoute",
    "destination_key_of",
    "provisional",
]
