"""The words that hub and connectors share: plain types and protocols, no Django, no network."""

from hub.sdk.capabilities import (
    Batch,
    Capabilities,
    ConditionalWrite,
    CursorKind,
    DeleteFeed,
    ExternalId,
    Key,
    ReadBack,
    WriteCapability,
)
from hub.sdk.change import Answer, Change, Exchange, Operation, Outcome
from hub.sdk.config import ConfigField, FieldKind, check_config
from hub.sdk.connector import (
    Connector,
    Destination,
    Opened,
    Settings,
    Source,
    Stream,
    StreamField,
)
from hub.sdk.errors import (
    AuthError,
    ConfigError,
    FatalError,
    HubError,
    RateLimitedError,
    RecordError,
    SilenceError,
    TransientError,
)
from hub.sdk.record import Cursor, Fault, Fields, Page, Record
from hub.sdk.secret import Secret

__all__ = [
    "Answer",
    "AuthError",
    "Batch",
    "Capabilities",
    "Change",
    "ConditionalWrite",
    "ConfigError",
    "ConfigField",
    "Connector",
    "Cursor",
    "CursorKind",
    "DeleteFeed",
    "Destination",
    "Exchange",
    "ExternalId",
    "FatalError",
    "Fault",
    "FieldKind",
    "Fields",
    "HubError",
    "Key",
    "Opened",
    "Operation",
    "Outcome",
    "Page",
    "RateLimitedError",
    "ReadBack",
    "Record",
    "RecordError",
    "Secret",
    "Settings",
    "SilenceError",
    "Source",
    "Stream",
    "StreamField",
    "TransientError",
    "WriteCapability",
    "check_config",
]
