"""Changes: each planned or written operation on one record, with its write-intent state, and each attempt."""

from collections.abc import Collection
from collections.abc import Mapping as Values
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.base import ModelState

from hub.engine import plan
from hub.engine.intent import IN_FLIGHT, UNRESOLVED, State
from hub.models.link import Link
from hub.models.mapping import Mapping, MappingVersion
from hub.models.run import SyncRun

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

SIDES = [("destination", "destination"), ("source", "source")]
PURPOSES = [("write", "write"), ("probe", "probe"), ("poll", "poll"), ("verify", "verify")]
OPERATIONS = [("create", "create"), ("update", "update"), ("delete", "delete")]


class Change(models.Model):
    """One operation on one record. Committed as SENDING before any byte of it leaves."""

    # Written by the thousand, so the database does not look up each row's parents again, which takes longer than
    # writing it. The lane's row, locked by every transaction that writes here, goes before its mapping does.
    run = models.ForeignKey(
        SyncRun, on_delete=models.CASCADE, related_name="changes", db_constraint=False, db_index=False
    )
    mapping = models.ForeignKey(
        Mapping, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    version = models.ForeignKey(
        MappingVersion, on_delete=models.PROTECT, related_name="+", null=True, db_constraint=False, db_index=False
    )
    # Nothing asks for the changes of a link; those of a record are found by its key.
    link = models.ForeignKey(
        Link, on_delete=models.SET_NULL, null=True, related_name="changes", db_constraint=False, db_index=False
    )
    source_key = models.CharField(max_length=255)
    bucket = models.PositiveSmallIntegerField(default=0, help_text="Of the key space; lanes are made of buckets.")
    side = models.CharField(
        max_length=11, choices=SIDES, default="destination", help_text="Which end of the mapping is written."
    )
    destination_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  unknown is not empty
    operation = models.CharField(max_length=6, choices=OPERATIONS)
    is_archive = models.BooleanField(default=False, help_text="A deletion carried out by setting archive fields.")
    state = models.CharField(max_length=10, choices=[(state.value, state.label) for state in State])

    fields: "models.JSONField[Any, Any]" = models.JSONField(  # never None here: see from_db
        default=dict, null=True, help_text="What is sent: owned and changed fields only. Stored as null: all of it."
    )
    image = models.JSONField(default=dict, help_text="The whole mapped record.")
    before = models.JSONField(null=True, help_text="The written side as it was known.")
    after = models.JSONField(null=True, help_text="The written side as it answered.")
    decisions = models.JSONField(
        default=dict, help_text="Two-way: for each field the rule that decided, the value, and the one that gave way."
    )
    kept = models.TextField(  # noqa: DJ001  nothing kept is not an empty record
        null=True, blank=True, help_text="The record as it was read, of a step that is mapped when its turn comes."
    )
    digest = models.CharField(max_length=32, blank=True)
    source_digest = models.CharField(max_length=32, blank=True)
    source_version = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    precondition = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    idempotency_key = models.CharField(max_length=64, blank=True)
    key_gen = models.PositiveSmallIntegerField(default=0)
    ack_seq = models.PositiveIntegerField(default=0, help_text="Writes of this record acknowledged before this one.")
    epoch = models.PositiveBigIntegerField(default=0)
    step = models.CharField(max_length=40, blank=True, help_text="Recovery point of a write in several calls.")
    job = models.CharField(max_length=255, blank=True, help_text="Where an accepted write can be asked about.")

    replay_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replays", db_index=False
    )
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    keyed_at = models.DateTimeField(null=True, blank=True, help_text="When its present idempotency key was first used.")
    lost_at = models.DateTimeField(
        null=True, blank=True, help_text="When the hub last gave up on a request of it that may still take effect."
    )
    due_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    verify_due = models.DateTimeField(null=True, blank=True, help_text="When it is to be read back.")
    claim = models.JSONField(null=True, help_text="What a person says became of it, until a worker has looked.")
    code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=2000, blank=True)

    if TYPE_CHECKING:
        attempts: RelatedManager["Attempt"]
        said: str  # what a person may read of `message`; the stories set it

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["run", "state", "id"]),
            # Also for the databases: before a change is removed they look for those that replay it.
            models.Index(fields=["replay_of"], name="change_replays", condition=Q(replay_of__isnull=False)),
            models.Index(
                fields=["mapping", "source_key", "-id"],
                name="change_by_key",
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
            ),
            models.Index(
                fields=["state", "-id"],
                name="change_set_aside",
                condition=Q(state__in=["held", "rejected", "conflict", "superseded", "cancelled"]),
            ),
            models.Index(
                fields=["mapping", "bucket", "id"], name="change_by_lane", condition=Q(state__in=sorted(IN_FLIGHT))
            ),
            models.Index(fields=["due_at"], name="change_due", condition=Q(state__in=sorted(IN_FLIGHT))),
            models.Index(fields=["verify_due"], name="change_verify_due", condition=Q(verify_due__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["mapping", "source_key"],
                condition=Q(state__in=sorted(UNRESOLVED)),
                name="one_unresolved_change_a_record",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.source_key}"

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        """A change as it is stored. What a create sends is its whole image, which is stored, and written, once."""
        made = super().from_db(db, field_names, values, **more)
        if made.__dict__.get("fields", made) is None:
            made.fields = made.image
        return made

    @classmethod
    def fresh(cls, values: Values[str, Any], **parents: models.Model | None) -> "Change":
        """A new change with these values by column; the rest is as the model has it, and must not be JSON.

        Made without what Django does for each new object, which takes longer than storing it. `parents`: the objects
        of its foreign keys that are at hand.
        """
        made = cls.__new__(cls)
        state = ModelState()
        state.fields_cache = dict(parents)
        vars(made).update(_defaults(), _state=state, **values)
        return made

    @property
    def key_there(self) -> str | None:
        """The record's key at the end that is written; None when that end has yet to give one."""
        if self.side == "destination":
            return self.destination_key
        return None if self.operation == "create" else self.source_key

    @property
    def standing(self) -> str:
        """Its state in words; a step that cannot be mapped was refused by nobody."""
        state = State(self.state)
        return "cannot be mapped" if state is State.REJECTED and self.kept is not None else state.label

    def renew_key(self) -> None:
        """Let the next request be a new one: only after a definitive refusal, or proof that the former is absent."""
        self.key_gen += 1
        self.keyed_at = self.lost_at = None
        self.idempotency_key = plan.key_of(
            self.mapping_id, self.source_key, self.operation, self.ack_seq, self.digest, key_gen=self.key_gen
        )

    @property
    def reference(self) -> str:
        """The record's key at the other end: what the written end may store as our reference."""
        return self.source_key if self.side == "destination" else self.destination_key or ""


@cache
def _defaults() -> Values[str, Any]:
    return {field.attname: field.get_default() for field in Change._meta.concrete_fields}


class Attempt(models.Model):
    """One request made for a change, with what came back, redacted. Append-only."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="attempts", db_constraint=False)
    number = models.PositiveSmallIntegerField()
    epoch = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField()
    purpose = models.CharField(max_length=10, default="write", choices=PURPOSES)
    answer = models.CharField(max_length=10)
    code = models.CharField(max_length=40, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)
    request = models.TextField(blank=True)
    response = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.answer}"
