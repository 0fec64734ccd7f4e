"""The audit trail: writes it, seals it, and proves that nothing of it was changed or removed."""

from hub.services.audit.action import ACTIONS, SUBJECTS, UnknownActionError, families, former, names, verb
from hub.services.audit.key import AuditKeyError, public_keys
from hub.services.audit.record import denied, fingerprint, record, seen, viewed

__all__ = [
    "ACTIONS",
    "SUBJECTS",
    "AuditKeyError",
    "UnknownActionError",
    "denied",
    "families",
    "fingerprint",
    "former",
    "names",
    "public_keys",
    "record",
    "seen",
    "verb",
    "viewed",
]
