"""Egress zones: networks behind the public ones that the hub may reach, opened by name and with a reason."""

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords


class EgressZone(models.Model):
    """A named exception from the rule that only public addresses are reached. What it opens stands in `networks`."""

    name = models.SlugField(max_length=80, unique=True, help_text="Short name used in files, for example erp-lan.")
    title = models.CharField(max_length=200)
    networks = models.JSONField(default=list, help_text="Networks as 10.20.0.0/16 or fd12:3456::/48, one a line.")
    ports = models.JSONField(default=list, blank=True, help_text="Ports, one a line. Empty: all.")
    allow_http = models.BooleanField(
        "plain http", default=False, help_text="Let http in as well. Otherwise HTTP calls must be https."
    )
    ca_bundle = models.TextField(
        "certificate authorities",
        blank=True,
        help_text="Certificates as PEM. Inside this zone only these are believed. Empty: the usual ones.",
    )
    reason = models.CharField(max_length=300, help_text="Why it is needed. Shown to everybody who sees connections.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it closes by itself. Empty: never.")
    is_open = models.BooleanField(default=False, editable=False)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    opened_by = models.CharField(max_length=150, blank=True, editable=False, help_text="Kept when it is closed.")
    opened_at = models.DateTimeField(null=True, blank=True, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        verbose_name = "egress zone"
        permissions = [("open_egresszone", "Can open and close egress zones")]

    def __str__(self) -> str:
        return self.title
