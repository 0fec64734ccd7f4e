"""Mappings: how one source stream becomes one destination stream, in versions that never change once used."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from hub.models.connection import Connection
from hub.models.integration import Integration

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class Semantics(models.TextChoices):
    """What a record means, and with it how order matters."""

    STATE = "state", "state: the newest version replaces older ones"
    TRANSITION = "transition", "transition: every step, in order"
    FACT = "fact", "fact: append once"


class ReadMode(models.TextChoices):
    """How much a scheduled run reads."""

    INCREMENTAL = "incremental", "what changed since the last run"
    FULL = "full", "everything, every time"


class DeletePolicy(models.TextChoices):
    """What happens at the destination when the source record is gone."""

    ARCHIVE = "archive", "archive it (set the archive fields)"
    DELETE = "delete", "delete it"
    EXCEPTION = "exception", "ask a person"
    IGNORE = "ignore", "leave it and forget the link"


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
    read_mode = models.CharField(max_length=12, choices=ReadMode.choices, default=ReadMode.INCREMENTAL)
    delete_policy = models.CharField(max_length=12, choices=DeletePolicy.choices, default=DeletePolicy.ARCHIVE)
    archive_fields = models.JSONField(
        default=dict, blank=True, help_text="Destination fields that archive a record, for example {“active”: false}."
    )
    page_size = models.PositiveIntegerField(default=500)
    max_deletions = models.PositiveIntegerField(
        default=20, help_text="More deletions than this in one run, and more than the share, wait for approval."
    )
    max_deletion_share = models.DecimalField(
        max_digits=4, decimal_places=3, default="0.020", help_text="Share of the known records, for example 0.020."
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
