"""The audit trail: who did or decided what, to what, when and why. Append-only."""

import os
import time
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


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
    nothing that goes takes a word of it away. Columns may be added, empty in the events there are; none may be renamed
    or dropped, or what is sealed would not come to the same hash any more.
    """

    uid = models.UUIDField(null=True, default=new_uid, editable=False)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
    )
    actor_name = models.CharField(max_length=150, help_text="Kept when the person is removed.")
    on_behalf = models.CharField(max_length=150, blank=True, default="", help_text="For whom, when for somebody else.")
    action = models.CharField(max_length=60)
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
    app_version = models.CharField("version of the hub", max_length=20, blank=True, default="")
    policy_version = models.CharField("version of the rules of access", max_length=16, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [("export_auditevent", "Can export evidence")]
        # Each filter of the list ends in the key by which the list is paged.
        indexes = [
            models.Index(fields=["subject", "subject_id", "-id"]),
            models.Index(fields=["action", "-id"], name="event_by_action"),
            models.Index(fields=["actor", "-id"], name="event_by_actor"),
            models.Index(fields=["at", "id"], name="event_by_moment"),
            models.Index(fields=["outcome", "-id"], name="event_undone", condition=~Q(outcome="done")),
            models.Index(fields=["run_id", "-id"], name="event_by_run", condition=Q(run_id__isnull=False)),
            models.Index(fields=["request", "-id"], name="event_by_request", condition=~Q(request="")),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.subject_name}"


class CapturedRow(models.Model):
    """What a governed row said before and after it was written, by whatever way. Written by the database's triggers.

    Secrets are left out or cut to a few signs of what is sealed already, and so is what a run writes all the time.
    """

    uid = models.UUIDField(editable=False)
    at = models.DateTimeField()
    table_name = models.CharField("table", max_length=63)
    key = models.CharField(max_length=40, blank=True)
    operation = models.CharField(max_length=8, help_text="insert, update, delete or truncate")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    actor_name = models.CharField(max_length=150, help_text="db-direct: nobody the hub knows of.")
    actor_id = models.BigIntegerField(null=True)
    method = models.CharField(max_length=12, blank=True)
    request = models.CharField(max_length=36, blank=True)
    run_id = models.BigIntegerField(null=True)
    database_user = models.CharField(max_length=63, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["table_name", "key", "-id"], name="captured_by_row"),
            models.Index(fields=["table_name", "-id"], name="captured_by_table"),
            models.Index(fields=["actor_id", "-id"], name="captured_by_actor", condition=Q(actor_id__isnull=False)),
            models.Index(fields=["-id"], name="captured_by_hand", condition=Q(actor_name="db-direct")),
            models.Index(fields=["at", "id"], name="captured_by_moment"),
            models.Index(fields=["request", "-id"], name="captured_by_request", condition=~Q(request="")),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.operation} {self.table_name} {self.key}"


class CaptureActor(models.Model):
    """Who writes, while a statement runs: SQLite's triggers can look nowhere else. Its one row is there only then."""

    told = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "who writes at present"


class Seal(models.Model):
    """One batch of evidence: what its entries come to, signed, and chained to the batch before."""

    number = models.PositiveBigIntegerField(primary_key=True)
    first = models.PositiveBigIntegerField(help_text="Position of its first entry.")
    last = models.PositiveBigIntegerField(unique=True, help_text="Position of its last entry.")
    root = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, help_text="Hash of the seal before.")
    at = models.DateTimeField()
    is_complete = models.BooleanField(help_text="Nothing that was there was left for the next one.")
    hub = models.CharField(max_length=60)
    key_id = models.CharField(max_length=40)
    signature = models.CharField(max_length=128)

    class Meta:
        ordering = ["-number"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"seal {self.number}"


class SealedEntry(models.Model):
    """The position of an event or a captured row in the chain. Positions have no gaps; ids may."""

    seq = models.PositiveBigIntegerField(primary_key=True)
    kind = models.CharField(max_length=5, help_text="event or row")
    entry_id = models.BigIntegerField()
    leaf = models.CharField(max_length=64, help_text="Hash of position and content.")

    class Meta:
        ordering = ["seq"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["kind", "entry_id"], name="sealed_once")]

    def __str__(self) -> str:
        return f"{self.seq}: {self.kind} {self.entry_id}"


class Verification(models.Model):
    """One time that all evidence was verified by the hub itself: what came out, and how long it took."""

    begun_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    code = models.PositiveSmallIntegerField(null=True, help_text="0 good, 1 tampered with, 2 cannot tell")
    told = models.TextField(blank=True)
    position = models.BigIntegerField(null=True, help_text="The first bad position.")

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"verification of {self.begun_at:%Y-%m-%d %H:%M} UTC"
