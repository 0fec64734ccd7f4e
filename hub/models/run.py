"""Sync runs: each execution of a mapping, with counts that balance at every moment."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from hub.models.integration import Integration
from hub.models.mapping import Mapping, MappingVersion

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from hub.models.change import Change


class RunState(models.TextChoices):
    """How a run stands."""

    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    WAITING = "waiting", "waiting"
    SUCCEEDED = "succeeded", "succeeded"
    PARTIAL = "partial", "partial"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


LIVE = (RunState.QUEUED, RunState.RUNNING)
ENDED = (RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED, RunState.CANCELLED)


class Trigger(models.TextChoices):
    """What made a run start."""

    PERSON = "person", "by a person"
    SCHEDULE = "schedule", "by schedule"
    SHELL = "shell", "from the shell"
    HUB = "hub", "by the hub itself"
    HINT = "hint", "by a hint that a record changed"


class SyncRun(models.Model):
    """One execution of one mapping.

    Counts balance at every moment:
    received = unchanged + created + updated + deleted + planned + held + excluded + excepted + in_flight.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="runs")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(MappingVersion, on_delete=models.PROTECT, related_name="+", null=True)
    after = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="followers")
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    slot = models.DateTimeField(null=True, blank=True, help_text="The schedule's slot this run fills.")
    is_preview = models.BooleanField(default=False)
    is_full = models.BooleanField(default=False, help_text="Reads everything from the start.")
    is_hints_only = models.BooleanField(
        "hints only", default=False, help_text="Reads only the records that something pointed at."
    )
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.QUEUED)
    reason = models.CharField(max_length=1000, blank=True, help_text="Why it stands as it does.")
    reason_code = models.CharField(max_length=40, blank=True)
    replay = models.ForeignKey("Replay", on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    keys = models.JSONField(null=True, blank=True, help_text="Only these records, each with the change it replays.")
    cancel_asked = models.BooleanField(default=False)

    epoch = models.PositiveBigIntegerField(default=0, help_text="Of the lease under which it runs.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often a worker has taken it up.")
    cursor = models.JSONField(null=True, blank=True)
    reading = models.CharField(
        max_length=11,
        choices=[("source", "source"), ("destination", "destination")],
        default="source",
        help_text="Which side the cursor belongs to; only two-way runs read both.",
    )
    pages = models.PositiveIntegerField(default=0)
    hints_done = models.BooleanField(default=False)
    read_complete = models.BooleanField(default=False, help_text="The read reached the end of the source.")
    is_draining = models.BooleanField(
        default=False, help_text="Everything is read and planned; its lanes are being drained."
    )
    accounted_to = models.PositiveBigIntegerField(
        default=0, help_text="Changes up to this one are of pages that are committed as a whole."
    )
    expected = models.PositiveIntegerField(null=True, blank=True, help_text="Records last time, for the progress bar.")

    received = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)
    planned = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    excepted = models.PositiveIntegerField("in exception", default=0)
    in_flight = models.PositiveIntegerField(default=0)

    queued_at = models.DateTimeField()
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="Not before then: the next try after a passing failure."
    )
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    if TYPE_CHECKING:
        changes: RelatedManager["Change"]
        followers: RelatedManager["SyncRun"]

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [("cancel_syncrun", "Can cancel a run"), ("approve_syncrun", "Can release held changes")]
        indexes = [
            models.Index(fields=["integration", "-id"]),
            models.Index(fields=["mapping", "-id"]),
            models.Index(fields=["state", "-id"]),
            models.Index(
                fields=["mapping", "-id"],
                condition=Q(state__in=["succeeded", "partial"], is_preview=False, is_hints_only=False),
                name="run_last_good",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["mapping"],
                condition=Q(state__in=["queued", "running"], is_hints_only=False),
                name="one_live_run_a_mapping",
            ),
            models.UniqueConstraint(
                fields=["mapping"],
                condition=Q(state__in=["queued", "running"], is_hints_only=True),
                name="one_live_hints_run_a_mapping",
            ),
            models.UniqueConstraint(fields=["mapping", "slot"], name="one_run_a_slot"),
            models.CheckConstraint(
                condition=Q(
                    received=F("unchanged")
                    + F("created")
                    + F("updated")
                    + F("deleted")
                    + F("planned")
                    + F("held")
                    + F("excluded")
                    + F("excepted")
                    + F("in_flight")
                ),
                name="run_counts_balance",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.mapping}"

    @property
    def applied(self) -> int:
        """Records written: created, updated and deleted."""
        return self.created + self.updated + self.deleted

    @property
    def is_live(self) -> bool:
        """Whether it is queued or running."""
        return self.state in LIVE

    @property
    def balance(self) -> dict[str, int]:
        """The balance line: received and what became of it."""
        parts = ("unchanged", "applied", "planned", "held", "excluded", "excepted", "in_flight")
        return {"received": self.received} | {part: getattr(self, part) for part in parts}


class SeenPage(models.Model):
    """The links of the records one page of a full read contained, as packed ids, until deletions are found."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    links = models.BinaryField()
    side = models.CharField(max_length=11, db_default="source", help_text="Which side was read.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_seen_page")]

    def __str__(self) -> str:
        return f"page {self.number} of run {self.run_id}"
