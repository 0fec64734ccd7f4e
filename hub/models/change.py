"""Changes: each planned or written operation on one record, with its write-intent state, and each attempt."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from hub.engine.intent import IN_FLIGHT, UNRESOLVED, State
from hub.models.link import Link
from hub.models.mapping import Mapping, MappingVersion
from hub.models.run import SyncRun

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

OPERATIONS = [("create", "create"), ("update", "update"), ("delete", "delete")]


class Change(models.Model):
    """One operation on one record. Committed as SENDING before any byte of it leaves."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="changes")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(MappingVersion, on_delete=models.PROTECT, related_name="+", null=True)
    link = models.ForeignKey(Link, on_delete=models.SET_NULL, null=True, related_name="changes")
    source_key = models.CharField(max_length=255)
    destination_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  unknown is not empty
    operation = models.CharField(max_length=6, choices=OPERATIONS)
    is_archive = models.BooleanField(default=False, help_text="A deletion carried out by setting archive fields.")
    state = models.CharField(max_length=10, choices=[(state.value, state.label) for state in State])

    fields = models.JSONField(default=dict, help_text="What is sent: owned and changed fields only.")
    image = models.JSONField(default=dict, help_text="The whole mapped record.")
    before = models.JSONField(null=True, help_text="The destination as last acknowledged.")
    after = models.JSONField(null=True, help_text="The destination as it answered.")
    digest = models.CharField(max_length=32, blank=True)
    source_digest = models.CharField(max_length=32, blank=True)
    source_version = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    precondition = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    idempotency_key = models.CharField(max_length=64, blank=True)
    key_gen = models.PositiveSmallIntegerField(default=0)
    ack_seq = models.PositiveIntegerField(default=0, help_text="Writes of this record acknowledged before this one.")
    epoch = models.PositiveBigIntegerField(default=0)
    step = models.CharField(max_length=40, blank=True, help_text="Recovery point of a write in several calls.")
    job = models.CharField(max_length=255, blank=True, help_text="Where an accepted write can be asked about.")

    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=2000, blank=True)

    if TYPE_CHECKING:
        attempts: RelatedManager["Attempt"]

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["run", "state", "id"]),
            models.Index(
                fields=["mapping", "source_key", "-id"],
                name="change_by_key",
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
            ),
            models.Index(
                fields=["state", "-id"],
                name="change_set_aside",
                condition=Q(state__in=["held", "rejected", "conflict", "superseded", "cancelled"]),
            ),
            models.Index(fields=["due_at"], name="change_due", condition=Q(state__in=sorted(IN_FLIGHT))),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["mapping", "source_key"],
                condition=Q(state__in=sorted(UNRESOLVED)),
                name="one_unresolved_change_a_record",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.source_key}"


class Attempt(models.Model):
    """One request made for a change, with what came back, redacted. Append-only."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    epoch = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField()
    purpose = models.CharField(max_length=10, default="write", choices=[("write", "write"), ("probe", "probe")])
    answer = models.CharField(max_length=10)
    code = models.CharField(max_length=40, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)
    request = models.TextField(blank=True)
    response = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.answer}"
