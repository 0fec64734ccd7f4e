"""The audit trail: who did or decided what, to what, when and why. Append-only."""

import os
import time
import uuid

from django.conf import settings
from django.db import models


def new_uid() -> uuid.UUID:
    """A number that no other event has, and that tells the moment it was made (version 7)."""
    stamp = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (stamp & 0xFFFF_FFFF_FFFF) << 80 | 7 << 76 | (tail >> 64 & 0xFFF) << 64 | 2 << 62 | tail & 2**62 - 1
    return uuid.UUID(int=value)


class AuditOutcome(models.TextChoices):
    """What became of it."""

    DONE = "done", "done"
    DENIED = "denied", "denied"
    FAILED = "failed", "failed"


class AuditEvent(models.Model):
    """One change of configuration or one decision, written in the same transaction as what it tells of.

    It holds names as they were and numbers without a constraint, so that nothing it tells of is kept from going, and
    nothing that goes takes a word of it away.
    """

    uid = models.UUIDField(null=True, default=new_uid, editable=False)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
    )
    actor_name = models.CharField(max_length=150, help_text="Kept when the person is removed.")
    on_behalf = models.CharField(max_length=150, blank=True, default="", help_text="For whom, when for somebody else.")
    action = models.CharField(max_length=60, db_index=True)
    outcome = models.CharField(max_length=6, choices=AuditOutcome.choices, default=AuditOutcome.DONE)
    subject = models.CharField(max_length=60)
    subject_id = models.BigIntegerField(null=True)
    subject_name = models.CharField(max_length=255, blank=True)
    before = models.JSONField(default=dict, blank=True, help_text="Values as they were; secrets as fingerprints.")
    after = models.JSONField(default=dict, blank=True, help_text="Values as they became; secrets as fingerprints.")
    detail = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    ticket = models.CharField(max_length=60, blank=True, default="")
    run_id = models.BigIntegerField("run", null=True)
    mapping_version_id = models.BigIntegerField("mapping version", null=True)
    approval_id = models.BigIntegerField("approval", null=True)
    method = models.CharField(max_length=12, blank=True, default="", help_text="How the person was known.")
    request = models.CharField(max_length=36, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    session = models.CharField(max_length=16, blank=True, default="", help_text="A fingerprint of the session.")

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["subject", "subject_id", "-id"])]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.subject_name}"
