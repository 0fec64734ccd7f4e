"""Recovery mode: after a restored backup nothing is sent until a named person has seen both sides re-read (I22)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from hub.models.mapping import Mapping


class Recovery(models.Model):
    """One time in recovery mode: why, since when, and who ended it with what reason."""

    is_open = models.BooleanField(default=True)
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    why = models.CharField(max_length=500)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was left.")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "recoveries"
        default_permissions = ("view",)
        permissions = [("leave_recovery", "Can start recovery mode, have both sides re-read, and leave it")]
        constraints = [
            models.UniqueConstraint(fields=["is_open"], condition=Q(is_open=True), name="one_open_recovery"),
        ]

    def __str__(self) -> str:
        return f"recovery of {self.started_at:%Y-%m-%d %H:%M} UTC"


class ReviewState(models.TextChoices):
    """How a review stands."""

    ASKED = "asked", "waiting for a worker"
    READING = "reading", "reading both sides"
    DONE = "done", "read to the end"
    FAILED = "failed", "could not be read"


class Review(models.Model):
    """Both sides of a mapping, read again after a restore: what agrees, what was linked again, what differs."""

    recovery = models.ForeignKey(Recovery, on_delete=models.CASCADE, related_name="reviews")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=ReviewState.choices, default=ReviewState.ASKED)
    message = models.CharField(max_length=500, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    received = models.PositiveIntegerField(default=0)
    agreeing = models.PositiveIntegerField(default=0)
    relinked = models.PositiveIntegerField("forgotten and linked again", default=0)
    differing = models.PositiveIntegerField("changed there since the backup", default=0)
    missing = models.PositiveIntegerField("gone at the destination", default=0)
    new = models.PositiveIntegerField("only at the source", default=0)
    unknown = models.PositiveIntegerField("cannot be looked up", default=0)
    withdrawn = models.PositiveIntegerField("old changes withdrawn", default=0)
    samples = models.JSONField(default=dict, help_text="Some keys of each kind.")

    class Meta:
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["recovery", "mapping"], name="one_review_a_mapping")]

    def __str__(self) -> str:
        return f"review of {self.mapping}"
