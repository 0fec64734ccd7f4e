"""Deliveries: each webhook received, as it came, kept before its sender is answered."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import psycopg
from django.db import connection, models, transaction
from django.db.models import Q

from hub.models import binary
from hub.models.webhook import Webhook


class DeliveryState(models.TextChoices):
    """What became of a delivery."""

    RECEIVED = "received", "received"
    HINTED = "hinted", "followed"
    IGNORED = "ignored", "ignored"
    QUARANTINED = "quarantined", "set aside"
    REFUSED = "refused", "refused"


class Arrival(NamedTuple):
    """A delivery as it arrives: the columns it is stored with, `headers` as JSON text."""

    webhook_id: int
    received_at: datetime
    delivery_id: str
    digest: str
    event: str
    state: str
    reason: str
    headers: str
    body: bytes
    size: int


COLUMNS = ", ".join((*Arrival._fields, "key", "keys", "replays"))
TYPES = ("bigint", "timestamptz", "text", "text", "text", "text", "text", "jsonb", "bytea", "int")
# The page travels as one binary array a column: neither side then spells or reads a value.
ARRIVE_POSTGRESQL = f"""
insert into hub_delivery ({COLUMNS})
select {", ".join(Arrival._fields)}, '', 0, 0
from unnest({", ".join(f"%s::{kind}[]" for kind in TYPES)}) as fresh({", ".join(Arrival._fields)})
on conflict do nothing returning webhook_id
"""  # noqa: S608  constants only
ARRIVE_SQLITE = f"""
insert into hub_delivery ({COLUMNS}) values ({", ".join(["%s"] * len(TYPES))}, '', 0, 0) on conflict do nothing
"""  # noqa: S608  constants only


class DeliverySet(models.QuerySet["Delivery"]):
    """Set-based writes of deliveries."""

    def arrive(self, arrivals: Sequence[Arrival]) -> Counter[int]:
        """Store these durably, except those that are known already; how many were new, by webhook."""
        rows = sorted(arrivals)  # in one order, so that two writers of the same ids cannot wait for each other
        if connection.vendor == "postgresql":
            return _arrive_in_postgresql(rows)
        with connection.cursor() as cursor:
            # In WAL mode only FULL makes a commit survive the loss of power, not just that of the process.
            cursor.execute("pragma synchronous = full")
            fresh: Counter[int] = Counter()
            with transaction.atomic():
                for webhook_id, some in groupby(rows, key=attrgetter("webhook_id")):
                    cursor.executemany(ARRIVE_SQLITE, list(some))
                    fresh[webhook_id] += cursor.rowcount
            return fresh


def _arrive_in_postgresql(rows: Sequence[Arrival]) -> Counter[int]:
    """One statement, which is its own transaction; prepared, because it is the same every time."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.connection.prepare_threshold = 0  # Django forbids it by leaving it out; this connection is the writer's
        cursor.execute(ARRIVE_POSTGRESQL, binary.columns(rows, TYPES), prepare=True)
        return Counter(webhook_id for (webhook_id,) in cursor.fetchall())


class Delivery(models.Model):
    """One webhook received. Only its state moves; a refused one is kept without its body."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    received_at = models.DateTimeField()
    delivery_id = models.CharField("delivery id", max_length=200, blank=True)
    digest = models.CharField(max_length=32, help_text="Fingerprint of the body.")
    event = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=11, choices=DeliveryState.choices, default=DeliveryState.RECEIVED)
    reason = models.CharField(max_length=300, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    size = models.PositiveIntegerField()
    key = models.CharField(max_length=255, blank=True, help_text="The first record it points at.")
    keys = models.PositiveIntegerField(default=0, help_text="How many records it points at.")
    replays = models.PositiveIntegerField(default=0)
    taken_at = models.DateTimeField(null=True, blank=True, help_text="When it was followed or set aside.")

    objects = DeliverySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        default_permissions = ("view",)
        permissions = [("view_delivery_body", "Can see what a delivery contains")]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="delivery_by_webhook"),
            models.Index(fields=["id"], name="delivery_waiting", condition=Q(state="received")),
            models.Index(
                fields=["state", "-id"],
                name="delivery_set_aside",
                condition=Q(state__in=["quarantined", "refused", "ignored"]),
            ),
            models.Index(
                fields=["key", "-id"], name="delivery_by_key", condition=~Q(key=""),
                opclasses=["varchar_pattern_ops", "int8_ops"],
            ),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "delivery_id"],
                condition=~Q(delivery_id=""),
                name="one_delivery_an_id",
                opclasses=["int8_ops", "varchar_pattern_ops"],
            ),
            # Without an id equal content is one delivery while it waits: later it may mean another change.
            models.UniqueConstraint(
                fields=["webhook", "digest"],
                condition=Q(delivery_id="", state="received"),
                name="one_waiting_delivery_a_content",
            ),
        ]

    def __str__(self) -> str:
        return self.delivery_id or f"delivery {self.pk}"
