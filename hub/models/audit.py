"""The audit trail: who did or decided what, to what, when and why. Append-only."""

from django.conf import settings
from django.db import models


class AuditEvent(models.Model):
    """One change of configuration or one decision, written in the same transaction as what it tells of."""

    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(max_length=150, help_text="Kept when the person is removed.")
    action = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=60)
    subject_id = models.BigIntegerField(null=True)
    subject_name = models.CharField(max_length=255, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["subject", "subject_id", "-id"])]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.subject_name}"
