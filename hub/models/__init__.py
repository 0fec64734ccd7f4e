"""Records: the tables, one module per noun."""

from hub.models.audit import AuditEvent
from hub.models.change import Attempt, Change
from hub.models.connection import CheckState, Connection, ConnectionCheck
from hub.models.credential import Credential, CredentialSecret
from hub.models.exception import ExceptionKind, ExceptionState, ReconciliationException
from hub.models.integration import Criticality, Integration
from hub.models.lane import Checkpoint, Lane, LeaseLostError
from hub.models.link import Hint, KnownLink, Link, LinkImage, LinkState
from hub.models.mapping import DeletePolicy, Mapping, MappingVersion, ReadMode, Semantics, VersionState
from hub.models.person import User
from hub.models.run import ENDED, LIVE, RunState, SeenPage, SyncRun, Trigger

__all__ = [
    "ENDED",
    "LIVE",
    "Attempt",
    "AuditEvent",
    "Change",
    "CheckState",
    "Checkpoint",
    "Connection",
    "ConnectionCheck",
    "Credential",
    "CredentialSecret",
    "Criticality",
    "DeletePolicy",
    "ExceptionKind",
    "ExceptionState",
    "Hint",
    "Integration",
    "KnownLink",
    "Lane",
    "LeaseLostError",
    "Link",
    "LinkImage",
    "LinkState",
    "Mapping",
    "MappingVersion",
    "ReadMode",
    "ReconciliationException",
    "RunState",
    "SeenPage",
    "Semantics",
    "SyncRun",
    "Trigger",
    "User",
    "VersionState",
]
