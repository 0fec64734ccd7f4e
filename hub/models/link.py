"""Links: this record here is that record there, with the last acknowledged image of each side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from django.db import connection, models
from django.db.models import Q

from hub.models.mapping import Mapping


class LinkState(models.TextChoices):
    """How a link stands."""

    PENDING = "pending", "destination record not yet known"
    LINKED = "linked", "linked"
    GONE = "gone", "deleted or archived"


@dataclass(frozen=True, slots=True)
class KnownLink:
    """What the hub knows of one source record, as read for a page."""

    id: int
    source_key: str
    source_digest: str
    digest: str
    refused_digest: str
    destination_key: str | None
    destination_version: str | None
    state: str
    ack_seq: int


COLUMNS = "id, source_key, source_digest, digest, refused_digest, destination_key, destination_version, state, ack_seq"
# A look-up by element: with `= ANY` a table that was never analysed is read whole for every page.
BY_PAGE_POSTGRESQL = f"""
select found.* from unnest(%s::text[]) as wanted(key)
cross join lateral (select {COLUMNS} from hub_link where mapping_id = %s and source_key = wanted.key limit 1) as found
"""  # noqa: S608  constants only
BY_PAGE_SQLITE = f"""
select {COLUMNS} from hub_link where mapping_id = %s and source_key in (select value from json_each(%s))
"""  # noqa: S608  constants only


class LinkSet(models.QuerySet["Link"]):
    """Set-based reads and writes of links."""

    def for_page(self, mapping_id: int, keys: Sequence[str]) -> dict[str, KnownLink]:
        """What is known of these source keys, by key: one statement."""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(BY_PAGE_POSTGRESQL, [list(keys), mapping_id])
            else:
                cursor.execute(BY_PAGE_SQLITE, [mapping_id, orjson.dumps(list(keys)).decode()])
            return {row[1]: KnownLink(*row) for row in cursor.fetchall()}

    def linked_ids(self, mapping_id: int) -> Iterator[int]:
        """The id of every linked record of a mapping, in constant memory, in order."""
        rows = self.filter(mapping_id=mapping_id, state=LinkState.LINKED).order_by("id")
        return rows.values_list("id", flat=True).iterator(chunk_size=5000)


class Link(models.Model):
    """A source record and its destination record.

    `source_digest` is that of the source's data under one mapping version, `digest` that of the mapped
    image last acknowledged by the destination, `refused_digest` that of the image it last refused.
    """

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="links")
    source_key = models.CharField(max_length=255)
    destination_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  unknown is not empty
    state = models.CharField(max_length=8, choices=LinkState.choices, default=LinkState.PENDING)
    source_version = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    destination_version = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    source_digest = models.CharField(max_length=32, blank=True)
    digest = models.CharField(max_length=32, blank=True)
    refused_digest = models.CharField(max_length=32, blank=True)
    ack_seq = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField()

    objects = LinkSet.as_manager()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            # The operator class lets PostgreSQL search a key by its beginning in the same index.
            models.UniqueConstraint(
                fields=["mapping", "source_key"],
                name="one_link_a_source_record",
                opclasses=["int8_ops", "varchar_pattern_ops"],
            ),
            models.UniqueConstraint(
                fields=["mapping", "destination_key"],
                condition=Q(destination_key__isnull=False) & ~Q(state="gone"),
                name="one_link_a_destination_record",
                opclasses=["int8_ops", "varchar_pattern_ops"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_key} → {self.destination_key or '?'}"


class LinkImage(models.Model):
    """The acknowledged images of a link, apart from it because links are touched often and images seldom."""

    link = models.OneToOneField(Link, on_delete=models.CASCADE, primary_key=True, related_name="image")
    sent = models.JSONField(help_text="The mapped image last acknowledged.")
    destination = models.JSONField(null=True, help_text="What the destination holds, when it differs from that.")

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"image of link {self.pk}"


class Hint(models.Model):
    """“This record may have changed, re-read it.” The next run of the mapping reads it by key."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="hints")
    source_key = models.CharField(max_length=255)
    reason = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["mapping", "source_key"], name="one_hint_a_record")]

    def __str__(self) -> str:
        return f"re-read {self.source_key}"
