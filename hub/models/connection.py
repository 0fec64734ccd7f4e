"""Connections: configured accounts on outside systems, and the tests made of them."""

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from hub.models.credential import Credential

LANDING_SECONDS = 900


class Connection(models.Model):
    """A configured account on one system, in one environment."""

    name = models.SlugField(max_length=80, unique=True, help_text="Short name used in files, for example erp.")
    title = models.CharField(max_length=200)
    connector = models.CharField(max_length=80, help_text="The kind of system.")
    config = models.JSONField(default=dict, blank=True)
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    landing_seconds = models.PositiveIntegerField(
        "landing time",
        default=LANDING_SECONDS,
        help_text="Seconds a request may still take effect there after the hub gave up on it.",
    )
    timeout_seconds = models.PositiveIntegerField("deadline", default=30, help_text="Seconds one request may take.")
    is_paused = models.BooleanField(default=False, editable=False)
    paused_reason = models.CharField(max_length=300, blank=True, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class CheckState(models.TextChoices):
    """How a connection test stands."""

    ASKED = "asked", "waiting for a worker"
    REACHABLE = "reachable", "reachable"
    UNAUTHORISED = "unauthorised", "credentials refused"
    WRONG = "wrong", "wrongly configured"
    UNREACHABLE = "unreachable", "not reachable"
    BROKEN = "broken", "failed"


class ConnectionCheck(models.Model):
    """One test of a connection, made by a worker."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="checks")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=CheckState.choices, default=CheckState.ASKED)
    message = models.CharField(max_length=1000, blank=True)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.connection}: {self.get_state_display()}"
