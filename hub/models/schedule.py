"""Slots: each time of a schedule, and what became of it."""

from django.db import models
from django.db.models import Q

from hub.models.integration import Integration
from hub.models.run import SyncRun


class SlotState(models.TextChoices):
    """What became of a slot."""

    WAITING = "waiting", "waiting"
    FILLED = "filled", "run"
    COALESCED = "coalesced", "made up for by another"
    SKIPPED = "skipped", "left out"
    MISSED = "missed", "missed"


class Slot(models.Model):
    """One time of an integration's schedule. Recorded once, however many schedulers there are (R-07)."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="slots")
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=SlotState.choices, default=SlotState.WAITING)
    run = models.ForeignKey(
        SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="Which filled it."
    )
    reason = models.CharField(max_length=300, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["integration", "at"], name="one_slot_a_time")]
        indexes = [
            models.Index(fields=["integration"], name="slot_waiting", condition=Q(state="waiting")),
            models.Index(fields=["at"], name="slot_age"),
            models.Index(fields=["state", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC of {self.integration}"
