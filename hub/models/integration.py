"""Integrations: the owned things, each with a purpose, a named owner and deputy, and a schedule."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from hub.models.pause import Pausable

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from hub.models.mapping import Mapping


class Criticality(models.TextChoices):
    """What happens to the business when it stops."""

    LOW = "low", "low"
    NORMAL = "normal", "normal"
    HIGH = "high", "high"
    VITAL = "vital", "vital"


class MissedPolicy(models.TextChoices):
    """What becomes of slots that passed while nothing could run."""

    ONCE = "once", "one run makes up for all of them"
    ALL = "all", "each of them is run, oldest first"
    SKIP = "skip", "they are left out once they are too late"


class Integration(Pausable):
    """What moves between systems, why, on whose behalf, and when."""

    name = models.SlugField(max_length=80, unique=True, help_text="Short name used in files and in the shell.")
    title = models.CharField(max_length=200)
    purpose = models.TextField(help_text="Why this exists, in one or two sentences a successor understands.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_integrations")
    deputy = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deputy_integrations")
    criticality = models.CharField(max_length=10, choices=Criticality.choices, default=Criticality.NORMAL)
    schedule = models.CharField(
        max_length=100,
        blank=True,
        help_text="Cron expression (“0 6 * * 1-5”) or interval (“every 15 minutes”). Empty: only by hand.",
    )
    time_zone = models.CharField(max_length=60, default="UTC", help_text="In which the schedule is read.")
    next_run_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    missed_slots = models.CharField(
        "missed times",
        max_length=4,
        choices=MissedPolicy.choices,
        default=MissedPolicy.ONCE,
        help_text="What becomes of times that passed while the hub was down, paused, or still running.",
    )
    grace_minutes = models.PositiveIntegerField(
        "late by at most",
        default=60,
        help_text="Minutes after which a missed time is too late, where missed times are left out.",
    )
    fresh_minutes = models.PositiveIntegerField(
        "fresh within",
        default=1440,
        help_text="Minutes after which a last success counts as stale on the home page.",
    )

    history = HistoricalRecords(excluded_fields=["next_run_at"])

    if TYPE_CHECKING:
        mappings: RelatedManager["Mapping"]

    class Meta:
        ordering = ["title"]
        permissions = [
            ("run_integration", "Can run an integration now or preview it"),
            ("pause_integration", "Can pause and resume an integration"),
            ("view_payload", "Can see what records hold"),
            ("view_personal", "Can see personal data in records"),
            ("resolve_integration", "Can settle the exceptions of an integration"),
            ("operate_integration", "Can run, pause and replay an integration"),
            ("own_integration", "Can do with an integration what its owner can"),
            ("grant_integration", "Can give groups rights on an integration"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(owner=models.F("deputy")),
                name="deputy_is_not_owner",
                violation_error_message="The deputy must be somebody else than the owner.",
            ),
        ]

    def __str__(self) -> str:
        return self.title
