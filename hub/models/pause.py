"""Pauses: what can be made to stand still, and the main switch that stops everything."""

from django.conf import settings
from django.db import models


class Pausable(models.Model):
    """Something whose writes can be stopped by a person, with who did it, when and why."""

    is_paused = models.BooleanField(default=False, editable=False)
    pauses_reads = models.BooleanField(
        default=False, editable=False, help_text="Nothing is read either; otherwise previews go on."
    )
    paused_reason = models.CharField(max_length=300, blank=True, editable=False)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class MainSwitch(Pausable):
    """The one switch for everything. Its only row is number 1, made at the first use."""

    class Meta:
        verbose_name_plural = "main switches"
        default_permissions = ("view",)
        permissions = [
            ("pause_mainswitch", "Can pause and resume everything"),
            ("watch_mainswitch", "Can see workers and the queue"),
        ]

    def __str__(self) -> str:
        return "everything"
