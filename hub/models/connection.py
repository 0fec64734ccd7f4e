"""Connections: configured accounts on outside systems, and the tests made of them."""

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from hub.models.credential import Credential
from hub.models.pause import Pausable

LANDING_SECONDS = 900
MAX_IN_FLIGHT = 32


class Connection(Pausable):
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
    max_in_flight = models.PositiveSmallIntegerField(
        "requests in flight",
        default=MAX_IN_FLIGHT,
        help_text="At most, of all workers together. The hub goes below that while the system is slow.",
    )
    per_second = models.PositiveIntegerField(
        "requests a second", null=True, blank=True, help_text="At most, of all workers together. Empty: no limit."
    )
    per_minute = models.PositiveIntegerField("requests a minute", null=True, blank=True, help_text="The same.")
    per_day = models.PositiveIntegerField("requests a day", null=True, blank=True, help_text="The same.")
    burst = models.PositiveIntegerField(
        null=True, blank=True, help_text="Requests that may go at once after a rest. Empty: a tenth of the limit."
    )
    catch_up_rate = models.PositiveIntegerField(
        "catch-up rate",
        null=True,
        blank=True,
        help_text="Records a minute that are written of what an outage left waiting. Empty: no limit.",
    )

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
    number = models.PositiveIntegerField(
        null=True, help_text="The version of its credential that is tried. Empty: the one in use."
    )
    state = models.CharField(max_length=20, choices=CheckState.choices, default=CheckState.ASKED)
    message = models.CharField(max_length=1000, blank=True)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.connection}: {self.get_state_display()}"
