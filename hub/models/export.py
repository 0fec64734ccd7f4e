"""Exports of evidence that were asked for, and their files, kept for some days in compressed parts."""

from django.conf import settings
from django.db import models


class ExportState(models.TextChoices):
    """How an export stands."""

    ASKED = "asked", "waiting for a worker"
    WORKING = "working", "being written"
    DONE = "done", "ready"
    FAILED = "failed", "failed"
    EXPIRED = "expired", "file removed"


class ExportFormat(models.TextChoices):
    """For machines, with proofs; or for people."""

    LINES = "jsonl", "JSON Lines with proofs"
    TABLE = "csv", "CSV"


class Export(models.Model):
    """One file of evidence: who asked for what of it and why, how far it is, and what it came to."""

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    kind = models.CharField(max_length=5, help_text="event or row")
    narrowed = models.JSONField("narrowed to", default=dict, blank=True)
    format = models.CharField(max_length=5, choices=ExportFormat.choices)
    state = models.CharField(max_length=8, choices=ExportState.choices, default=ExportState.ASKED)
    message = models.CharField(max_length=300, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    entries = models.PositiveBigIntegerField(default=0)
    percent = models.PositiveSmallIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of the file.")
    digest = models.CharField("SHA-256", max_length=64, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name = "export of evidence"
        verbose_name_plural = "exports of evidence"

    def __str__(self) -> str:
        return f"evidence-{self.pk}.{self.format}"


class ExportPart(models.Model):
    """A compressed piece of the file, so that any process of the hub can write or send it with little memory."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="one_part_a_number")]

    def __str__(self) -> str:
        return f"part {self.number}"
