"""Pace: what all workers together know of how much one connection may be asked, and whether it works at all."""

from django.db import models

from hub.engine.breaker import BreakerState
from hub.models.connection import Connection

LABELS = {
    BreakerState.CLOSED.value: "closed",
    BreakerState.OPEN.value: "open",
    BreakerState.HALF_OPEN.value: "half-open",
}


class RateState(models.Model):
    """Breaker, width, tokens and counts of one connection towards one origin. Derived: it may be deleted at any time.

    Workers work from what they leased and come here about once a second, with the row locked.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="rate_states")
    origin = models.CharField(max_length=200)
    breaker = models.CharField(max_length=9, choices=list(LABELS.items()), default=BreakerState.CLOSED.value)
    code = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True, help_text="Why the breaker opened.")
    opened_at = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True, help_text="When one request may find out whether it works.")
    probing_until = models.DateTimeField(null=True, blank=True)
    is_read_proven = models.BooleanField(default=False)
    failed_probes = models.PositiveIntegerField(default=0)
    in_a_row = models.PositiveIntegerField(default=0, help_text="Failures since the last success.")
    held_until = models.DateTimeField(null=True, blank=True, help_text="Until when the system asked to be left alone.")
    quota_left = models.PositiveIntegerField(null=True, blank=True)
    quota_at = models.DateTimeField(null=True, blank=True, help_text="When its quota is whole again.")
    width = models.PositiveSmallIntegerField(default=0, help_text="Requests in flight; 0: as many as allowed.")
    narrowed_at = models.DateTimeField(null=True, blank=True)
    latency = models.JSONField(default=dict, help_text="Usual seconds of a read and of a write.")
    tokens = models.JSONField(default=dict, help_text="What is left of each limit, and since when.")
    slots = models.JSONField(default=list, help_text="Calls, failures and retries of the last minute.")
    shares = models.JSONField(default=dict, help_text="How much of the width each worker holds, and until when.")
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["connection", "origin"], name="one_rate_state_an_origin")]

    def __str__(self) -> str:
        return f"pace of {self.connection}"
