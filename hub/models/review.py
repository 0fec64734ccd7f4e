"""Reviews of access: who has which right, frozen at a moment, each kept or revoked by somebody else than its holder."""

from django.conf import settings
from django.db import models


class ReviewScope(models.TextChoices):
    """What a review is about."""

    EVERYTHING = "everything", "everything"
    INTEGRATION = "integration", "one integration"
    ROLE = "role", "one role or group"


class AccessReview(models.Model):
    """One review: what it is about, by when it is due, and who said that it is complete."""

    scope = models.CharField(max_length=11, choices=ReviewScope.choices)
    scope_id = models.BigIntegerField(null=True, blank=True)
    scope_name = models.CharField("about", max_length=255)
    reason = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    due_at = models.DateTimeField("due")
    completed_at = models.DateTimeField(null=True, blank=True)
    completed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    statement = models.CharField(max_length=300, blank=True)
    digest = models.CharField("SHA-256 of its lines", max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [("decide_accessreview", "Can start reviews of access, decide their lines and complete them")]
        verbose_name = "review of access"
        verbose_name_plural = "reviews of access"

    def __str__(self) -> str:
        return f"review of {self.scope_name}, {self.started_at:%Y-%m-%d}"


class LineKind(models.TextChoices):
    """How somebody comes to a right."""

    MEMBER = "member", "is in the group"
    GRANT = "grant", "was given, as a group,"
    OWNER = "owner", "owns or deputises"
    SUPERUSER = "superuser", "may do everything"


class Verdict(models.TextChoices):
    """What was decided about a line."""

    OPEN = "open", "to decide"
    KEEP = "keep", "kept"
    REVOKE = "revoke", "to be revoked"
    REVOKED = "revoked", "revoked"


class AccessLine(models.Model):
    """One right of one person, or of one group, as it was when the review began. Names stay when their rows go."""

    review = models.ForeignKey(AccessReview, on_delete=models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=9, choices=LineKind.choices)
    person_id = models.BigIntegerField(null=True)
    person_name = models.CharField("person", max_length=150, blank=True)
    group_id = models.BigIntegerField(null=True)
    group_name = models.CharField("group", max_length=150, blank=True)
    source_id = models.BigIntegerField(help_text="Of the membership, grant, integration or person.")
    subject = models.CharField(max_length=20, blank=True)
    subject_name = models.CharField("on", max_length=255, blank=True)
    allowed = models.CharField("may", max_length=300)
    members = models.JSONField(default=list, help_text="Numbers of the people whom the line is about.")
    given_by = models.CharField(max_length=150, blank=True)
    given_at = models.DateTimeField(null=True)
    given_why = models.CharField(max_length=300, blank=True)
    last_used = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=7, choices=Verdict.choices, default=Verdict.OPEN)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    carried_by = models.CharField(max_length=150, blank=True)
    carried_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name = "line of a review of access"
        verbose_name_plural = "lines of reviews of access"
        indexes = [models.Index(fields=["review", "verdict", "-id"], name="line_by_verdict")]

    def __str__(self) -> str:
        who = self.person_name or f"group “{self.group_name}”"
        on = self.subject_name or (self.group_name if self.person_name else "") or self.kind
        return f"{who} ({on})"
