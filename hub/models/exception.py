"""Exceptions: whatever a person must settle, with its reason."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from hub.models.integration import Integration
from hub.models.mapping import Mapping
from hub.models.run import SyncRun


class ExceptionKind(models.TextChoices):
    """Why a person must look."""

    UNREADABLE = "unreadable", "unreadable at the source"
    UNMAPPED_VALUE = "unmapped", "value without a mapping"
    INVALID = "invalid", "cannot be mapped"
    REFERENCE = "reference", "referenced record not linked"
    REFUSED = "refused", "refused by the destination"
    CONFLICT = "conflict", "changed on the other side"
    IN_DOUBT = "in_doubt", "unknown whether it happened"
    DUPLICATE = "duplicate", "two records claim one"
    MISSING = "missing", "destination record is gone"
    DELETION = "deletion", "deleted at one side"
    OVERWRITE = "overwrite", "an edit there may have been overwritten"
    NOT_KEPT = "not_kept", "written, but not kept as sent"
    FACT_CHANGED = "fact_changed", "a fact that changed"
    FLAPPING = "flapping", "both sides undo each other"
    EDITED = "edited", "edited on the other side"


class ExceptionState(models.TextChoices):
    """How an exception stands."""

    OPEN = "open", "open"
    RESOLVED = "resolved", "resolved"


class ReconciliationException(models.Model):
    """Something a person must settle, whatever raised it. One open exception a fingerprint."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="exceptions")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="exceptions")
    kind = models.CharField(max_length=12, choices=ExceptionKind.choices)
    state = models.CharField(max_length=10, choices=ExceptionState.choices, default=ExceptionState.OPEN)
    fingerprint = models.CharField(max_length=32)
    source_key = models.CharField(max_length=255)
    field = models.CharField(max_length=120, blank=True)
    code = models.CharField(max_length=40, blank=True)
    reason = models.TextField(help_text="What is wrong, in words for the person who owns the data.")
    evidence = models.JSONField(default=dict, blank=True)
    scope = models.CharField(
        max_length=120, blank=True, help_text="The value of the mapping's scope field: which part of the data it is."
    )
    first_run = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, related_name="+")
    last_run = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, related_name="exceptions")
    change_id = models.BigIntegerField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    occurrences = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=300, blank=True)

    if TYPE_CHECKING:
        said: str  # what a person may read of `reason`; the stories set it

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [("retry_reconciliationexception", "Can ask for another try of an exception")]
        indexes = [
            models.Index(fields=["integration", "state", "-id"]),
            models.Index(fields=["state", "-id"]),
            models.Index(fields=["mapping", "source_key"]),
            models.Index(fields=["integration", "scope", "-id"], name="exception_by_scope", condition=~Q(scope="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["fingerprint"], condition=Q(state="open"), name="one_open_a_fingerprint"),
        ]

    def __str__(self) -> str:
        return f"{self.source_key}: {self.get_kind_display()}"
