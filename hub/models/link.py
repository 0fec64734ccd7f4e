"""Links: this record here is that record there, with the last acknowledged image of each side."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
from django.db import connection, models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from hub.models import bulk
from hub.models.mapping import Mapping


class LinkState(models.TextChoices):
    """How a link stands."""

    PENDING = "pending", "destination record not yet known"
    LINKED = "linked", "linked"
    GONE = "gone", "archived or given up"
    DELETED = "deleted", "deleted at both sides"


# A record that the destination had first has no key at the source yet: until then the link goes by this one.
FROM_DESTINATION = "←"


def provisional(destination_key: str) -> str:
    """What stands for the source's key of a record that only the destination has."""
    return f"{FROM_DESTINATION}{destination_key}"


def destination_key_of(key: str) -> str | None:
    """The destination's key in a provisional one; None for a key of the source."""
    return key[len(FROM_DESTINATION) :] if key.startswith(FROM_DESTINATION) else None


class KnownLink(NamedTuple):
    """What the hub knows of one source record, as read for a page: made of a row as it comes."""

    id: int
    source_key: str
    source_digest: str
    digest: str
    refused_digest: str
    destination_key: str | None
    destination_version: str | None
    state: str
    ack_seq: int
    key_gen: int
    quiet_until: datetime | None
    step: str
    source_version: str | None = None


COLUMNS = (
    "id, source_key, source_digest, digest, refused_digest, destination_key, destination_version, state, ack_seq, "
    "key_gen, quiet_until, step, source_version"
)
# A look-up by element: with `= ANY` a table that was never analysed is read whole for every page.
BY_PAGE_POSTGRESQL = f"""
select found.* from unnest(%s::text[]) as wanted(key)
cross join lateral (select {COLUMNS} from hub_link where mapping_id = %s and source_key = wanted.key limit 1) as found
"""  # noqa: S608  constants only
BY_PAGE_SQLITE = f"""
select {COLUMNS} from hub_link where mapping_id = %s and source_key in (select value from json_each(%s))
"""  # noqa: S608  constants only


def _in_utc(link: KnownLink) -> KnownLink:
    """SQLite keeps times in UTC without saying so."""
    if link.quiet_until is None or link.quiet_until.tzinfo is not None:
        return link
    return link._replace(quiet_until=link.quiet_until.replace(tzinfo=UTC))


class LinkSet(models.QuerySet["Link"]):
    """Set-based reads and writes of links."""

    def for_page(self, mapping_id: int, keys: Sequence[str]) -> dict[str, KnownLink]:
        """What is known of these source keys, by key: one statement."""
        if connection.vendor == "postgresql":
            known = [key for key in keys if "\0" not in key]  # a key with a NUL in it is in no table of PostgreSQL
            with bulk.bound() as reader:
                reader.execute(BY_PAGE_POSTGRESQL, [bulk.spelled(known), mapping_id])
                return {row[1]: KnownLink._make(row) for row in reader.fetchall()}
        with connection.cursor() as cursor:
            cursor.execute(BY_PAGE_SQLITE, [mapping_id, orjson.dumps(list(keys)).decode()])
            return {row[1]: _in_utc(KnownLink._make(row)) for row in cursor.fetchall()}

    def by_destination(self, mapping_id: int, keys: Sequence[str]) -> dict[str, KnownLink]:
        """What is known of these destination keys, by key; a link in use goes before one that is not."""
        names = [name.strip() for name in COLUMNS.split(",")]
        found = self.filter(mapping_id=mapping_id, destination_key__in=list(keys)).values_list(*names)
        known = [KnownLink(*row) for row in found]
        known.sort(key=lambda link: (link.state not in (LinkState.GONE, LinkState.DELETED), link.id))
        return {link.destination_key: link for link in known if link.destination_key}

    def remove(self) -> None:
        """Delete these and nothing else. Django would look for changes of theirs by a column that has no index."""
        self._raw_delete(self.db)

    def unmarked(self, mapping_id: int, bounds: tuple[int, int], marks: bytearray) -> Iterator[int]:
        """The id of each linked record of a mapping, first to last of `bounds`, whose bit is not set, in order.

        Bit n stands for the first id + n. Takes constant memory.
        """
        low, _ = bounds
        linked = self.filter(mapping_id=mapping_id, state=LinkState.LINKED, id__range=bounds).order_by("id")
        if connection.vendor != "postgresql":
            ids = linked.values_list("id", flat=True).iterator(chunk_size=5000)
            yield from (id_ for id_ in ids if not marks[(id_ - low) >> 3] & (1 << ((id_ - low) & 7)))
            return
        # The bits go to the ids: fetching every id takes ten times as long.
        unset = RawSQL("get_bit(%s, id - %s) = 0", [bytes(marks), low], models.BooleanField())
        while found := list(linked.filter(unset).values_list("id", flat=True)[:5000]):
            yield from found
            linked = linked.filter(id__gt=found[-1])


class Link(models.Model):
    """A source record and its destination record.

    `source_digest` is that of the source's data under one mapping version, `digest` that of the mapped
    image last acknowledged by the destination, `refused_digest` that of the image it last refused.
    """

    # No index of its own: on a table that was never analysed PostgreSQL would take it in place of the unique one
    # below and read all links of the mapping for each key of a page.
    mapping = models.ForeignKey(
        Mapping, on_delete=models.CASCADE, related_name="links", db_index=False, db_constraint=False
    )
    source_key = models.CharField(max_length=255)
    destination_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  unknown is not empty
    state = models.CharField(max_length=8, choices=LinkState.choices, default=LinkState.PENDING)
    source_version = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    destination_version = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    source_digest = models.CharField(max_length=32, blank=True)
    digest = models.CharField(max_length=32, blank=True)
    refused_digest = models.CharField(max_length=32, blank=True)
    ack_seq = models.PositiveIntegerField(default=0)
    key_gen = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Of the next idempotency key: rises after a definitive refusal or a proof of absence.",
    )
    quiet_until = models.DateTimeField(
        null=True, blank=True, help_text="A late copy of an earlier write may land until then; no other is sent before."
    )
    step = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="The last call done of a create cut short."
    )
    first = models.CharField(
        max_length=11,
        choices=[("source", "source"), ("destination", "destination")],
        db_default="source",
        help_text="Which side had the record first.",
    )
    updated_at = models.DateTimeField()
    absent_since = models.DateTimeField(
        null=True, blank=True, help_text="When a complete read first did not contain it; empty once it is seen again."
    )

    objects = LinkSet.as_manager()

    class Meta:
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["mapping"], name="link_absent", condition=Q(absent_since__isnull=False)),
            models.Index(fields=["mapping"], name="link_tombstone", condition=Q(state__in=["deleted", "gone"])),
        ]
        constraints = [
            # The operator class lets PostgreSQL search a key by its beginning in the same index.
            models.UniqueConstraint(
                fields=["mapping", "source_key"],
                name="one_link_a_source_record",
                opclasses=["int8_ops", "varchar_pattern_ops"],
            ),
            models.UniqueConstraint(
                fields=["mapping", "destination_key"],
                condition=Q(destination_key__isnull=False) & ~Q(state__in=["deleted", "gone"]),
                name="one_link_a_destination_record",
                opclasses=["int8_ops", "varchar_pattern_ops"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_key} → {self.destination_key or '?'}"


class LinkImage(models.Model):
    """The acknowledged images of a link, apart from it because links are touched often and images seldom."""

    link = models.OneToOneField(
        Link, on_delete=models.CASCADE, primary_key=True, related_name="image", db_constraint=False
    )
    sent = models.JSONField(help_text="The mapped image last acknowledged.")
    source = models.JSONField(
        null=True, help_text="The mapped image last acknowledged by the source, when it differs from that."
    )
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
    count = models.PositiveIntegerField(default=1, help_text="How often it was pointed at since it was last read.")
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="From when a run of its own re-reads it. Empty: with the next run."
    )

    class Meta:
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["mapping", "due_at"], name="hint_due", condition=Q(due_at__isnull=False)),
        ]
        constraints = [models.UniqueConstraint(fields=["mapping", "source_key"], name="one_hint_a_record")]

    def __str__(self) -> str:
        return f"re-read {self.source_key}"
