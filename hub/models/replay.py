"""Replays: records of a mapping, chosen by what became of their changes, are read and decided again, at a set pace."""

from django.conf import settings
from django.db import models

from hub.models.integration import Integration
from hub.models.mapping import Mapping
from hub.models.run import SyncRun


class ReplayState(models.TextChoices):
    """How a replay stands."""

    DRAFT = "draft", "not started"
    RUNNING = "running", "going on"
    PAUSED = "paused", "paused"
    DONE = "done", "done"
    CANCELLED = "cancelled", "cancelled"


class ReplayVersion(models.TextChoices):
    """By which version of the mapping records are decided."""

    CURRENT = "current", "the version in use now"
    ORIGINAL = "original", "the version of each change"


class Replay(models.Model):
    """Which records, by which version, how fast, how far, and why. Nothing stored is sent: sources are read again."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="replays", editable=False)
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="replays")
    states = models.JSONField(default=list, help_text="What became of the changes; none: anything.")
    code = models.CharField("error code", max_length=40, blank=True, help_text="As the change shows it. Empty: any.")
    keys = models.JSONField(default=list, help_text="These records only; none: all.")
    run = models.ForeignKey(
        SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="Of this run only."
    )
    since = models.DateTimeField("from", null=True, blank=True, help_text="Of runs asked for from then on.")
    until = models.DateTimeField("to", null=True, blank=True, help_text="Of runs asked for until then.")
    uses = models.CharField(
        "mapping version", max_length=8, choices=ReplayVersion.choices, default=ReplayVersion.CURRENT
    )
    per_minute = models.PositiveIntegerField("records a minute", default=600, help_text="At most so many.")
    reason = models.CharField(max_length=300, help_text="Why; kept in the audit trail.")

    state = models.CharField(max_length=9, choices=ReplayState.choices, default=ReplayState.DRAFT, editable=False)
    note = models.CharField(max_length=500, blank=True, editable=False, help_text="Why it stands as it does.")
    total = models.PositiveIntegerField(default=0, editable=False)
    taken = models.PositiveIntegerField(default=0, editable=False)
    position = models.BigIntegerField(default=0, editable=False, help_text="The last change taken.")
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view", "add", "change")
        indexes = [models.Index(fields=["due_at"], name="replay_due", condition=models.Q(state="running"))]

    def __str__(self) -> str:
        return f"replay {self.pk} of {self.mapping}"
