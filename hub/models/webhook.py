"""Webhooks: addresses at which other systems tell that records changed, and what is counted of them each hour."""

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from hub.models.connection import Connection
from hub.models.credential import Credential
from hub.models.mapping import Mapping

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from hub.models.delivery import Delivery

TOLERANCE_SECONDS = 300
LARGEST_BODY = 1_048_576
KEEP_DAYS = 30


class SignatureStyle(models.TextChoices):
    """How the sender signs what it sends."""

    STANDARD = "standard", "Standard Webhooks"
    STRIPE = "stripe", "Stripe"
    SHOPIFY = "shopify", "Shopify"
    GITHUB = "github", "GitHub"
    GENERIC = "generic", "HMAC, as described below"
    TOKEN = "token", "a shared token in a header"


class Webhook(models.Model):
    """One address of ours that one sender calls. What comes in is a hint to re-read, never a value to store."""

    name = models.SlugField(max_length=80, unique=True, help_text="The last part of its address, for example shop.")
    title = models.CharField(max_length=200)
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="webhooks", help_text="The system that sends."
    )
    is_active = models.BooleanField(default=True, help_text="Switched off it answers as if it did not exist.")
    style = models.CharField(
        "signature", max_length=10, choices=SignatureStyle.choices, default=SignatureStyle.STANDARD
    )
    signature = models.JSONField(
        "signature settings", default=dict, blank=True,
        help_text="For HMAC: header, algorithm, encoding, prefix, template, timestamp_header, id_header, key.",
    )  # fmt: skip
    credential = models.OneToOneField(
        Credential, on_delete=models.PROTECT, null=True, blank=True, related_name="webhook",
        help_text="Holds the signing secret (secret) and, while it is replaced, the one before (previous).",
    )  # fmt: skip
    previous_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Until when the secret before is still accepted."
    )
    tolerance_seconds = models.PositiveIntegerField(
        "tolerance",
        default=TOLERANCE_SECONDS,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="Seconds by which the time in a signature may differ from ours.",
    )
    id_from = models.CharField(
        "delivery id", max_length=120, blank=True,
        help_text="Where it stands: header:name or body:path. Empty: what is usual for the signature.",
    )  # fmt: skip
    event_from = models.CharField(
        "event", max_length=120, blank=True,
        help_text="Where its kind stands: header:name or body:path. Empty: what is usual for the signature.",
    )  # fmt: skip
    largest = models.PositiveIntegerField(
        "largest body", default=LARGEST_BODY, validators=[MinValueValidator(100), MaxValueValidator(20 * LARGEST_BODY)],
        help_text="Bytes. A larger one is refused.",
    )  # fmt: skip
    keep_days = models.PositiveIntegerField(
        "kept for", default=KEEP_DAYS, validators=[MinValueValidator(7), MaxValueValidator(3650)],
        help_text="Days. Until then a delivery that comes again is known as such.",
    )  # fmt: skip
    catch_up_minutes = models.PositiveIntegerField(
        "catch up every", default=60, validators=[MaxValueValidator(525_600)],
        help_text="Minutes after which changes are read anyway, to find those not announced. 0: only by schedule.",
    )  # fmt: skip
    full_hours = models.PositiveIntegerField(
        "read everything every", default=168, validators=[MaxValueValidator(8_760)],
        help_text="Hours after which everything is read, which also finds deletions. 0: only when asked for.",
    )  # fmt: skip
    silent_since = models.DateTimeField(null=True, blank=True, editable=False)

    history = HistoricalRecords(excluded_fields=["silent_since"])

    if TYPE_CHECKING:
        routes: RelatedManager["WebhookRoute"]
        deliveries: RelatedManager["Delivery"]

    class Meta:
        ordering = ["title"]
        permissions = [("replay_webhook", "Can replay deliveries")]

    def __str__(self) -> str:
        return self.title

    @property
    def path(self) -> str:
        """Its address on this hub."""
        return f"/hooks/{self.name}"


class WebhookRoute(models.Model):
    """Which events of a webhook point at records of which mapping, and where their keys stand."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="routes")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="routes")
    events = models.JSONField(
        default=list, blank=True, help_text="Kinds of event, one a line; * stands for anything. Empty: all."
    )
    keys_from = models.CharField(
        "record keys", max_length=120, default="body:id",
        help_text="Where the key of the record stands: body:data.object.id, body:items.*.id or header:name.",
    )  # fmt: skip

    history = HistoricalRecords()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{', '.join(self.events) or 'all events'} → {self.mapping}"

    @property
    def names_destination(self) -> bool:
        """Whether its keys are those of the destination, which sends: in a mapping that goes both ways."""
        sender, mapping = self.webhook.connection_id, self.mapping
        return mapping.is_two_way and sender == mapping.destination_id != mapping.source_id


class WebhookHour(models.Model):
    """What came to a webhook in one hour, counted. Refusals and repetitions are counted here and kept nowhere else."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="hours")
    hour = models.DateTimeField()
    received = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(
        default=0, help_text="Changed records that a sweep found and nobody announced."
    )

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["webhook", "hour"], name="one_count_an_hour")]

    def __str__(self) -> str:
        return f"{self.webhook_id} at {self.hour:%Y-%m-%d %H}h"


class WebhookMiss(models.Model):
    """A record whose change a read found before any webhook told of it."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="+")
    source_key = models.CharField(max_length=255)
    found_at = models.DateTimeField()
    is_counted = models.BooleanField(default=False, help_text="No webhook came late either.")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["mapping", "source_key"], name="miss_by_key"),
            models.Index(fields=["found_at"], name="miss_open", condition=models.Q(is_counted=False)),
        ]

    def __str__(self) -> str:
        return f"{self.source_key} of mapping {self.mapping_id}"
