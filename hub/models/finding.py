"""What a review finds after a restored backup: each record that is not as the hub last knew it."""

from django.db import models

from hub.models.recovery import Review


class FindingKind(models.TextChoices):
    """How a record stands that is not as the hub last knew."""

    RELINKED = "relinked", "linked again"
    DIFFERING = "differing", "changed there"
    MISSING = "missing", "gone there"
    NEW = "new", "only at the source"
    UNKNOWN = "unknown", "cannot be looked up"


class Finding(models.Model):
    """One record that a review did not find as the hub last knew it, with the values that differ.

    `link_id` is no foreign key: what was found stays, whatever becomes of the link.
    """

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=9, choices=FindingKind.choices)
    source_key = models.CharField(max_length=255)
    destination_key = models.CharField(max_length=255, blank=True)
    link_id = models.BigIntegerField(null=True)
    wanted = models.JSONField(null=True, help_text="What the source wants, of the fields that differ.")
    present = models.JSONField(null=True, help_text="What is at the destination, of the same fields.")

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["review", "source_key"], name="one_finding_a_record")]
        indexes = [
            models.Index(fields=["review", "kind", "id"], name="finding_kind"),
            models.Index(fields=["review", "id"], name="finding_place"),
        ]

    def __str__(self) -> str:
        return f"{self.source_key}: {self.get_kind_display()}"
