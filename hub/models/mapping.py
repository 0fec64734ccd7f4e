"""Mappings: how one source stream becomes one destination stream, in versions that never change once used."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from hub.engine.lane import BUCKETS as MOST_LANES
from hub.models.connection import Connection
from hub.models.integration import Integration

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class Semantics(models.TextChoices):
    """What a record means, and with it how order matters."""

    STATE = "state", "state: the newest version replaces older ones"
    TRANSITION = "transition", "transition: every step, in order"
    FACT = "fact", "fact: append once"


class Direction(models.TextChoices):
    """Which side may be written."""

    ONE_WAY = "one_way", "one way: from source to destination"
    TWO_WAY = "two_way", "two-way: what people change on either side reaches the other"


class ReadMode(models.TextChoices):
    """How much a scheduled run reads."""

    INCREMENTAL = "incremental", "what changed since the last run"
    FULL = "full", "everything, every time"


class DeletePolicy(models.TextChoices):
    """What happens at one side when the record is gone at the other."""

    ARCHIVE = "archive", "archive it (set the archive fields)"
    DELETE = "delete", "delete it"
    EXCEPTION = "exception", "ask a person"
    IGNORE = "ignore", "leave it and forget the link"
    RESTORE = "restore", "make it again where it was deleted (two-way only)"


class Mapping(models.Model):
    """One source stream to one destination stream within an integration."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="mappings")
    name = models.SlugField(max_length=80, help_text="Short name, unique within the integration.")
    title = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0, help_text="Order within the integration.")
    source = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="source_mappings")
    source_stream = models.CharField(max_length=120)
    destination = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="destination_mappings")
    destination_stream = models.CharField(max_length=120)
    semantics = models.CharField(max_length=12, choices=Semantics.choices, default=Semantics.STATE)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.ONE_WAY)
    slices = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_LANES)],
        help_text="Lanes its key space is cut into: so many workers can write it at the same time.",
    )
    read_mode = models.CharField(max_length=12, choices=ReadMode.choices, default=ReadMode.INCREMENTAL)
    delete_policy = models.CharField(max_length=12, choices=DeletePolicy.choices, default=DeletePolicy.ARCHIVE)
    archive_fields = models.JSONField(
        default=dict, blank=True, help_text="Destination fields that archive a record, for example {“active”: false}."
    )
    back_delete_policy = models.CharField(
        max_length=12,
        choices=DeletePolicy.choices,
        default=DeletePolicy.EXCEPTION,
        help_text="What happens at the source when the destination's record is gone. Two-way only.",
    )
    back_archive_fields = models.JSONField(
        default=dict, blank=True, help_text="Source fields that archive a record there. Two-way only."
    )
    page_size = models.PositiveIntegerField(default=500)
    max_deletions = models.PositiveIntegerField(
        default=20, help_text="More deletions than this in one run, and more than the share, wait for approval."
    )
    max_deletion_share = models.DecimalField(
        max_digits=4, decimal_places=3, default="0.020", help_text="Share of the known records, for example 0.020."
    )
    verify_after = models.PositiveIntegerField(
        "read back after",
        null=True,
        blank=True,
        help_text="Seconds after a write at which it is read back and compared. Empty: never. "
        "For destinations that cannot refuse a write whose version is old.",
    )
    scope_field = models.CharField(
        max_length=120,
        blank=True,
        help_text="The destination field by whose value access can be limited to a part of the data, such as region "
        "or company. Rights on the integration may then be given for some of its values. Empty: none.",
    )
    active_version = models.ForeignKey(
        "MappingVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )

    history = HistoricalRecords()

    if TYPE_CHECKING:
        versions: RelatedManager["MappingVersion"]

    class Meta:
        ordering = ["integration", "position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["integration", "name"], name="mapping_name_in_integration"),
        ]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def is_two_way(self) -> bool:
        """Whether either side may be written."""
        return self.direction == Direction.TWO_WAY

    @property
    def path(self) -> str:
        """The name used in files and in the shell: integration/mapping."""
        return f"{self.integration.name}/{self.name}"


class VersionState(models.TextChoices):
    """How a mapping version stands."""

    DRAFT = "draft", "draft"
    ACTIVE = "active", "active"
    RETIRED = "retired", "retired"


class MappingVersion(models.Model):
    """The field rules of a mapping, as data. A draft may change; a version that was ever active may not."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.JSONField(help_text="Filter, field rules, value maps and references.")
    digest = models.CharField(max_length=64, editable=False)
    state = models.CharField(max_length=10, choices=VersionState.choices, default=VersionState.DRAFT, editable=False)
    note = models.CharField(max_length=300, blank=True, help_text="What changed and why.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True, editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["mapping", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["mapping", "number"], name="mapping_version_number"),
            models.UniqueConstraint(
                fields=["mapping"], condition=models.Q(state="active"), name="one_active_version_a_mapping"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mapping} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; raises ValidationError when the rules of a version that was active would change."""
        if self.pk:
            stored = MappingVersion.objects.filter(pk=self.pk).values("digest", "state").first()
            if stored and stored["state"] != VersionState.DRAFT and stored["digest"] != self.digest:
                raise ValidationError("This version has been in use and cannot change. Make a new version.")
        super().save(*args, **kwargs)
